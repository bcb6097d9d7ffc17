"""The outbox: messages leave in the transaction that made them true. Writes `outbox`; belongs to all services."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.message import Message
from shared.contracts.runs import ExportRequested, FileArrived, RunFinished
from shared.observe import tracing
from shared.storage.database import Database, Session, Tx


async def put(tx: Tx, message: Message) -> None:
    """Queue a message; it is sent after the commit, by whichever service's relay comes first."""
    body: dict[str, Any] = message.model_dump(mode="json")
    await tx.execute("outbox.put", tx.account_id, message.message_id, message.name, body)
    tx.rang = True


def heading(tx: Tx, traceparent: str | None = None) -> dict[str, Any]:
    """What every message needs that is told in this transaction: a new identity, the time, the account, the trace."""
    return {
        "message_id": uuid4(),
        "occurred_at": datetime.now(UTC),
        "account_id": tx.account_id,
        "traceparent": tracing.within(traceparent),
    }


async def ring_run(tx: Tx, run_id: UUID, kind: str, traceparent: str | None = None) -> None:
    """Ring for a run that is ready to be claimed; `kind` is `import` or `export`."""
    message = FileArrived if kind == "import" else ExportRequested
    await put(tx, message(**heading(tx, traceparent), run_id=run_id))


async def tell_run(tx: Tx, run_id: UUID, traceparent: str | None = None) -> None:
    """Tell that a run ended, or waits for a person."""
    await put(tx, RunFinished(**heading(tx, traceparent), run_id=run_id))


async def unsent(watch: Session, limit: int) -> list[tuple[UUID, UUID, str, dict[str, Any]]]:
    """Lock unsent messages that no other relay holds: (account, message, name, body), oldest first."""
    rows = await watch.fetch("outbox.unsent", limit)
    return [(row["account_id"], row["message_id"], row["name"], row["body"]) for row in rows]


async def mark_sent(watch: Session, message_ids: list[UUID]) -> None:
    """Note that the broker confirmed these."""
    await watch.execute("outbox.mark_sent", message_ids)


async def forget_sent(database: Database) -> int:
    """Delete messages sent more than a day ago; how many."""
    async with database.watching() as watch:
        return await watch.execute("outbox.forget_sent")


async def depth(watch: Session) -> tuple[int, float]:
    """How many messages are unsent, and the age of the oldest in seconds."""
    row = await watch.row("outbox.depth")
    return (row["messages"], float(row["age_seconds"])) if row else (0, 0.0)
