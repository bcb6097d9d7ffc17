"""What of the profiles that an export is about is news to its partner, and who has left. Fragments of SQL alone.

News is who is in and (was changed since the mark, or was not told of before): the second finds who came in because time
passed or a list or a segment changed, and who lacked the identifier. Where a file shows what lies in rows of their own,
such as lists, their changes are news too; what it does not show is none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage.conditions import SqlCondition
from shared.storage.selections.selection import Condition
from shared.storage.statements import statement

EVERYBODY = ""
"""The part of `export_sets` of all whom an export told of."""


def part_of(segment: UUID) -> str:
    """The part of those whom it showed as in a segment."""
    return f"segment:{segment}"


@dataclass(frozen=True, slots=True)
class Since:
    """The moment of a goal's last delivered export."""

    goal_id: UUID
    snapshot: str
    requested_at: datetime
    """When its run was asked for: what its periods went by."""
    parts: Sequence[str] = ()
    """What it told of anybody."""

    def gone(self, segments: Sequence[UUID]) -> list[str]:
        """The parts of segments that it showed, and that are none of these any more."""
        shown = {EVERYBODY, *map(part_of, segments)}
        return [each for each in self.parts if each not in shown]

    def join_told(self, first: int) -> SqlCondition:
        """Finds beside a profile whether it was told of at all: the join that `news` needs."""
        return self.join(first, part=EVERYBODY, number=0)

    def newer(self, first: int, *, xid: str) -> SqlCondition:
        """Whether a row, with the transaction that last changed it, is not as the moment saw it."""
        return SqlCondition(_newer(xid, first), (self.snapshot,))

    def join(self, first: int, *, part: str, number: int) -> SqlCondition:
        """Finds beside a profile whether it was told of in a part of what was told; a join, from that parameter on."""
        text = statement("selections.told").replace("{told}", _told(number))
        text = text.replace("{goal}", f"${first}::uuid").replace("{part}", f"${first + 1}::text")
        return SqlCondition(text, (self.goal_id, part))

    def news(
        self,
        first: int,
        *,
        changed: str,
        others: Sequence[Condition] = (),
        segments: Sequence[Condition] = (),
        gone: int = 0,
    ) -> SqlCondition:
        """Whether a profile, or a row of its own, is news, beside the joins.

        `changed` is the transaction of its own change that counts; `others` say whether rows of its own that the file
        shows are news; `segments` are those that it shows, in the order of their joins, behind which come those of so
        many parts that are `gone`.
        """
        text = statement("selections.news").replace("{newer}", _newer(changed, first))
        parameters: list[object] = [self.snapshot]
        for each in others:
            made = each(first + len(parameters))
            parameters += made.parameters
            text += " OR " + made.text
        for number, condition in enumerate(segments, start=1):
            made = condition(first + len(parameters))
            parameters += made.parameters
            came_or_left = statement("selections.came_or_left").replace("{told}", _told(number))
            text += " OR " + came_or_left.replace("{condition}", made.text)
        for number in range(len(segments) + 1, len(segments) + 1 + gone):
            text += " OR " + _was_told(number)
        return SqlCondition(text, tuple(parameters))

    def lists(self, first: int, *, numbers: Sequence[int] | None, by_name: bool) -> SqlCondition:
        """Whether a profile was put on lists or taken off, of all or of these; or is on one that has a new name."""
        text = statement("selections.newer_lists").replace("{newer}", _newer("m.changed_xid", first))
        if by_name:
            text += statement("selections.renamed_lists").replace("{newer}", _newer("l.renamed_xid", first))
        if numbers is None:
            return SqlCondition(text.replace("{chosen}", ""), (self.snapshot,))
        only = statement("selections.chosen_lists").replace("{numbers}", f"${first + 1}::integer[]")
        return SqlCondition(text.replace("{chosen}", f" {only}"), (self.snapshot, list(numbers)))

    def renamed(self, first: int, *, account: UUID, segment: UUID, is_in: Condition) -> SqlCondition:
        """Whether a profile is in a segment that was given another name."""
        made = is_in(first + 3)
        text = statement("selections.renamed_segment").replace("{newer}", _newer("s.renamed_xid", first))
        text = text.replace("{account}", f"${first + 1}::uuid").replace("{segment}", f"${first + 2}::uuid")
        return SqlCondition(text.replace("{condition}", made.text), (self.snapshot, account, segment, *made.parameters))

    def interactions(self, first: int) -> SqlCondition:
        """Whether a profile has seen something."""
        text = statement("selections.newer_interactions").replace("{newer}", _newer("e.changed_xid", first))
        return SqlCondition(text, (self.snapshot,))

    def groups(self, first: int, *, shows_members: bool) -> SqlCondition:
        """Whether a group `g` is new or another, or has other members where those are shown."""
        text = _newer("g.changed_xid", first)
        if shows_members:
            text += statement("groups_told.newer_members").replace("{newer}", _newer("m.changed_xid", first))
        return SqlCondition(text, (self.snapshot,))

    def groups_of_profile(self, first: int, *, group_type: int) -> SqlCondition:
        """Whether something changed of the groups of a type that a profile belongs to, or which they are."""
        text = statement("groups_told.newer_of_profile").replace("{type}", f"${first + 1}::integer")
        text = text.replace("{newer_member}", _newer("m.changed_xid", first))
        return SqlCondition(text.replace("{newer_group}", _newer("g.changed_xid", first)), (self.snapshot, group_type))


def was_told(_first: int) -> SqlCondition:
    """Whether a profile was told of before."""
    return SqlCondition(_was_told(0), ())


def out_of(only: Sequence[Condition]) -> Condition:
    """Whether a profile is no longer one that the file is about."""

    def condition(first: int) -> SqlCondition:
        parameters: list[object] = []
        frame, text = statement("selections.condition"), ""
        for each in only:
            made = each(first + len(parameters))
            parameters += made.parameters
            text += " " + frame.replace("{condition}", made.text)
        return SqlCondition(statement("selections.not_all").replace("{conditions}", text), tuple(parameters))

    return condition


def _was_told(number: int) -> str:
    return statement("selections.was_told").replace("{told}", _told(number))


def _told(number: int) -> str:
    return f"told{number}"


def _newer(column: str, first: int) -> str:
    return statement("selections.newer").replace("{xid}", column).replace("{snapshot}", f"${first}::text::pg_snapshot")
