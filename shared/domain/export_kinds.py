"""Exports of profiles of one sort: who may no longer be written to, or who may. What all share: export_goal.py."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from shared.domain.consent import Suppression
from shared.domain.export_goal import AboutProfiles, TellsChanges
from shared.domain.lists import ListReference
from shared.domain.model import Model
from shared.domain.profile_conditions import Days


class Period(Model):
    """What a file is about in time; exactly one of these."""

    since_last: Literal[True] | None = Field(
        default=None,
        description="What this goal's last delivered export did not tell. The first one, and the first of another "
        "version of the goal, tells everything.",
    )
    last_days: Days | None = Field(default=None, description="In so many times 24 hours before the run was asked for")

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.since_last is None) == (self.last_days is None):
            raise ValueError("expected exactly one of since_last, last_days")
        return self


class ExportUnsubscribes(AboutProfiles):
    """Write who is suppressed to a file. Its columns show why and since when: `suppression`, `suppressed_at`."""

    kind: Literal["export_unsubscribes"]
    reasons: Literal["any"] | Annotated[tuple[Suppression, ...], Field(min_length=1, max_length=len(Suppression))] = (
        Field(default="any", description="Only who is suppressed for one of these reasons")
    )
    period: Period | None = Field(default=None, description="When they were suppressed; null: whenever that was")

    @property
    def tells_changes(self) -> bool:
        """Whether its file tells only what the export before it did not."""
        return self.period is not None and self.period.since_last is True


class ExportSubscribers(TellsChanges):
    """Write who is on a list and may be written to: not suppressed, and so opted in or with nothing said."""

    kind: Literal["export_subscribers"]
    list: ListReference = Field(description="By its id or by its number")

    @property
    def named_lists(self) -> tuple[ListReference, ...]:
        """The list that it is about, and those that its columns name."""
        return (self.list, *super().named_lists)
