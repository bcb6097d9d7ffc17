"""Questions to partners' servers: asked by the api, answered by the poller. Writes `inquiries`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.contracts.places import InquiryAsked
from shared.domain.failures import NotFound
from shared.domain.run import Reason
from shared.storage import outbox
from shared.storage.database import Database, Record, Session, Tx

GIVEN_UP_SECONDS = 900.0
"""A question is rung again for ten minutes, and its answer may take five more."""
_AT_ONCE = 200
PAUSED = Reason(
    code="paused",
    detail="The connection is switched off, so its server is left alone.",
    what_to_do="Resume it; POST /v1/connections/{id}/verify tries it also while it is switched off.",
)
_DELETED = Reason(code="not_found", detail="The connection was taken away.")
_NOT_ANSWERED = Reason(
    code="not_answered",
    detail="No poller has answered in time.",
    what_to_do="See whether pollers run and what they log, and ask again.",
)


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question and, once it was answered, its answer."""

    id: UUID
    connection_id: UUID
    kind: str
    state: str
    asked_at: datetime
    answered_at: datetime | None
    answer: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Taken:
    """A question in the hands of one poller."""

    connection_id: UUID
    kind: str
    sample_id: UUID | None
    """Which sample is to be fetched, where that was asked."""


async def ask(tx: Tx, connection_id: UUID, *, sample_id: UUID | None = None) -> UUID:
    """Ask that a connection be verified, or for a sample; the poller hears of it after the commit."""
    if sample_id is None:
        await tx.execute("inquiries.forget", tx.account_id, connection_id)
    kind = "verify" if sample_id is None else "fetch_sample"
    inquiry_id: UUID = await tx.value("inquiries.insert", tx.account_id, connection_id, kind, sample_id)
    await outbox.put(tx, InquiryAsked(**outbox.heading(tx), inquiry_id=inquiry_id))
    return inquiry_id


async def take(tx: Tx, inquiry_id: UUID, seconds: float) -> Taken | None:
    """Take a question for so long; None where another answers it or it is answered."""
    row = await tx.row("inquiries.take", tx.account_id, inquiry_id, seconds)
    return None if row is None else Taken(**dict(row))


async def keep(tx: Tx, inquiry_id: UUID, seconds: float) -> None:
    """The question is still being answered, for so long; nothing where the time it was taken for ran out."""
    await tx.execute("inquiries.keep", tx.account_id, inquiry_id, seconds)


async def answer(tx: Tx, inquiry_id: UUID, found: dict[str, Any]) -> bool:
    """Write the answer down; False where there is one already."""
    return await tx.row("inquiries.answer", tx.account_id, inquiry_id, found) is not None


def not_done(reason: Reason) -> dict[str, Any]:
    """The answer to a question that nobody asked the server: why not."""
    return {"ok": False, "steps": [], "reason": reason.model_dump(mode="json")}


async def drop(tx: Tx, connection_id: UUID) -> None:
    """The connection is taken away: its open questions have no answer."""
    await tx.execute("inquiries.drop", tx.account_id, connection_id, not_done(_DELETED))


async def call_off(tx: Tx, connection_id: UUID) -> None:
    """The connection is switched off: trials that nobody has begun are not carried out."""
    await tx.execute("inquiries.call_off", tx.account_id, connection_id, not_done(PAUSED))


async def give_up(database: Database) -> int:
    """Answer what nobody has answered in time, that it was not; how many. Raises StorageUnavailable."""
    async with database.watching() as watch:
        found = await watch.fetch("inquiries.unanswered", GIVEN_UP_SECONDS, _AT_ONCE)
    given_up = 0
    for row in found:
        async with database.account(row["account_id"]) as tx:
            told = await tx.row("inquiries.give_up", tx.account_id, row["inquiry_id"], not_done(_NOT_ANSWERED))
        given_up += told is not None
    return given_up


async def get(tx: Tx, inquiry_id: UUID) -> Inquiry:
    """One question. Raises NotFound."""
    row = await tx.row("inquiries.get", tx.account_id, inquiry_id)
    if row is None:
        raise NotFound
    return _inquiry(row)


async def verifications(tx: Tx, connection_ids: Sequence[UUID]) -> dict[UUID, Inquiry]:
    """The latest trial of each connection that was ever tried."""
    rows = await tx.fetch("inquiries.verifications", tx.account_id, connection_ids)
    return {row["connection_id"]: _inquiry(row) for row in rows}


async def unheard(watch: Session, seconds: float, limit: int, *, of_one_account: int) -> list[tuple[UUID, UUID]]:
    """Questions that somebody should have taken so long ago, the oldest of each account first: (account, inquiry)."""
    rows = await watch.fetch("inquiries.unheard", seconds, limit, of_one_account)
    return [(row["account_id"], row["inquiry_id"]) for row in rows]


def _inquiry(row: Record) -> Inquiry:
    facts = dict(row)
    return Inquiry(id=facts.pop("inquiry_id"), **facts)
