"""Profiles as a file's rows: one row a profile, in the order in which they were made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from shared.domain.built_in import SYSTEM_ID, identifier_named
from shared.domain.export_columns import GroupColumn, InteractionsColumn, ListsColumn
from shared.domain.export_goal import AboutProfiles
from shared.domain.failures import InvalidGoal
from shared.storage.columns import quoted
from shared.storage.conditions import SqlCondition
from shared.storage.selections.news import EVERYBODY, Since, out_of, part_of, was_told
from shared.storage.selections.selection import Condition, Counted, Parameters, SelectedColumn, Selection
from shared.storage.selections.shown import Shown
from shared.storage.statements import statement

NO_IDENTIFIER = "no_identifier"
"""Why profiles are held back that lack what the goal wants every row to have."""
LEFT = "left"
"""The part of who is no longer in what the file is about."""


@dataclass(frozen=True, slots=True)
class Profiles:
    """The profiles that a goal is about."""

    goal: AboutProfiles
    shown: Shown
    domain_group: int
    only: Sequence[Condition] = ()
    """What they must be, besides having the goal's identifier."""
    is_about_suppression: bool = False
    """Whether only what suppresses them is news, and no other change."""

    def selected(self, since: Since | None = None) -> Selection:
        """The goal's columns of all of them; since a mark, of those that are news. Raises InvalidGoal."""
        conditions = self._all()
        if since is not None:
            segments = [self.shown.in_segment(each) for each in self._segments()]
            others = [] if self.is_about_suppression else list(self._shown_beside(since))
            changed = statement("selections.suppressed" if self.is_about_suppression else "selections.changed")
            conditions.append(partial(since.news, changed=changed, others=others, segments=segments))
        without = self._without_identifier()
        made = self._selection(conditions, since)
        return replace(made, held_back=() if without is None else (without,))

    def left(self, since: Since) -> Selection:
        """Those whom the goal told of before and that are none of them any more. Raises InvalidGoal."""
        return replace(self._selection([was_told, out_of(self._all())], since), part=LEFT)

    def told_of(self, goal_id: UUID) -> Selection:
        """All of them as rows of `export_sets`: whom the goal tells of, and in which segments. Raises InvalidGoal."""
        parameters = Parameters([self.domain_group, goal_id])
        parts = [(EVERYBODY, self._all())]
        parts += [(part_of(each), [*self._all(), self.shown.in_segment(each)]) for each in self._segments()]
        texts = []
        for part, conditions in parts:
            text = statement("selections.told_of").replace("{part}", parameters.add(part, "text"))
            texts.append(text.replace("{conditions}", _conditions(conditions, parameters)))
        return Selection(columns=(), text=" UNION ALL ".join(texts), parameters=tuple(parameters.values))

    def _selection(self, conditions: Sequence[Condition], since: Since | None) -> Selection:
        goal, parameters = self.goal, Parameters([self.domain_group])
        joins = "" if since is None else self._joins(since, parameters)
        narrowed = _conditions(conditions, parameters)
        shown = replace(self.shown, parameters=parameters)
        selected = [shown.column(each) for each in goal.columns]
        headings = [each.heading for each in goal.columns]
        texts = [*(text for _, text in selected), *map(shown.is_in, goal.segments_asked)]
        text = statement("selections.profiles").replace("{columns}", "".join(f", {text}" for text in texts))
        return Selection(
            columns=tuple(SelectedColumn(heading, kind) for heading, (kind, _) in zip(headings, selected, strict=True)),
            text=text.replace("{joins}", joins).replace("{conditions}", narrowed),
            parameters=tuple(parameters.values),
            segments=goal.segments_asked,
        )

    def _joins(self, since: Since, parameters: Parameters) -> str:
        parts = [EVERYBODY, *map(part_of, self._segments())]
        return "".join(
            f" {parameters.fill(partial(since.join, part=part, number=number))}" for number, part in enumerate(parts)
        )

    def _segments(self) -> list[UUID]:
        """The segments whose comings and goings are news."""
        return [] if self.is_about_suppression else self.shown.segments_of(self.goal)

    def _all(self) -> list[Condition]:
        column = self._identifier()
        if column is None:
            return list(self.only)
        return [*self.only, lambda _: SqlCondition(statement("selections.has").replace("{column}", column), ())]

    def _without_identifier(self) -> Counted | None:
        """How many lack the goal's identifier, and so are held back."""
        column = self._identifier()
        if column is None:
            return None
        parameters = Parameters([self.domain_group])
        text = statement("selections.without").replace("{conditions}", _conditions(self.only, parameters))
        return Counted(NO_IDENTIFIER, text.replace("{column}", column), tuple(parameters.values))

    def _identifier(self) -> str | None:
        name = self.goal.identifier
        if name is None or name == SYSTEM_ID.name:
            return None
        found = identifier_named(name, self.shown.properties)
        if found is None or not found.is_identifier:
            raise InvalidGoal(f"Found {name!r} as an identifier, expected a property that is one.")
        return f"p.{quoted(found.column)}"

    def _shown_beside(self, since: Since) -> Iterator[Condition]:
        """What finds changes of what the columns show and the profile's own row does not hold."""
        for each in self.goal.columns:
            if isinstance(each, ListsColumn):
                numbers = None if each.lists == "all" else self.shown.numbers_of(each.lists)
                yield partial(since.lists, numbers=numbers)
            if isinstance(each, InteractionsColumn):
                yield since.interactions
            if isinstance(each, GroupColumn):
                yield partial(since.groups_of_profile, group_type=self.shown.group_type(each))


def _conditions(only: Sequence[Condition], parameters: Parameters) -> str:
    frame = statement("selections.condition")
    return "".join(f" {frame.replace('{condition}', parameters.fill(each))}" for each in only)
