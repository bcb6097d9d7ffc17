"""`/v1/goals/{id}/preview`: the first rows of a sample as a goal would read them, or of a file as it would write it.

Nothing is stored. `/v1/date-previews` shows a moment as an export would write it.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, TypeAdapter

from services.api.access import Visit, allowed
from services.api.patches import judged, merged
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain.export_goal import ExportDialect, ExportGoal
from shared.domain.failures import Conflict, InvalidRequest, UnwritableValue
from shared.domain.goal import Goal
from shared.domain.moment import Moment
from shared.domain.preview import MAX_PREVIEW_ROWS, ExportPreview, Preview
from shared.domain.scope import Scope
from shared.domain.zones import ZoneName, has_rules
from shared.processing.goal_flaws import date_flaws
from shared.processing.typed_text import shown_moment
from shared.runtime.export_preview import export_preview
from shared.storage import goals, kept_files, samples

router = APIRouter(prefix="/v1", tags=["goals"], responses=PROBLEMS)
# It shows values of files and profiles, which are people's: more than who may only read goals sees.
Writer = Annotated[Visit, Depends(allowed(Scope.GOALS_WRITE))]
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ))]
_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)


class PreviewAsked(Asked):
    """How much is to be shown, and of an import of which sample."""

    sample_id: UUID | None = Field(default=None, description="Of an import; an export takes none")
    rows: int = Field(default=20, ge=1, le=MAX_PREVIEW_ROWS)
    changes: dict[str, Any] | None = Field(
        default=None, description="Settings to try, which are not saved: a JSON Merge Patch (RFC 7396) of the goal"
    )


class DatePreviewAsked(Asked):
    """A moment, and how it is to be written."""

    at: Moment
    date_format: str = Field(default="epoch_milliseconds", alias="dateFormat", min_length=1, max_length=64)
    timezone: ZoneName = "UTC"
    pivot_year: int = Field(default=ExportDialect().pivot_year, alias="pivotYear", ge=0, le=100)


class DatePreview(Asked):
    """The moment as a file has it."""

    datetime: str = Field(description="In a column of datetimes")
    date: str = Field(description="Its day in UTC, in a column of dates")


_FIRST = PreviewAsked()


@router.post("/goals/{goal_id}/preview", responses=ABSENT | CONFLICT)
async def preview_goal(goal_id: UUID, visit: Writer, body: PreviewAsked = _FIRST) -> Preview | ExportPreview:
    """Of an import: columns and first rows of a sample as the goal would read them, step by step, and mapped. Whether
    an event's profile exists, and what rows of one event say together, only an import tells.

    Of an export: the first rows of each file as they would be written now. What would fail the goal's run is its
    `trouble`. Processors that compare rows see the shown rows alone. Refused where the main file takes longer than 20
    seconds; files of events for which no time is left are named in `not_shown`.
    """
    async with visit.reading() as tx:
        goal = (await goals.get(tx, goal_id)).goal
        if body.changes is not None:
            changed = judged(_GOAL, merged(goal.model_dump(mode="json", by_alias=True), body.changes))
            if changed.kind != goal.kind:
                raise Conflict(f"Found the kind {changed.kind!r}; this goal is and stays {goal.kind!r}.")
            goal = changed
        if isinstance(goal, ExportGoal):
            visit.require(Scope.EXPORTS_WRITE)
            if body.sample_id is not None:
                raise Conflict("Found a sample for an export, which shows what it would write now and takes none.")
            return await export_preview(tx, goal, body.rows)
        if body.sample_id is None:
            detail = "Expected a sample: an import is shown with the rows of one."
            raise Refused(InvalidRequest(), [FieldError(pointer="/sample_id", code="missing_field", detail=detail)])
        sample = await samples.get(tx, body.sample_id)
        if sample.kept_file_id is None:
            raise Conflict("The sample has not been fetched.")
        kept = await kept_files.get(tx, sample.kept_file_id)
    return await visit.tools.looking.preview(visit.caller.account_id, kept, goal, body.rows)


@router.post("/date-previews")
async def preview_date(body: DatePreviewAsked, visit: Reader) -> DatePreview:
    """A moment as an export would write it in a pattern and a time zone."""
    errors = [
        FieldError(pointer=flaw.pointer, code=flaw.code, detail=flaw.detail)
        for flaw in date_flaws("/dateFormat", body.date_format)
    ]
    if not has_rules(body.timezone):
        detail = f"Found {body.timezone!r}, expected a zone of the IANA database."
        errors.append(FieldError(pointer="/timezone", code="unknown_zone", detail=detail))
    if errors:
        raise Refused(InvalidRequest(), errors)
    dialect = ExportDialect(date_format=body.date_format, timezone=body.timezone, pivot_year=body.pivot_year)
    try:
        told, day = shown_moment(body.at, dialect)
    except UnwritableValue as failure:
        found = FieldError(pointer="/at", code="invalid_value", detail=failure.detail)
        raise Refused(InvalidRequest(), [found]) from failure
    return DatePreview(datetime=told, date=day)
