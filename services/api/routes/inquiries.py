"""`/v1/inquiries`: what was asked of a partner's server, and the poller's answer."""

import asyncio
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.routes.answers import ABSENT, PROBLEMS
from shared.domain.run import Reason
from shared.domain.scope import Scope
from shared.storage import inquiries

router = APIRouter(prefix="/v1/inquiries", tags=["connections"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]

_FIRST_PAUSE_SECONDS = 0.05
_LONGEST_PAUSE_SECONDS = 0.5


class StepShown(BaseModel):
    """One step of `verify`.

    resolve, connect, host_key (certificate, where TLS is spoken), login; list for each directory that goals watch or
    write to; write, read, replace and remove for each that exports write to.
    """

    name: str
    outcome: Literal["ok", "failed", "not_tried"]
    directory: Annotated[str | None, Field(description="Which directory was tried, below the home directory")] = None
    milliseconds: Annotated[int | None, Field(description="null where it was not tried")] = None
    code: str | None = None
    detail: str = ""
    what_to_do: str = ""
    presented_key: str | None = None
    fingerprint: Annotated[str | None, Field(description="Of the host key or certificate that is not accepted")] = None


class AnswerShown(BaseModel):
    """What came out."""

    ok: bool
    steps: list[StepShown] = []
    reason: Annotated[Reason | None, Field(description="Why nothing was asked of the server; null where it was")] = None


class InquiryShown(BaseModel):
    """A question to a partner's server."""

    id: UUID
    connection_id: UUID
    kind: str
    state: Literal["asked", "taken", "answered"]
    asked_at: datetime
    answered_at: datetime | None
    answer: AnswerShown | None


@router.get("/{inquiry_id}", responses=ABSENT)
async def get_inquiry(inquiry_id: UUID, visit: Reader) -> InquiryShown:
    """One question; `answer` is null until it is there."""
    return await _read(visit, inquiry_id)


async def await_answer(visit: Visit, inquiry_id: UUID, seconds: float) -> InquiryShown:
    """The question with its answer, or as it stands when the time is over."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        # A short transaction each time: nothing of the database is held while we wait.
        shown = await _read(visit, inquiry_id)
        if shown.answer is not None or loop.time() + pause > deadline:
            return shown
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def _read(visit: Visit, inquiry_id: UUID) -> InquiryShown:
    async with visit.reading() as tx:
        return shown_inquiry(await inquiries.get(tx, inquiry_id))


def shown_inquiry(found: inquiries.Inquiry) -> InquiryShown:
    """A question as it is read."""
    return InquiryShown(
        id=found.id,
        connection_id=found.connection_id,
        kind=found.kind,
        state=found.state,
        asked_at=found.asked_at,
        answered_at=found.answered_at,
        answer=None if found.answer is None else AnswerShown.model_validate(found.answer),
    )
