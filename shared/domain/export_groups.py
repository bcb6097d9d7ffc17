"""Exports of groups: companies, households and the like, a row each. What all exports share: export_goal.py."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, StrictBool, Tag

from shared.domain.export_columns import MAX_COLUMNS, Headed, TextColumn, told_apart
from shared.domain.export_goal import ExportGoal, Target
from shared.domain.group import GroupTypeName
from shared.domain.names import RelativePath
from shared.domain.property import PropertyName


class GroupPropertyColumn(Headed):
    """A property's value: one of the account's groups, or one that every group has.

    Every group has `system_id`, `created_at` and `updated_at`; a property of the account's own goes first.
    """

    property: PropertyName

    def called(self) -> str:
        """The property's name."""
        return self.property


class GroupFactColumn(Headed):
    """What is known of a group besides its properties.

    members: how many profiles belong to it.
    """

    fact: Literal["members"]

    def called(self) -> str:
        """The fact's name."""
        return self.fact


_KINDS: Mapping[str, type[Headed]] = {"property": GroupPropertyColumn, "fact": GroupFactColumn, "text": TextColumn}

GroupsColumn = Annotated[
    Annotated[GroupPropertyColumn, Tag("property")]
    | Annotated[GroupFactColumn, Tag("fact")]
    | Annotated[TextColumn, Tag("text")],
    told_apart(_KINDS),
]
"""A column of a file with a row a group."""


class GroupsTarget(Target):
    """Where an exported file of groups goes: as of all exports, by default under a name of its own."""

    file_name: RelativePath = "groups_{requested_at:YYYYMMDDHHmmss}.csv"


class ExportGroups(ExportGoal):
    """Write the groups of one type to a file, in the order in which they were made."""

    kind: Literal["export_groups"]
    target: GroupsTarget = GroupsTarget()
    group_type: GroupTypeName
    columns: tuple[GroupsColumn, ...] = Field(min_length=1, max_length=MAX_COLUMNS)
    changed_only: StrictBool = Field(
        default=False,
        description="Only groups that are new or changed since this goal's last delivered export; where their members "
        "are counted in a column, who came in or left is a change. The first one, and the first of another version of "
        "the goal, tells everything. Groups that were deleted are not told.",
    )

    @property
    def tells_changes(self) -> bool:
        """Whether its main file tells only what the export before it did not."""
        return self.changed_only

    @property
    def group_types_named(self) -> set[str]:
        """The type that it is about."""
        return {self.group_type}
