"""The notification centre: what a person should know or do. Writes `notifications`.

No personal data and no secret may be put into one: it is shown, mailed and kept.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.contracts.places import NotificationRaised
from shared.domain.failures import NotFound
from shared.storage import outbox
from shared.storage.database import Record, Tx


@dataclass(frozen=True, slots=True)
class News:
    """What makes a notification: a stable code, a title and the rest of a `Reason`, and what it is about."""

    code: str
    title: str
    detail: str = ""
    what_to_do: str = ""
    connection_id: UUID | None = None
    goal_id: UUID | None = None
    run_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification as it is stored."""

    id: UUID
    news: News
    created_at: datetime
    read_at: datetime | None


async def raise_(tx: Tx, news: News, *, is_mailed: bool = True) -> UUID:
    """Put something before people; the notifier hears of it after the commit, unless another mail tells them."""
    notification_id: UUID = await tx.value(
        "notifications.insert",
        tx.account_id,
        news.code,
        news.title,
        news.detail,
        news.what_to_do,
        news.connection_id,
        news.goal_id,
        news.run_id,
    )
    if is_mailed:
        await outbox.put(tx, NotificationRaised(**outbox.heading(tx), notification_id=notification_id))
    return notification_id


async def get(tx: Tx, notification_id: UUID) -> Notification:
    """One notification. Raises NotFound."""
    row = await tx.row("notifications.get", tx.account_id, notification_id)
    if row is None:
        raise NotFound
    return _notification(row)


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications a list shows; None is any. `before` is the (created_at, id) of the last one seen."""

    unread_only: bool = False
    code: str | None = None
    connection_id: UUID | None = None
    goal_id: UUID | None = None
    run_id: UUID | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: NotificationFilter, limit: int) -> list[Notification]:
    """Notifications, newest first."""
    created_at, notification_id = chosen.before or (None, None)
    rows = await tx.fetch(
        "notifications.page",
        tx.account_id,
        chosen.unread_only,
        chosen.code,
        chosen.connection_id,
        chosen.goal_id,
        chosen.run_id,
        chosen.since,
        chosen.until,
        created_at,
        notification_id,
        limit,
    )
    return [_notification(row) for row in rows]


async def read(tx: Tx, notification_id: UUID) -> Notification:
    """Note that a person has seen it. Raises NotFound."""
    if await tx.row("notifications.mark_read", tx.account_id, notification_id) is None:
        raise NotFound
    return await get(tx, notification_id)


def _notification(row: Record) -> Notification:
    facts = dict(row)
    return Notification(
        facts.pop("notification_id"),
        created_at=facts.pop("created_at"),
        read_at=facts.pop("read_at"),
        news=News(**facts),
    )
