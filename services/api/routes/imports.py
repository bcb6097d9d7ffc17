"""`/v1/imports`: files that are imported by hand, each with a goal's settings, and the goals that they lead.

An import is a run like any other: its progress, receipt and rejects, retry, cancel and approve stand under `/v1/runs`,
its settings under `/v1/goals`. The file comes as the body, which streams, or is a sample that was sent before.
"""

import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Discriminator, Field, Tag, TypeAdapter, model_validator

from services.api import uploads
from services.api.access import Visit, allowed
from services.api.edge import is_json
from services.api.paging import Listing, Page, TimedQuery
from services.api.patches import judged
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from services.api.routes.goals import judged_goal
from services.api.routes.runs import RunShown, read_run
from shared.domain.failures import Conflict, InvalidRequest, NotFound, UnsupportedMediaType
from shared.domain.goal import MANUAL_SOURCE, AnyImport, ImportEventRules, ImportEvents, ImportGoal, ImportRules
from shared.domain.run import Reason, RunState
from shared.domain.scope import Scope
from shared.storage import built_in_connections, goals, kept_files, manual_imports, samples
from shared.storage.database import Tx
from shared.storage.kept_files import KeptFile

router = APIRouter(prefix="/v1/imports", tags=["imports"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ, Scope.RUNS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.GOALS_WRITE, Scope.RUNS_WRITE))]


def _kind(settings: Any) -> Any:
    """Of which kind settings are; unless they say so, they are of profiles."""
    return settings.get("kind", _PROFILES) if isinstance(settings, dict) else getattr(settings, "kind", None)


_PROFILES = "import_profiles"
AnyRules = ImportRules | ImportEventRules
Settings = Annotated[
    Annotated[ImportRules, Tag(_PROFILES)] | Annotated[ImportEventRules, Tag("import_events")], Discriminator(_kind)
]


class ImportAsked(Asked):
    """An import of a sample that was sent before."""

    sample_id: UUID
    settings: Settings | None = Field(
        default=None, description="What a goal says, without a source. The name again: the next version of its goal"
    )
    goal_id: UUID | None = Field(default=None, description="Instead of settings: a goal to take them from")

    @model_validator(mode="after")
    def _exactly_one(self) -> "ImportAsked":
        if (self.settings is None) == (self.goal_id is None):
            raise ValueError("expected exactly one of settings, goal_id")
        return self


_ASKED: TypeAdapter[ImportAsked] = TypeAdapter(ImportAsked)


class ImportQuery(TimedQuery):
    """Which manual imports to list."""

    name: Annotated[str, Field(max_length=200)] | None = None
    state: RunState | None = None


class LedGoal(BaseModel):
    """A goal that the import leads."""

    goal_id: UUID
    name: str


class ImportShown(BaseModel):
    """One manual import."""

    id: UUID = Field(description="Of its run, which tells the rest: `/v1/runs/{id}`")
    name: str
    goal_id: UUID = Field(description="The goal that holds the settings of the imports of this name")
    goal_version: int
    arrival_id: UUID
    file_name: str
    size_bytes: int
    sha256: str
    state: RunState
    reason: Reason | None
    queued_at: datetime
    finished_at: datetime | None
    file_kept_until: datetime | None = Field(description="Until then the import can be retried; null: no longer")
    leads: list[LedGoal] = Field(description="The goals that it leads")


@router.post(
    "",
    status_code=202,
    responses=ABSENT | CONFLICT,
    openapi_extra=uploads.body_of(schema={"$ref": f"#/components/schemas/{ImportAsked.__name__}"}),
)
async def start_import(
    visit: Writer,
    response: Response,
    name: uploads.FileName | None = None,
    goal_id: Annotated[UUID | None, Query(description="With a file: the goal to take the settings from")] = None,
) -> RunShown:
    """Import a file now: one that is sent as it is, by the settings of a goal; or, as JSON, a sample, also by its own.

    A file beyond the bound of samples is sent; a sample of it, imported before, makes the goal.
    """
    if is_json(visit.request.scope):
        uploads.refuse_beside_json(name=name, goal_id=goal_id)
        shown = await _of_sample(visit, judged(_ASKED, json.loads(await visit.request.body() or b"null")))
    else:
        media_type = visit.request.headers.get("content-type", uploads.MEDIA_TYPE).partition(";")[0].strip().lower()
        if media_type != uploads.MEDIA_TYPE:
            raise UnsupportedMediaType("Files come as application/octet-stream.")
        shown = await _of_file(visit, name, goal_id)
    response.headers["Location"] = f"/v1/runs/{shown.id}"
    return shown


async def _of_sample(visit: Visit, asked: ImportAsked) -> RunShown:
    async with visit.writing() as tx:
        rules = asked.settings or await _rules_of(tx, asked.goal_id)
        sample = await samples.get(tx, asked.sample_id)
        if sample.kept_file_id is None:
            raise Conflict("The file of the sample has not been fetched.")
        return await _started(tx, visit, rules, await kept_files.get(tx, sample.kept_file_id))


async def _of_file(visit: Visit, name: str | None, goal_id: UUID | None) -> RunShown:
    # The goal is looked at before the file is taken: a gigabyte is not sent for nothing.
    async with visit.reading() as tx:
        await _rules_of(tx, goal_id)
    file = await uploads.received(visit, "upload", name, manual_imports.KEPT_SECONDS)
    shown = None
    try:
        async with visit.writing() as tx:
            shown = await _started(tx, visit, await _rules_of(tx, goal_id), file)
    finally:
        if shown is None:
            await kept_files.discard(visit.tools.database, visit.caller.account_id, file.id)
    return shown


async def _rules_of(tx: Tx, goal_id: UUID | None) -> AnyRules:
    if goal_id is None:
        detail = "It must name the goal by whose settings the file is imported."
        raise Refused(InvalidRequest(), [FieldError(pointer="?goal_id", code="missing_field", detail=detail)])
    goal = (await goals.get(tx, goal_id)).goal
    if not isinstance(goal, AnyImport):
        raise InvalidRequest("The goal is an export, expected an import.")
    return goal


async def _started(tx: Tx, visit: Visit, rules: AnyRules, file: KeptFile) -> RunShown:
    connection = await built_in_connections.hold_manual(tx)
    sent = _goal_of(rules)
    known = await manual_imports.goal_of_name(tx, connection, rules.name)
    if known is not None and known.goal.kind != sent.kind:
        raise Conflict(f"Found imports of that name of kind {known.goal.kind!r}; give these, {sent.kind!r}, another.")
    goal = await judged_goal(tx, visit, connection, sent, known)
    assert isinstance(goal, AnyImport)
    caller = visit.caller
    run_id = await manual_imports.start(tx, connection, goal, file, email=caller.email, saved_by=caller.key_id)
    return await read_run(tx, run_id)


def _goal_of(rules: AnyRules) -> AnyImport:
    """What a goal says beside its source; a source of its own it may have, which does not count here."""
    kind, said = (ImportEvents, ImportEventRules) if isinstance(rules, ImportEventRules) else (ImportGoal, ImportRules)
    return kind(**{name: getattr(rules, name) for name in said.model_fields}, source=MANUAL_SOURCE)


@router.get("")
async def list_imports(visit: Reader, query: Annotated[ImportQuery, Query()]) -> Page[ImportShown]:
    """Manual imports, newest first; those that have completed can lead goals."""
    listing = Listing.of(visit, query)
    chosen = manual_imports.ImportFilter(
        name=query.name, state=query.state, since=query.since, until=query.until, before=listing.mark
    )
    async with visit.reading() as tx:
        found = await manual_imports.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each["queued_at"], each["run_id"]))


@router.get("/{import_id}", responses=ABSENT)
async def get_import(import_id: UUID, visit: Reader) -> ImportShown:
    """One manual import."""
    async with visit.reading() as tx:
        found = await manual_imports.get(tx, import_id)
    if found is None:
        raise NotFound
    return _shown(found)


def _shown(row: dict[str, Any]) -> ImportShown:
    code = row["reason_code"]
    shown = {name: row[name] for name in ImportShown.model_fields if name in row}
    return ImportShown.model_validate(
        {
            **shown,
            "id": row["run_id"],
            "file_name": row["path"],
            "file_kept_until": row["kept_until"],
            "reason": None
            if code is None
            else Reason(code=code, detail=row["reason_detail"] or "", what_to_do=row["what_to_do"] or ""),
        }
    )
