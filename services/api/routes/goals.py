"""`/v1/connections/{id}/goals` and `/v1/goals`: what a connection does.

Every saved change is a new version (`goal_versions.py` shows them); a goal that is taken away ends, and its runs and
versions stay.
"""

from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, TypeAdapter

from services.api import from_sample, leading, versions
from services.api.access import Visit, allowed
from services.api.from_sample import GoalFromSample
from services.api.goal_shapes import GoalShown, NewGoal, SentGoal, shown_goal
from services.api.leading import FROM_IMPORT, GoalFromImport
from services.api.paging import Listing, Page, PageQuery
from services.api.patches import MergePatch, judged, merged
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED
from shared.domain.export_goal import ExportGoal, delivered_names
from shared.domain.failures import InvalidGoal
from shared.domain.goal import AnyImport, Goal, ImportGoal
from shared.domain.property import Property, PropertyType
from shared.domain.scope import Scope
from shared.runtime.judging import judge
from shared.storage import connections, decisions, dues, goals, openpgp_keys, properties, segments
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.goals import StoredGoal

router = APIRouter(prefix="/v1", tags=["goals"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.GOALS_WRITE))]
Runner = Annotated[Visit, Depends(allowed(Scope.RUNS_WRITE))]
_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)


class GoalQuery(PageQuery):
    """Which goals to list."""

    kind: (
        Literal[
            "import_profiles",
            "import_events",
            "export_profiles",
            "export_subscribers",
            "export_unsubscribes",
            "export_groups",
            "export_responses",
            "export_sms",
        ]
        | None
    ) = None
    active: bool | None = None
    name: Annotated[str, Field(max_length=200)] | None = None


class PropertyToCreate(BaseModel):
    """A property that saving the goal would make."""

    name: str
    type: PropertyType


class GoalChecked(BaseModel):
    """What saving the goal would come to, if it would be saved."""

    properties_to_create: list[PropertyToCreate] = Field(
        description="What create_properties would make of mapping; what map_all needs is told by a file alone"
    )
    file_names: list[str] = Field(
        default=[],
        description="What an export that is asked for now would deliver of its main table, in the order in which it "
        "appears; of one that is split, the first two files",
    )


class RunsAsked(BaseModel):
    """What running now led to."""

    run_ids: list[UUID] = Field(description="Runs of exports")
    is_looking: bool = Field(description="Whether a drop folder is looked at now; what lies there gets runs")


@router.post("/connections/{connection_id}/goals", status_code=201, responses=ABSENT | CONFLICT)
async def create_goal(connection_id: UUID, body: NewGoal, visit: Writer, response: Response) -> GoalShown:
    """Give a connection one more thing to do.

    With `from_sample` what was found in a sample says how; with `from_import` a manual import does, and leads it.
    """
    async with visit.writing() as tx:
        # Held, so that two goals that contradict each other cannot both pass at the same moment.
        connection = await connections.lock(tx, connection_id)
        connection.require_settable()
        sent = await _said(tx, visit, body)
        await from_sample.require_known(tx, sent)
        goal = await judged_goal(tx, visit, connection, sent)
        made = await goals.create(tx, connection_id, goal, email=visit.caller.email, saved_by=visit.caller.key_id)
        await connections.look_now(tx, connection_id)
        shown = await _shown_now(tx, made)
    response.headers["Location"] = f"/v1/goals/{made.id}"
    versions.show(response, made.version)
    return shown


@router.post("/connections/{connection_id}/goals/check", responses=ABSENT)
async def check_goal(
    connection_id: UUID,
    body: SentGoal,
    visit: Writer,
    goal_id: Annotated[
        UUID | None, Query(description="The goal that it would change; without, it would be new")
    ] = None,
) -> GoalChecked:
    """What saving a goal would come to: refused as it would be, or the properties that it makes. Nothing is saved."""
    async with visit.writing() as tx:
        connection = await connections.get(tx, connection_id)
        stored = None if goal_id is None else await goals.get(tx, goal_id)
        await from_sample.require_known(tx, body)
        _, missing = await _sound(tx, visit, connection, body, stored)
        names: list[str] = []
        if isinstance(body, ExportGoal):
            called = await segments.name_of(tx, body.named_after)
            names = delivered_names(body, datetime.now(UTC), segment=called)
    return GoalChecked(
        properties_to_create=[PropertyToCreate(name=each.name, type=each.type) for each in missing],
        file_names=names,
    )


@router.get("/connections/{connection_id}/goals", responses=ABSENT)
async def list_goals(connection_id: UUID, visit: Reader, query: Annotated[GoalQuery, Query()]) -> Page[GoalShown]:
    """A connection's goals in their run order."""
    listing = Listing.of(visit, query)
    chosen = goals.GoalFilter(kind=query.kind, is_active=query.active, name=query.name, after=_mark(listing))
    async with visit.reading() as tx:
        await connections.get(tx, connection_id)
        found = await goals.page(tx, connection_id, chosen, listing.wanted)
        due = await dues.next_of(tx, [each.id for each in found])
    return listing.page(
        found,
        lambda each: shown_goal(each, due.get(each.id)),
        lambda each: (each.goal.position, each.goal.name, each.id),
    )


@router.get("/goals/{goal_id}", responses=ABSENT)
async def get_goal(goal_id: UUID, visit: Reader, response: Response) -> GoalShown:
    """One goal in its present version."""
    async with visit.reading() as tx:
        found = await goals.get(tx, goal_id)
        shown = await _shown_now(tx, found)
    versions.show(response, found.version)
    return shown


@router.put("/goals/{goal_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def update_goal(
    goal_id: UUID, body: SentGoal, visit: Writer, response: Response, if_match: versions.IfMatch
) -> GoalShown:
    """Save a change as the goal's next version; runs that exist keep to theirs until they are retried.

    One that waits because of a guard takes the new version when it is approved, and is judged by it.

    What changes nothing makes no version.
    """
    async with visit.writing() as tx:
        connection, stored = await _held(tx, goal_id, if_match)
        saved = await _saved(tx, visit, connection, stored, body)
        shown = await _shown_now(tx, saved)
    versions.show(response, saved.version)
    return shown


@router.patch("/goals/{goal_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_goal(
    goal_id: UUID, body: MergePatch, visit: Writer, response: Response, if_match: versions.IfMatch
) -> GoalShown:
    """Save a change of some of the goal's settings as its next version; those that are not sent stay.

    With `from_import` another manual import leads, and the goal says what that import said.
    """
    async with visit.writing() as tx:
        connection, stored = await _held(tx, goal_id, if_match)
        base, patch = stored.goal, dict(body)
        if isinstance(base, ImportGoal) and patch.get(FROM_IMPORT) is not None:
            base = await leading.led_anew(tx, base, patch.pop(FROM_IMPORT))
        sent = judged(_GOAL, merged(base.model_dump(mode="json", by_alias=True), patch))
        saved = await _saved(tx, visit, connection, stored, sent)
        shown = await _shown_now(tx, saved)
    versions.show(response, saved.version)
    return shown


@router.delete("/goals/{goal_id}", status_code=204, responses=ABSENT | VERSIONED)
async def delete_goal(goal_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """End a goal; its runs, receipts and versions stay, and runs that exist already are carried out."""
    async with visit.writing() as tx:
        await _held(tx, goal_id, if_match)
        await goals.delete(tx, goal_id)


@router.post("/goals/{goal_id}/pause", responses=ABSENT | CONFLICT)
async def pause_goal(goal_id: UUID, visit: Writer, response: Response) -> GoalShown:
    """Switch a goal off: nothing of it is begun until it is resumed. Its queued runs wait, one in hand goes on."""
    return await _switched(goal_id, visit, response, is_on=False)


@router.post("/goals/{goal_id}/resume", responses=ABSENT | CONFLICT)
async def resume_goal(goal_id: UUID, visit: Writer, response: Response) -> GoalShown:
    """Switch a goal on: its files are taken and its runs in the queue begin. Times that passed meanwhile stay passed.

    Judged as any change is: a goal that was saved meanwhile may stand in its way.
    """
    return await _switched(goal_id, visit, response, is_on=True)


@router.post("/goals/{goal_id}/runs", status_code=202, responses=ABSENT | CONFLICT, tags=["runs"])
async def run_goal(goal_id: UUID, visit: Runner, response: Response) -> RunsAsked:
    """Carry a goal out now: an export gets a run, an import's drop folder is looked at at once."""
    async with visit.writing() as tx:
        if isinstance((await goals.get(tx, goal_id)).goal, ExportGoal):
            visit.require(Scope.EXPORTS_WRITE)
        asked = await decisions.run_now(tx, goal_id)
    if asked.run_id is None:
        response.headers["Location"] = f"/v1/runs?goal_id={goal_id}"
        return RunsAsked(run_ids=[], is_looking=True)
    response.headers["Location"] = f"/v1/runs/{asked.run_id}"
    return RunsAsked(run_ids=[asked.run_id], is_looking=False)


def _mark(listing: Listing) -> tuple[int, str, UUID] | None:
    key = listing.key
    return None if key is None else (int(str(key[0])), str(key[1]), UUID(str(key[2])))


async def _held(tx: Tx, goal_id: UUID, if_match: versions.Condition) -> tuple[StoredConnection, StoredGoal]:
    """A goal and its connection, held for a change. Raises NotFound, VersionRequired, VersionStale."""
    connection = await connections.lock(tx, (await goals.get(tx, goal_id)).connection_id)
    stored = await goals.lock(tx, goal_id)
    known = if_match.version
    hint = ""
    if known is not None and 0 < known < stored.version:
        hint = f"See what changed with GET /v1/goals/{goal_id}/versions/{stored.version}/diff?from={known}."
    if_match.require(stored.version, hint)
    return connection, stored


async def _saved(tx: Tx, visit: Visit, connection: StoredConnection, stored: StoredGoal, sent: Goal) -> StoredGoal:
    if stored.goal.kind != sent.kind:
        detail = f"Found {sent.kind!r}; this goal is and stays {stored.goal.kind!r}."
        raise Refused(InvalidGoal(), [FieldError(pointer="/kind", code="invalid_value", detail=detail)])
    await from_sample.require_known(tx, sent, stored.goal)
    goal = await judged_goal(tx, visit, connection, sent, stored)
    saved = await goals.update(tx, stored.id, goal, saved_by=visit.caller.key_id)
    await connections.look_now(tx, connection.id)
    return saved


async def _switched(goal_id: UUID, visit: Visit, response: Response, *, is_on: bool) -> GoalShown:
    async with visit.writing() as tx:
        connection = await connections.lock(tx, (await goals.get(tx, goal_id)).connection_id)
        saved = await goals.lock(tx, goal_id)
        if saved.goal.active != is_on:
            saved = await _saved(tx, visit, connection, saved, saved.goal.model_copy(update={"active": is_on}))
        shown = await _shown_now(tx, saved)
    versions.show(response, saved.version)
    return shown


async def _said(tx: Tx, visit: Visit, body: Goal | GoalFromSample | GoalFromImport) -> Goal:
    """The goal that a body asks for. Raises Refused."""
    if isinstance(body, GoalFromSample):
        return await from_sample.goal_of(tx, visit, body)
    if isinstance(body, GoalFromImport):
        return judged(_GOAL, await leading.settings_from(tx, body))
    return body


async def judged_goal(
    tx: Tx, visit: Visit, connection: StoredConnection, sent: Goal, stored: StoredGoal | None = None
) -> Goal:
    """The goal as it will be saved, with the properties that it needs made. Raises what `_sound` raises."""
    goal, missing = await _sound(tx, visit, connection, sent, stored)
    await properties.ensure(tx, missing)
    return goal


async def _sound(
    tx: Tx, visit: Visit, connection: StoredConnection, sent: Goal, stored: StoredGoal | None
) -> tuple[Goal, list[Property]]:
    """The goal with the defaults of its place, and the properties to be made for it.

    Raises Refused with all its flaws, ScopeMissing for an export and for one that makes properties.
    """
    if isinstance(sent, ExportGoal):
        visit.require(Scope.EXPORTS_WRITE)
    elif sent.create_properties:
        visit.require(Scope.PROFILES_WRITE)
    goal, flaws, missing = await judge(tx, connection, sent, stored)
    if flaws:
        errors = [FieldError(pointer=flaw.pointer, code=flaw.code, detail=flaw.detail) for flaw in flaws]
        raise Refused(InvalidGoal(), errors)
    if isinstance(goal, ImportGoal):
        await leading.require_led(tx, goal)
    if isinstance(goal, AnyImport):
        await openpgp_keys.hold(tx, goal.unpack.require_signature_by)
    return goal, missing


async def _shown_now(tx: Tx, stored: StoredGoal) -> GoalShown:
    return shown_goal(stored, (await dues.next_of(tx, [stored.id])).get(stored.id))
