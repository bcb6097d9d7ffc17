"""Samples: files that were sent or fetched to be looked at, and what was found. Writes `samples`.

The file itself is a kept one (`kept_files.py`) and ends with its sample, unless it is imported as well. Findings hold
values of the file: they are for who may make goals, and are read here one sample at a time. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from shared.domain.failures import NotFound
from shared.domain.findings import Answer, Findings
from shared.domain.names import split
from shared.domain.run import Reason
from shared.storage import kept_files, manual_imports
from shared.storage.database import Database, Record, Tx

SampleState = Literal["fetching", "ready", "failed"]

KEPT_SECONDS = 7 * 24 * 3600.0
"""How long a sample is kept."""
GIVEN_UP_SECONDS = 600.0
"""So long a question to the poller is rung again; what was not fetched by then never is."""
_GIVEN_UP = Reason(
    code="sample_not_fetched",
    detail="Nobody fetched the file from its place in time.",
    what_to_do="See whether pollers run, and ask again.",
)


@dataclass(frozen=True, slots=True)
class StoredSample:
    """A sample as it is stored."""

    id: UUID
    name: str
    connection_id: UUID | None
    """Where it was fetched from; None where it was sent."""
    path: str | None
    state: SampleState
    kept_file_id: UUID | None
    size_bytes: int | None
    sha256: str | None
    answers: tuple[Answer, ...]
    findings: Findings | None
    reason: Reason | None
    """Why it could not be fetched."""
    created_at: datetime
    expires_at: datetime


async def create(tx: Tx, kept_file_id: UUID, findings: Findings) -> StoredSample:
    """A kept file that was looked at is a sample from now on. Raises NotFound where the file is gone."""
    sample_id = await tx.value("samples.insert", tx.account_id, kept_file_id, _stored(findings))
    if sample_id is None:
        raise NotFound
    return await get(tx, sample_id)


async def ask(tx: Tx, connection_id: UUID, path: str, seconds: float) -> StoredSample:
    """A sample that somebody is yet to fetch, kept for so long."""
    name = split(path)[1]
    return await get(tx, await tx.value("samples.ask", tx.account_id, name, connection_id, path, seconds))


async def settle(tx: Tx, sample_id: UUID, kept_file_id: UUID, findings: Findings) -> bool:
    """It was fetched and looked at; False where nobody waits for it any more."""
    return await tx.value("samples.settle", tx.account_id, sample_id, kept_file_id, _stored(findings)) is not None


async def fail(tx: Tx, sample_id: UUID, reason: Reason) -> None:
    """It could not be fetched."""
    await tx.execute("samples.fail", tx.account_id, sample_id, reason.model_dump(mode="json"))


async def answered(tx: Tx, before: StoredSample, answers: Sequence[Answer], findings: Findings) -> StoredSample | None:
    """Keep what people said, and what is found with that; None where others have answered since `before` was read.

    Raises NotFound.
    """
    told, known = ([each.model_dump(mode="json") for each in some] for some in (answers, before.answers))
    is_kept = await tx.value("samples.answered", tx.account_id, before.id, known, told, _stored(findings)) is not None
    now = await get(tx, before.id)
    return now if is_kept else None


async def get(tx: Tx, sample_id: UUID) -> StoredSample:
    """One sample. Raises NotFound."""
    row = await tx.row("samples.get", tx.account_id, sample_id, GIVEN_UP_SECONDS)
    if row is None:
        raise NotFound
    return _sample(row)


async def page(tx: Tx, after: tuple[datetime, UUID] | None, limit: int) -> list[StoredSample]:
    """The account's samples, newest first, without what was found."""
    rows = await tx.fetch("samples.page", tx.account_id, GIVEN_UP_SECONDS, *(after or (None, None)), limit)
    return [_sample(row) for row in rows]


async def delete(tx: Tx, sample_id: UUID) -> None:
    """Take a sample away, and its file, unless that is imported: then it is kept for its run. Raises NotFound."""
    kept_file_id = await tx.value("samples.delete", tx.account_id, sample_id)
    if kept_file_id is None:
        raise NotFound
    if not await manual_imports.has_taken(tx, kept_file_id):
        await kept_files.end(tx, kept_file_id)


async def forget_old(database: Database) -> int:
    """Delete samples whose time is over; how many. One short transaction an account."""
    async with database.watching() as watch:
        account_ids = [row["account_id"] for row in await watch.fetch("samples.owners_of_old")]
    forgotten = 0
    for account_id in account_ids:
        async with database.account(account_id) as tx:
            forgotten += await tx.execute("samples.forget_old", account_id)
    return forgotten


def _stored(findings: Findings) -> bytes:
    return findings.model_dump_json().encode()


def _sample(row: Record) -> StoredSample:
    facts: dict[str, Any] = dict(row)
    findings, reason = facts.pop("findings"), facts.pop("reason")
    if facts["state"] == "given_up":
        facts["state"], reason = "failed", _GIVEN_UP.model_dump(mode="json")
    return StoredSample(
        id=facts.pop("sample_id"),
        answers=tuple(Answer.model_validate(each) for each in facts.pop("answers")),
        findings=None if findings is None else Findings.model_validate_json(bytes(findings)),
        reason=None if reason is None else Reason.model_validate(reason),
        **facts,
    )
