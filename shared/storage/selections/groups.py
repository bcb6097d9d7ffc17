"""Groups as a file's rows: one row a group, in the order in which they were made. No row is a person's."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from shared.domain.built_in import shown_of_group_named
from shared.domain.export_columns import TextColumn
from shared.domain.export_groups import ExportGroups, GroupFactColumn, GroupPropertyColumn, GroupsColumn
from shared.domain.failures import InvalidGoal
from shared.domain.property import Property, PropertyType
from shared.storage.columns import value_of
from shared.storage.selections.news import Since
from shared.storage.selections.selection import Condition, Parameters, SelectedColumn, Selection
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Groups:
    """The groups that a goal is about."""

    goal: ExportGroups
    properties: Mapping[str, Property]
    """Of groups, by name."""
    group_type: int
    domain_group: int

    def selected(self, since: Since | None = None) -> Selection:
        """The goal's columns of all of them; since a mark, of those that are news. Raises InvalidGoal."""
        columns, parameters = self.goal.columns, Parameters([self.domain_group, self.group_type])
        shown = [self._column(each, parameters) for each in columns]
        text = statement("groups_told.groups").replace("{columns}", "".join(f", {each}" for _, each in shown))
        narrowed = ""
        if since is not None:
            narrowed = statement("selections.condition").replace("{condition}", parameters.fill(self._news(since)))
        headings = (each.heading for each in columns)
        return Selection(
            columns=tuple(SelectedColumn(heading, kind) for heading, (kind, _) in zip(headings, shown, strict=True)),
            text=text.replace("{conditions}", f" {narrowed}" if narrowed else ""),
            parameters=tuple(parameters.values),
        )

    def _news(self, since: Since) -> Condition:
        """A group is made in its type and stays there, so its own row and who belongs to it are all that can change."""
        shows_members = any(isinstance(each, GroupFactColumn) for each in self.goal.columns)
        return partial(since.groups, shows_members=shows_members)

    def _column(self, column: GroupsColumn, parameters: Parameters) -> tuple[PropertyType, str]:
        match column:
            case GroupPropertyColumn(property=name):
                found = shown_of_group_named(name, self.properties)
                if found is None:
                    raise InvalidGoal(f"There is no property {name!r} of groups.")
                return found.type, value_of(found, "g")
            case GroupFactColumn():
                return PropertyType.INTEGER, statement("groups_told.members")
            case TextColumn(text=text):
                return PropertyType.TEXT, parameters.add(text, "text")
