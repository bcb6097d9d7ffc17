"""What can be asked of profiles alone, beside their properties: leaves of the tree of shared/domain/condition.py.

    {"list": 7}    {"consent": "opted_in"}    {"suppression": ["bounced"]}    {"segment": "6f1e..."}
    {"group": {"type": "company", "identifiers": ["DE-17"]}}
    {"event": {"type": "order", "where": {"property": "total", "at_least": 100}, "within_days": 30, "at_least": 2}}

None of them is ever unknown: each holds or does not. "Now" is the moment at which whoever asks was asked to, so that a
repeated run chooses the same profiles.
"""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal
from uuid import UUID

from pydantic import Field, StrictInt, StrictStr, StringConstraints, model_validator

from shared.domain.consent import Suppression
from shared.domain.event import EventTypeName
from shared.domain.group import GroupTypeName
from shared.domain.identifier import MAX_IDENTIFIER_BYTES
from shared.domain.lists import ListReference
from shared.domain.model import Model
from shared.domain.moment import Moment

if TYPE_CHECKING:
    from shared.domain.condition import Node

MAX_DAYS = 36_500
MAX_EVENTS = 1_000_000
"""Counted of one profile."""
MAX_IDENTIFIERS = 1_000

Days = Annotated[StrictInt, Field(ge=1, le=MAX_DAYS)]
Times = Annotated[StrictInt, Field(ge=0, le=MAX_EVENTS)]


class OnList(Model):
    """The profile is on a list."""

    list: ListReference = Field(description="By its id or by its number")


class HasConsent(Model):
    """What the profile has said about being written to; `unknown` is nothing."""

    consent: Literal["opted_in", "opted_out", "unknown"]


class IsSuppressed(Model):
    """The profile is not written to, for one of these reasons, or for any."""

    suppression: Literal["any"] | Annotated[tuple[Suppression, ...], Field(min_length=1, max_length=len(Suppression))]


class GroupChoice(Model):
    """A type of groups, and which of them; all where nothing is said."""

    type: GroupTypeName
    identifiers: (
        Annotated[
            tuple[Annotated[StrictStr, StringConstraints(min_length=1, max_length=MAX_IDENTIFIER_BYTES)], ...],
            Field(min_length=1, max_length=MAX_IDENTIFIERS),
        ]
        | None
    ) = None


class InGroup(Model):
    """The profile belongs to a group of a type, or to one of those that the identifiers name."""

    group: GroupChoice


class EventChoice(Model):
    """Which timeline events are counted, and how many there must be: at least one where nothing is said.

    All time, unless one of `within_days` (until now), `next_days` (from now on), or `from` and `until` says otherwise.
    """

    type: EventTypeName
    where: "Node | None" = Field(default=None, description="What the event's own properties must be like")
    within_days: Days | None = Field(default=None, description="In so many times 24 hours before now")
    next_days: Days | None = Field(default=None, description="In so many times 24 hours from now on")
    since: Moment | None = Field(default=None, alias="from", description="Not before this time")
    until: Moment | None = Field(default=None, description="Before this time")
    at_least: Times | None = None
    at_most: Times | None = Field(default=None, description="With 0 it is those who have none")

    @model_validator(mode="after")
    def _can_be_counted(self) -> "EventChoice":
        said = [self.within_days, self.next_days, self.since or self.until]
        if sum(each is not None for each in said) > 1:
            raise ValueError("expected at most one period: within_days, next_days, or from and until")
        if self.since is not None and self.until is not None and self.until <= self.since:
            raise ValueError("found an until that does not come after from")
        if self.at_least == 0 and self.at_most is None:
            raise ValueError("found at_least 0 alone, which every profile fulfils")
        if self.at_least is not None and self.at_most is not None and self.at_most < self.at_least:
            raise ValueError("found an at_most below at_least")
        return self

    def period(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """From when on and until before when events count; None is without end. Now is the first of what is to come."""
        if self.within_days is not None:
            return now - timedelta(days=self.within_days), now
        if self.next_days is not None:
            return now, now + timedelta(days=self.next_days)
        return self.since, self.until

    @property
    def least(self) -> int:
        """So many events must there be."""
        if self.at_least is not None:
            return self.at_least
        return 1 if self.at_most is None else 0


class EventSeen(Model):
    """So many timeline events of a type happened to the profile, or are to happen."""

    event: EventChoice


class InSegment(Model):
    """The profile is in a segment."""

    segment: UUID
