"""`/v1/schedule-previews`: the next times of a schedule, before anything is given it. Nothing is stored."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.routes.answers import PROBLEMS, Asked
from shared.domain.blackout import Blackouts, blackout_until
from shared.domain.moment import Moment
from shared.domain.schedule import Times, next_of
from shared.domain.scope import Scope

router = APIRouter(prefix="/v1", tags=["goals"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ))]

MOST_TIMES = 100

After = Annotated[Moment, Field(ge=datetime(1970, 1, 1, tzinfo=UTC), lt=datetime(9000, 1, 1, tzinfo=UTC))]
"""So far from both ends of the calendar that 50 years more, in any time zone, still have a number."""


class SchedulePreviewAsked(Asked):
    """A schedule, as goals and connections have it in `when`."""

    when: tuple[Times, ...] = Field(min_length=1, max_length=10)
    blackouts: Blackouts = ()
    after: After | None = Field(default=None, description="Times after this moment; without it, after now")
    times: int = Field(default=10, ge=1, le=MOST_TIMES, description="How many")


class TimeShown(BaseModel):
    """One time of a schedule."""

    at: datetime = Field(description="In UTC")
    local: datetime = Field(
        description="As the clocks of the schedule's zone show it, with the offset that they have then"
    )
    begins_at: datetime = Field(description="When something can be begun then: at once, or at the end of a blackout")
    number: int = Field(description="Which entry of `when` says so, from 0; the first of several")


class SchedulePreview(BaseModel):
    """The next times, in order; fewer than were asked for where a cron expression has no more within 50 years."""

    times: list[TimeShown]


@router.post("/schedule-previews")
async def preview_schedule(body: SchedulePreviewAsked, visit: Reader) -> SchedulePreview:
    """The next times of a schedule, those of all its entries together; what several say is one time."""
    found: list[TimeShown] = []
    moment = body.after or datetime.now(UTC)
    while len(found) < body.times:
        following = next_of(body.when, moment)
        if following is None:
            break
        number = next(n for n, each in enumerate(body.when) if each.next_after(moment) == following)
        zone = ZoneInfo(body.when[number].timezone)
        begins_at = blackout_until(body.blackouts, following) or following
        local = following.astimezone(zone)
        found.append(TimeShown(at=following, local=local, begins_at=begins_at, number=number))
        moment = following
    return SchedulePreview(times=found)
