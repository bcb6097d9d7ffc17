"""Profiles as a file's rows: one row a profile, in the order in which they were made."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple
from uuid import UUID

from shared.domain.built_in import SYSTEM_ID
from shared.domain.event_files import LEFT
from shared.domain.export_columns import GroupColumn, InteractionsColumn, ListsColumn, SegmentsColumn
from shared.domain.export_goal import AboutProfiles
from shared.domain.property import PropertyType
from shared.storage.columns import value_of
from shared.storage.conditions import SqlCondition
from shared.storage.selections.news import EVERYBODY, Since, out_of, part_of, was_told
from shared.storage.selections.selection import Condition, Counted, Parameters, SelectedColumn, Selection
from shared.storage.selections.shown import Shown
from shared.storage.statements import statement

NO_IDENTIFIER = "no_identifier"
"""Why profiles are held back that lack what the goal wants every row to have."""


class Key(NamedTuple):
    """What names a profile in files that tell more of it."""

    heading: str
    """As the main file has it."""
    type: PropertyType
    text: str
    """What selects it of profiles `p`."""


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
        conditions = self.conditions()
        if since is not None:
            shown = self._segments()
            segments, gone = [self.shown.in_segment(each) for each in shown], len(since.gone(shown))
            others = [] if self.is_about_suppression else list(self._shown_beside(since))
            changed = statement("selections.suppressed" if self.is_about_suppression else "selections.changed")
            conditions.append(partial(since.news, changed=changed, others=others, segments=segments, gone=gone))
        without = self._without_identifier()
        made = self._selection(conditions, since)
        return replace(made, held_back=() if without is None else (without,))

    def left(self, since: Since) -> Selection:
        """Those whom the goal told of before and that are none of them any more. Raises InvalidGoal."""
        return replace(self._selection([was_told, out_of(self.conditions())], since), part=LEFT)

    def told_of(self, goal_id: UUID) -> Selection:
        """All of them as rows of `export_sets`: whom the goal tells of, and in which segments. Raises InvalidGoal."""
        parameters = Parameters([self.domain_group, goal_id])
        parts = [(EVERYBODY, self.conditions())]
        parts += [(part_of(each), [*self.conditions(), self.shown.in_segment(each)]) for each in self._segments()]
        texts = []
        for part, conditions in parts:
            text = statement("selections.told_of").replace("{part}", parameters.add(part, "text"))
            texts.append(text.replace("{conditions}", parameters.narrowed(conditions)))
        return Selection(columns=(), text=" UNION ALL ".join(texts), parameters=tuple(parameters.values))

    def conditions(self) -> list[Condition]:
        """What all of them fulfil. Raises InvalidGoal."""
        found = self.shown.identifier(self.goal.identifier)
        if found is None:
            return list(self.only)
        has = statement("selections.has").replace("{column}", value_of(found))
        return [*self.only, lambda _: SqlCondition(has, ())]

    @property
    def key(self) -> Key:
        """What names them. Raises InvalidGoal."""
        found = self.shown.identifier(self.goal.identifier) or SYSTEM_ID
        return Key(self.goal.heading_of(found, self.shown.properties), found.type, value_of(found))

    def _selection(self, conditions: Sequence[Condition], since: Since | None) -> Selection:
        goal, parameters = self.goal, Parameters([self.domain_group])
        joins = "" if since is None else self._joins(since, parameters)
        narrowed = parameters.narrowed(conditions)
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
        segments = self._segments()
        parts = [EVERYBODY, *map(part_of, segments), *since.gone(segments)]
        return "".join(
            f" {parameters.fill(partial(since.join, part=part, number=number))}" for number, part in enumerate(parts)
        )

    def _segments(self) -> list[UUID]:
        """The segments whose comings and goings are news."""
        return [] if self.is_about_suppression else self.shown.segments_of(self.goal)

    def _without_identifier(self) -> Counted | None:
        """How many lack the goal's identifier, and so are held back."""
        found = self.shown.identifier(self.goal.identifier)
        if found is None:
            return None
        parameters = Parameters([self.domain_group])
        text = statement("selections.without").replace("{conditions}", parameters.narrowed(self.only))
        return Counted(NO_IDENTIFIER, text.replace("{column}", value_of(found)), tuple(parameters.values))

    def _shown_beside(self, since: Since) -> Iterator[Condition]:
        """What finds changes of what the columns show and the profile's own row does not hold."""
        for each in self.goal.columns:
            if isinstance(each, ListsColumn):
                numbers = None if each.lists == "all" else self.shown.numbers_of(each.lists)
                yield partial(since.lists, numbers=numbers, by_name=self.goal.ids_as_names)
            if isinstance(each, SegmentsColumn) and self.goal.ids_as_names:
                yield from (self._renamed(one, since) for one in self.shown.segments_in(each))
            if isinstance(each, InteractionsColumn):
                yield since.interactions
            if isinstance(each, GroupColumn):
                yield partial(since.groups_of_profile, group_type=self.shown.group_type(each))

    def _renamed(self, segment: UUID, since: Since) -> Condition:
        is_in = self.shown.in_segment(segment)
        return partial(since.renamed, account=self.shown.account_id, segment=segment, is_in=is_in)
