"""`/v1/samples`: a file that is sent, or lies in a drop folder, and what a goal would say of it.

Everything that the file does not tell is a question; nothing is chosen in silence. Findings hold values of the file,
which are personal data: only a key that may make goals sees them. What touches a partner is the poller's work.
"""

import contextlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import AfterValidator, BaseModel, Field, TypeAdapter

from services.api import uploads
from services.api.access import Visit, allowed
from services.api.edge import is_json
from services.api.paging import Listing, Page, PageQuery
from services.api.patches import judged
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain.failures import Conflict, InvalidRequest, QuestionsOpen, UnsupportedMediaType
from shared.domain.findings import Answer, Findings
from shared.domain.integration import integration_of
from shared.domain.names import from_shown, shown, taken_path
from shared.domain.run import Reason
from shared.domain.scope import Scope
from shared.processing.goal_settings import goal_settings
from shared.storage import connections, inquiries, integrations, kept_files, samples
from shared.storage.samples import StoredSample

router = APIRouter(prefix="/v1/samples", tags=["samples"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.GOALS_WRITE))]


MAX_ANSWERS = 2_000
"""Of one sample; ten times the questions that are asked at once, since one answer may lead to others."""
_LOOKS = 5
"""So often a file is looked at anew because somebody else has answered meanwhile."""


ShownPath = Annotated[
    str, Field(min_length=1, max_length=8_192), AfterValidator(lambda path: taken_path(from_shown(path)))
]


class SampleNamed(Asked):
    """A file in a place, to be fetched by the poller."""

    connection_id: UUID
    path: ShownPath = Field(description="Within the connection's home directory, as an arrival shows it")


class AnswersSent(Asked):
    """What people say to questions; earlier answers stay unless the same question is answered again."""

    answers: Annotated[list[Answer], Field(min_length=1, max_length=400)]


class SampleListed(BaseModel):
    """A sample, without what was found."""

    id: UUID
    name: str
    state: Literal["fetching", "ready", "failed"]
    connection_id: UUID | None = Field(description="Where it is fetched from; null of a file that was sent")
    path: str | None
    size_bytes: int | None
    sha256: str | None
    reason: Reason | None = Field(description="Why it could not be fetched")
    created_at: datetime
    expires_at: datetime


class SampleShown(SampleListed):
    """A sample and what was found. `findings` are null until the file has been fetched."""

    answers: list[Answer]
    findings: Findings | None = Field(
        description="What is open stands in its `questions`; values of the file are in it"
    )
    settled: bool = Field(description="Whether nothing is open, so that a goal can be made of it")
    goal: dict[str, Any] | None = Field(
        description="What a goal made of it says: unpack, format, dialect, identifiers, mapping; under `properties` "
        "those that must be made before. null as long as anything is open"
    )


_NAMED: TypeAdapter[SampleNamed] = TypeAdapter(SampleNamed)
_TAKES = uploads.body_of(schema=SampleNamed.model_json_schema())


@router.post(
    "",
    status_code=201,
    responses=ABSENT | CONFLICT | {202: {"model": SampleShown, "description": "The poller fetches it; see `Location`"}},
    openapi_extra=_TAKES,
)
async def create_sample(visit: Writer, response: Response, name: uploads.FileName | None = None) -> SampleShown:
    """Send a file as it is, with its name in the query, or name one in a place, as JSON.

    It may be packed, and encrypted to an OpenPGP key or with a password of the account; both are used as a goal would.
    """
    if is_json(visit.request.scope):
        uploads.refuse_beside_json(name=name)
        sample = await _asked_for(visit)
        response.status_code = 202
    else:
        media_type = visit.request.headers.get("content-type", uploads.MEDIA_TYPE).partition(";")[0].strip().lower()
        if media_type != uploads.MEDIA_TYPE:
            raise UnsupportedMediaType("Files come as application/octet-stream.")
        sample = await _sent(visit, name)
    response.headers["Location"] = f"/v1/samples/{sample.id}"
    return _shown(sample)


@router.get("")
async def list_samples(visit: Reader, query: Annotated[PageQuery, Query()]) -> Page[SampleListed]:
    """The account's samples, newest first."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        found = await samples.page(tx, listing.mark, listing.wanted)
    return listing.page(found, _listed, lambda each: (each.created_at, each.id))


@router.get("/{sample_id}", responses=ABSENT)
async def get_sample(sample_id: UUID, visit: Writer) -> SampleShown:
    """One sample, with values of the file; a key that may only read goals does not see it."""
    async with visit.reading() as tx:
        return _shown(await samples.get(tx, sample_id))


@router.post("/{sample_id}/answers", responses=ABSENT | CONFLICT)
async def answer_questions(sample_id: UUID, body: AnswersSent, visit: Writer) -> SampleShown:
    """Answer questions, and look at the file anew: other questions may come of it, or be gone."""
    for _ in range(_LOOKS):
        async with visit.reading() as tx:
            sample = await samples.get(tx, sample_id)
            if sample.kept_file_id is None:
                raise Conflict("The file has not been fetched.")
            kept = await kept_files.get(tx, sample.kept_file_id)
        answers = _joined(sample.answers, body.answers)
        findings = await _looked_at(visit, kept, answers)
        async with visit.writing() as tx:
            answered = await samples.answered(tx, sample, answers, findings)
        if answered is not None:
            return _shown(answered)
    raise Conflict("Others answer at the same time; send the answers again.")


@router.delete("/{sample_id}", status_code=204, responses=ABSENT)
async def delete_sample(sample_id: UUID, visit: Writer) -> None:
    """Take a sample away with its file; both end by themselves a week after they came."""
    async with visit.writing() as tx:
        await samples.delete(tx, sample_id)


async def _sent(visit: Visit, name: str | None) -> StoredSample:
    kept = await uploads.received(visit, "sample", name, kept_files.COMING_SECONDS)
    findings = await _looked_at(visit, kept, ())
    async with visit.writing() as tx:
        await kept_files.keep_longer(tx, kept.id, samples.KEPT_SECONDS)
        return await samples.create(tx, kept.id, findings)


async def _asked_for(visit: Visit) -> StoredSample:
    named = judged(_NAMED, json.loads(await visit.request.body() or b"null"))
    async with visit.writing() as tx:
        place = (await connections.get(tx, named.connection_id)).drop_place
        await integrations.require_active(tx, integration_of(place))
        sample = await samples.ask(tx, named.connection_id, named.path, samples.KEPT_SECONDS)
        await inquiries.ask(tx, named.connection_id, sample_id=sample.id)
    return sample


async def _looked_at(visit: Visit, kept: kept_files.KeptFile, answers: Sequence[Answer]) -> Findings:
    try:
        return await visit.tools.looking.look(visit.caller.account_id, kept, answers)
    except InvalidRequest as failure:
        raise Refused(
            InvalidRequest(), [FieldError(pointer="/answers", code="invalid_value", detail=failure.detail)]
        ) from failure


def _joined(earlier: Sequence[Answer], later: Sequence[Answer]) -> list[Answer]:
    joined = {(answer.code, answer.pointer): answer for answer in (*earlier, *later)}
    if len(joined) > MAX_ANSWERS:
        detail = f"Found {len(joined):,} answers with those given before, expected at most {MAX_ANSWERS:,}."
        raise Refused(InvalidRequest(), [FieldError(pointer="/answers", code="invalid_value", detail=detail)])
    return list(joined.values())


def _listed(stored: StoredSample) -> SampleListed:
    listed = SampleListed.model_validate(stored, from_attributes=True)
    if listed.path is None:
        return listed
    return listed.model_copy(update={"name": shown(listed.name), "path": shown(listed.path)})


def _shown(stored: StoredSample) -> SampleShown:
    goal = None
    if stored.findings is not None:
        with contextlib.suppress(QuestionsOpen):
            goal = goal_settings(stored.findings)
    return SampleShown(
        **dict(_listed(stored)),
        answers=list(stored.answers),
        findings=stored.findings,
        settled=goal is not None,
        goal=goal,
    )
