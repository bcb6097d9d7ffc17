"""Mails to be sent, and what became of each. Writes `mails`.

A mail is planned once for each (thing, state of the thing, recipient), in the transaction that decides to tell. A
notifier takes one for a limited time, so that replicas share the work and a mail in the hands of a killed notifier
comes back. It may then leave twice, under the same Message-ID. What a mail says is not kept here: it is written from
the ledger when it is sent.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.storage.database import Session, Tx

AboutKind = Literal["run", "notification"]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in the hands of one notifier."""

    id: UUID
    account_id: UUID
    about_kind: AboutKind
    about_id: UUID
    about_state: str
    recipient: str
    attempt: int
    """1-based; also the fence: who takes the mail after us has the next number."""
    planned_at: datetime
    age_seconds: float
    traceparent: str | None = None
    """The trace of what it tells."""


@dataclass(frozen=True, slots=True)
class RejectPlace:
    """Where a row lies that was not imported, and why; without anything that the row says."""

    record_number: int
    line_number: int
    code: str
    field: str | None


@dataclass(frozen=True, slots=True)
class News:
    """A message that was sent, and its place in the order of sending."""

    name: str
    body: dict[str, Any]
    sent_at: datetime
    message_id: UUID


async def plan(
    tx: Tx,
    about_kind: AboutKind,
    about_id: UUID,
    about_state: str,
    recipients: Iterable[str],
    traceparent: str | None = None,
) -> int:
    """Plan a mail to each recipient; how many of them are new. Planning again adds nothing."""
    about = (about_kind, about_id, about_state)
    return await tx.execute("mails.plan", tx.account_id, *about, list(recipients), traceparent)


async def due(watch: Session, limit: int) -> list[tuple[UUID, UUID]]:
    """Mails whose turn it is and that nobody holds: (account, mail), the longest waiting first."""
    return [(row["account_id"], row["mail_id"]) for row in await watch.fetch("mails.due", limit)]


async def take(tx: Tx, mail_id: UUID, seconds: float) -> Mail | None:
    """Hold a mail for one try, for so many seconds unless it is kept; None when it is not to be had."""
    row = await tx.row("mails.take", tx.account_id, mail_id, seconds)
    if row is None:
        return None
    return Mail(
        id=row["mail_id"],
        account_id=tx.account_id,
        about_kind=row["about_kind"],
        about_id=row["about_id"],
        about_state=row["about_state"],
        recipient=row["recipient"],
        attempt=row["attempts"],
        planned_at=row["created_at"],
        age_seconds=row["age_seconds"],
        traceparent=row["traceparent"],
    )


async def keep(tx: Tx, mail: Mail, seconds: float) -> None:
    """The try goes on for so long; nothing where another notifier has the mail by now."""
    await tx.execute("mails.keep", tx.account_id, mail.id, mail.attempt, seconds)


async def sent(tx: Tx, mail: Mail) -> None:
    """The mail has left."""
    await tx.execute("mails.sent", tx.account_id, mail.id)


async def failed(tx: Tx, mail: Mail, code: str, next_try_in_seconds: float) -> bool:
    """This try failed, the next comes in so many seconds; False when another notifier has the mail by now."""
    return await tx.execute("mails.failed", tx.account_id, mail.id, mail.attempt, code, next_try_in_seconds) > 0


async def give_up(tx: Tx, mail: Mail, code: str) -> bool:
    """There is no further try; False when another notifier has the mail by now."""
    return await tx.execute("mails.give_up", tx.account_id, mail.id, mail.attempt, code) > 0


async def contact(tx: Tx, goal_id: UUID | None, connection_id: UUID | None) -> str | None:
    """The address of the person who made the goal, else of who made the connection; None where neither is known."""
    email: str | None = await tx.value("mails.contact", tx.account_id, goal_id, connection_id)
    return email


async def first_rejects(tx: Tx, run_id: UUID, token: int, limit: int) -> list[RejectPlace]:
    """The first rows that a run did not import under its last token, without what they say."""
    return [RejectPlace(**dict(row)) for row in await tx.fetch("mails.first_rejects", run_id, token, limit)]


async def news(
    watch: Session, names: list[str], since_seconds: float, until_seconds: float, after: News | None, limit: int
) -> list[News]:
    """Messages that were sent between so many seconds ago and so many, in order; `after` is the last one seen."""
    sent_at, message_id = (after.sent_at, after.message_id) if after else (None, None)
    rows = await watch.fetch("mails.news", names, since_seconds, until_seconds, sent_at, message_id, limit)
    return [News(**dict(row)) for row in rows]
