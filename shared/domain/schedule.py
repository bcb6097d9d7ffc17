"""When a goal is carried out by itself: at times of day, after another goal, or when responses have ceased.

    {"cron": "0 5 * * *", "timezone": "Europe/Amsterdam"}
    {"after_goal": "…"}
    {"after_responses": {"minutes": 30}}

A cron expression has five fields: minute, hour, day of the month, month, day of the week; `L` is the last day of a
month and `FRI#2` its second Friday. Where the clocks change, a time of day that a day lacks comes as soon as the day
has one later, and a time that it has twice comes once, the first time; what comes every hour or every few minutes goes
by the time that passes. Those are the rules of Debian's cron, which the library that reads expressions keeps to.
"""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError
from pydantic import BaseModel, Discriminator, Field, Tag, field_validator, model_validator

from shared.domain.model import Model
from shared.domain.zones import known_zone


class AtTimes(Model):
    """At the times of a cron expression, in a time zone."""

    cron: str = Field(min_length=9, max_length=200)
    timezone: str = "UTC"

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        return known_zone(value)

    @model_validator(mode="after")
    def _comes(self) -> "AtTimes":
        if len(self.cron.split()) != 5:
            raise ValueError("expected five fields: minute, hour, day of the month, month, day of the week")
        try:
            found = self.next_after(datetime(2024, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"found a cron expression that cannot be read: {error}") from error
        if found is None:
            raise ValueError("found a cron expression for a day that never comes, such as the 30th of February")
        return self

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after a moment, in UTC; None where there is none in the 50 years after it."""
        found = next(CronSim(self.cron, moment.astimezone(ZoneInfo(self.timezone))), None)
        return None if found is None else found.astimezone(UTC)


class AfterGoal(Model):
    """After each completed run of an import goal."""

    after_goal: UUID


class Quiet(Model):
    """How long nothing more has come."""

    minutes: int = Field(ge=1, le=7 * 24 * 60)


class AfterResponses(Model):
    """When a message has had responses, and for so long no more."""

    after_responses: Quiet


def _tag(value: object) -> str:
    names: Any = value if isinstance(value, dict) else ()
    if isinstance(value, BaseModel):
        names = type(value).model_fields
    return next((name for name in ("after_goal", "after_responses") if name in names), "cron")


When = Annotated[
    Annotated[AtTimes, Tag("cron")]
    | Annotated[AfterGoal, Tag("after_goal")]
    | Annotated[AfterResponses, Tag("after_responses")],
    Discriminator(_tag),
]
"""One of the causes for which a goal is carried out by itself."""
