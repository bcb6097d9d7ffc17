"""`/v1/replays`: files of a period run again, as new runs that say so; before that, what it would come to."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field, StrictBool, model_validator

from services.api.access import Visit, allowed
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain.failures import InvalidRequest
from shared.domain.moment import Moment
from shared.domain.names import shown
from shared.domain.scope import Scope
from shared.storage import connections, goals, replays
from shared.storage.database import Tx
from shared.storage.replays import PassedOver, Period, Replayed

router = APIRouter(prefix="/v1/replays", tags=["runs"], responses=PROBLEMS)
Writer = Annotated[Visit, Depends(allowed(Scope.RUNS_WRITE))]


class ReplayAsked(Asked):
    """Which files to run again: those of a connection or of one goal, by when they were first seen."""

    connection_id: UUID | None = None
    goal_id: UUID | None = None
    since: Moment
    until: Moment
    dry_run: StrictBool = Field(default=False, description="Whether to tell only what it would come to")

    @model_validator(mode="after")
    def _is_one_period_of_one_thing(self) -> "ReplayAsked":
        if (self.connection_id is None) == (self.goal_id is None):
            raise ValueError("expected exactly one of connection_id, goal_id")
        if self.until <= self.since:
            raise ValueError("expected until to be later than since")
        return self


class ReplayedFile(BaseModel):
    """One file with one of its goals."""

    arrival_id: UUID
    goal_id: UUID
    path: str = Field(description="Its path when it arrived")
    lies_at: str = Field(description="Where it lies now and is read from, as far as is known")
    number: int = Field(description="Of the replay: the first has 1")
    run_id: UUID | None = Field(description="The new run; null where it is passed over, and in a dry run")
    passed_over: PassedOver | None = Field(
        description="Why it is not run again: it or its marking has not ended, its goal or connection is off or gone, "
        "the file is gone or another one lies there, its last run was skipped or cancelled, or it is a one-shot import"
    )


class ReplayShown(BaseModel):
    """What a replay comes to."""

    dry_run: bool
    runs: int = Field(description="How many files are run again")
    passed_over: int
    items: list[ReplayedFile] = Field(description="In the order in which they are run")


@router.post(
    "", status_code=202, responses=ABSENT | CONFLICT | {200: {"model": ReplayShown, "description": "A dry run"}}
)
async def replay(body: ReplayAsked, visit: Writer, response: Response) -> ReplayShown:
    """Run files again that arrived in a period, by what their goals say now, oldest first.

    Files are read from where they lie, renamed ones included, and stay there. That a goal skips content that it has
    read does not count; what would be added once more, or let people go again, waits for approval, run by run. With
    `dry_run` nothing is done. At most 2,000 files at a time.
    """
    async with visit.writing() as tx:
        period = await _period(tx, body)
        await replays.hold(tx, period.connection_id)
        found = await replays.listed(tx, period)
        if len(found) > replays.MAX_FILES:
            detail = f"Found more than {replays.MAX_FILES:,} files; ask for a shorter period."
            raise Refused(InvalidRequest(), [FieldError(pointer="/until", code="out_of_bounds", detail=detail)])
        if not body.dry_run:
            found = await replays.start(tx, period, found)
    if body.dry_run:
        response.status_code = 200
    else:
        response.headers["Location"] = f"/v1/runs?connection_id={period.connection_id}"
    passed_over = sum(each.passed_over is not None for each in found)
    return ReplayShown(
        dry_run=body.dry_run,
        runs=len(found) - passed_over,
        passed_over=passed_over,
        items=[_shown(each) for each in found],
    )


async def _period(tx: Tx, body: ReplayAsked) -> Period:
    """Raises NotFound."""
    connection_id = body.connection_id
    if body.goal_id is not None:
        connection_id = (await goals.get(tx, body.goal_id)).connection_id
    assert connection_id is not None, "one of them is given"
    await connections.get(tx, connection_id)
    return Period(connection_id, body.goal_id, body.since, body.until)


def _shown(each: Replayed) -> ReplayedFile:
    return ReplayedFile(
        arrival_id=each.arrival_id,
        goal_id=each.goal_id,
        path=shown(each.path),
        lies_at=shown(each.lies_at),
        number=each.number,
        run_id=each.run_id,
        passed_over=each.passed_over,
    )
