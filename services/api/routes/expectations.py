"""`/v1/goals/{id}/expectation`: whether today's files of a goal have come."""

from datetime import UTC, date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS
from shared.domain.expected_files import State, standing
from shared.domain.failures import Conflict
from shared.domain.goal import AnyImport
from shared.domain.scope import Scope
from shared.domain.timetable import timetable
from shared.runtime.expecting import came_lately
from shared.storage import connections, expectations, goals

router = APIRouter(prefix="/v1", tags=["goals"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ))]


class ExpectationShown(BaseModel):
    """How a goal's day stands, by what it expects now."""

    day: date = Field(description="Today, in the expectation's zone")
    state: State = Field(
        description="`not_expected` also on the day on which the expectation was set too late; `late`: they came after"
    )
    files: int = Field(description="How many came that count for today")
    deadline: datetime | None = Field(
        description="Until when today's are expected, with grace; behind a blackout in which nobody looks for them"
    )
    next_deadline: datetime


@router.get("/goals/{goal_id}/expectation", responses=ABSENT | CONFLICT)
async def get_expectation(goal_id: UUID, visit: Reader) -> ExpectationShown:
    """Whether today's files have come. Refused where the goal expects nothing, or is switched off."""
    now = datetime.now(UTC)
    async with visit.reading() as tx:
        stored = await goals.get(tx, goal_id)
        goal = stored.goal
        expected, since = expectations.of_goal(goal), await expectations.since(tx, goal_id)
        if expected is None or since is None or not isinstance(goal, AnyImport):
            raise Conflict("The goal expects nothing, or is switched off; see `expect`.")
        connection = await connections.get(tx, stored.connection_id)
        times = timetable(expected, goal.source.readiness, connection.settings)
        lately = await came_lately(tx, goal_id, goal, times, now)
    return ExpectationShown.model_validate(standing(times, lately.came, since, now), from_attributes=True)
