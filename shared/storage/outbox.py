"""The outbox: messages leave in the transaction that made them true. Writes `outbox`; belongs to all services."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from shared.contracts.message import Message
from shared.contracts.runs import ExportRequested, FileArrived, RunFinished
from shared.observe import tracing
from shared.storage.database import Database, Session, Tx


async def put(tx: Tx, *messages: Message) -> None:
    """Queue messages; they are sent after the commit, by whichever service's relay comes first."""
    if not messages:
        return
    bodies = [message.model_dump(mode="json") for message in messages]
    identities = [message.message_id for message in messages]
    await tx.execute("outbox.put", tx.account_id, identities, [message.name for message in messages], bodies)
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
    await ring_runs(tx, kind, [(run_id, traceparent)])


async def ring_runs(tx: Tx, kind: str, ready: Sequence[tuple[UUID, str | None]]) -> None:
    """Ring for many runs of a kind, each with its trace."""
    message = FileArrived if kind == "import" else ExportRequested
    await put(tx, *(message(**heading(tx, traceparent), run_id=run_id) for run_id, traceparent in ready))


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
