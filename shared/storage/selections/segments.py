"""Segments in a selection: whether a profile is in one, and in which it is. Nothing here runs a statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.domain.askable import Askable
from shared.domain.failures import InvalidGoal
from shared.domain.profile_conditions import InSegment
from shared.domain.segment import weights
from shared.storage.conditions import compiled
from shared.storage.selections.selection import Condition, Parameters
from shared.storage.statements import statement

MAX_LEAVES_SHOWN = 5_000
"""So much may the segments ask that one column shows: all of it is asked of each profile."""


@dataclass(frozen=True, slots=True)
class Segments:
    """The account's segments, as a run asks them."""

    known: Askable
    names: Mapping[UUID, str]
    """In the order in which they are shown."""
    schema: str
    now: datetime

    def holds(self, segment: UUID) -> Condition:
        """Whether a profile is in a segment."""
        asked = InSegment(segment=segment)
        return lambda first: compiled(asked, self.known, schema=self.schema, now=self.now, first_parameter=first)

    def shown(self, chosen: Literal["all"] | tuple[UUID, ...], parameters: Parameters, *, by_name: bool) -> str:
        """In which of some segments a profile is: a list of ids or names. Raises InvalidGoal where that is too much."""
        found = [each for each in self.names if chosen == "all" or each in chosen]
        weighed = weights(self.known.segments)
        leaves = sum(weighed[each].leaves for each in found)
        if leaves > MAX_LEAVES_SHOWN:
            raise InvalidGoal(
                f"A column shows segments that ask {leaves} questions together, expected at most {MAX_LEAVES_SHOWN}."
            )
        cases = [
            statement("selections.segment_shown")
            .replace("{condition}", parameters.fill(self.holds(each)))
            .replace("{shown}", parameters.add(self.names[each] if by_name else str(each), "text"))
            for each in found
        ]
        return statement("selections.segments_shown").replace("{cases}", ", ".join(cases))
