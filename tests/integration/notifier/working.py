"""A notifier at work, and what its table of mails says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from services.notifier import handlers
from services.notifier.deliver import deliver
from services.notifier.tools import Tools
from shared.contracts.places import NotificationRaised
from shared.contracts.runs import RunFinished
from shared.storage.database import Database


@dataclass(frozen=True)
class Row:
    """A planned mail."""

    about_kind: str
    about_state: str
    recipient: str
    state: str
    attempts: int
    last_error_code: str | None


def outcomes(tools: Tools) -> dict[str, float]:
    """How many mails this notifier has planned, sent, delayed, given up."""
    [family] = tools.metrics.mails.collect()
    return {sample.labels["outcome"]: sample.value for sample in family.samples if sample.name.endswith("_total")}


async def planned(database: Database, account_id: UUID) -> list[Row]:
    """The account's mails, by recipient."""
    async with database.account(account_id) as tx:
        rows = await tx.connection.fetch(
            "SELECT about_kind, about_state, recipient, state, attempts, last_error_code FROM tidegate.mails "
            "ORDER BY recipient, about_state"
        )
    return [Row(**dict(row)) for row in rows]


async def raised(database: Database, account_id: UUID) -> list[tuple[UUID, str, str]]:
    """The account's notifications: id, code, detail."""
    async with database.account(account_id) as tx:
        rows = await tx.connection.fetch("SELECT notification_id, code, detail FROM tidegate.notifications")
    return [(row["notification_id"], row["code"], row["detail"]) for row in rows]


async def hear_of_run(tools: Tools, account_id: UUID, run_id: UUID) -> None:
    """The news of a run reaches the notifier."""
    news = RunFinished(message_id=uuid4(), occurred_at=datetime.now(UTC), account_id=account_id, run_id=run_id)
    await handlers.run_finished(news, tools)


async def hear_of_notification(tools: Tools, account_id: UUID, notification_id: UUID) -> None:
    """The news of a notification reaches the notifier."""
    news = NotificationRaised(
        message_id=uuid4(), occurred_at=datetime.now(UTC), account_id=account_id, notification_id=notification_id
    )
    await handlers.notification_raised(news, tools)


@asynccontextmanager
async def delivering(*notifiers: Tools) -> AsyncIterator[None]:
    """Mails are delivered while inside."""
    stopping = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for tools in notifiers:
            group.create_task(deliver(tools, stopping))
        try:
            yield
        finally:
            stopping.set()
            for tools in notifiers:
                tools.planned.set()
