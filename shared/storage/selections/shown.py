"""What selects the columns that a goal shows of profiles `p`. Nothing here runs a statement but to look names up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.domain.askable import Askable, GroupKind
from shared.domain.built_in import SYSTEM_ID, identifier_named, shown_named, shown_of_group_named
from shared.domain.export_columns import (
    MAX_SHOWN_SEGMENTS,
    GroupColumn,
    Headed,
    InteractionsColumn,
    ListsColumn,
    PropertyColumn,
    SegmentsColumn,
    TextColumn,
)
from shared.domain.export_goal import AboutPeople
from shared.domain.failures import InvalidGoal
from shared.domain.profile_conditions import InSegment
from shared.domain.property import Property, PropertyType, Several, Written
from shared.storage import lists, properties, segments
from shared.storage.asking import askable, group_kinds
from shared.storage.columns import value_of
from shared.storage.conditions import compiled
from shared.storage.database import Tx
from shared.storage.selections.selection import Condition, Parameters
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Shown:
    """What the columns of one goal need to know."""

    properties: Mapping[str, Property]
    list_numbers: Mapping[UUID | int, int]
    segments: Mapping[UUID, str]
    """Names by id, in their order; all of them where a column shows segments."""
    askable: Askable | None
    group_types: Mapping[str, GroupKind]
    """By name, where a column shows groups; likewise the properties of groups."""
    group_properties: Mapping[str, Property]
    account_id: UUID
    schema: str
    now: datetime
    """What segments count days from."""
    ids_as_names: bool
    parameters: Parameters

    def column(self, column: Headed) -> tuple[Written, str]:
        """How a column is written, and what selects it. Raises InvalidGoal, InvalidCondition."""
        match column:
            case PropertyColumn(property=name):
                found = shown_named(name, self.properties)
                if found is None:
                    raise InvalidGoal(f"There is no property {name!r}.")
                return found.type, value_of(found)
            case ListsColumn(lists=chosen):
                return PropertyType.LIST, self._lists(chosen)
            case SegmentsColumn(segments=wanted):
                return PropertyType.LIST, self._segments(wanted)
            case InteractionsColumn():
                return PropertyType.LIST, statement("selections.interactions")
            case GroupColumn():
                return self._groups(column)
            case TextColumn(text=text):
                return PropertyType.TEXT, self.parameters.add(text, "text")
            case _:
                raise InvalidGoal(f"Nothing is known of a column like {column.heading!r}.")

    def identifier(self, name: str | None) -> Property | None:
        """An identifier of which profiles can lack a value; None where everybody has it. Raises InvalidGoal."""
        if name is None or name == SYSTEM_ID.name:
            return None
        found = identifier_named(name, self.properties)
        if found is None or not found.is_identifier:
            raise InvalidGoal(f"Found {name!r} as an identifier, expected a property that is one.")
        return found

    def numbers_of(self, chosen: Sequence[UUID | int]) -> list[int]:
        """The numbers of lists, of those that there are."""
        return [self.list_numbers[each] for each in chosen if each in self.list_numbers]

    def group_type(self, column: GroupColumn) -> int:
        """The number of the type of groups that a column shows. Raises InvalidGoal."""
        kind = self.group_types.get(column.group.type)
        if kind is None:
            raise InvalidGoal(f"There is no type of groups {column.group.type!r}.")
        return kind.number

    def segments_of(self, goal: AboutPeople) -> list[UUID]:
        """The segments that any column or processor of the goal goes by, each once."""
        columns = [each.segments for each in goal.columns if isinstance(each, SegmentsColumn)]
        shown = [one for chosen in columns for one in self._wanted(chosen)]
        return list(dict.fromkeys([*shown, *goal.segments_asked]))

    def segments_in(self, column: SegmentsColumn) -> list[UUID]:
        """The segments that a column shows."""
        return self._wanted(column.segments)

    def in_segment(self, segment: UUID) -> Condition:
        """Whether a profile is in one of those segments."""
        assert self.askable is not None
        known = self.askable
        return lambda first: compiled(
            InSegment(segment=segment), known, schema=self.schema, now=self.now, first_parameter=first
        )

    def _wanted(self, chosen: Literal["all"] | Sequence[UUID]) -> list[UUID]:
        return [each for each in (self.segments if chosen == "all" else chosen) if isinstance(each, UUID)]

    def _lists(self, chosen: Literal["all"] | Sequence[UUID | int]) -> str:
        text = statement("selections.list_names" if self.ids_as_names else "selections.list_numbers")
        if chosen == "all":
            return text.replace("{chosen}", "")
        wanted = self.parameters.add(self.numbers_of(chosen), "integer[]")
        only = statement("selections.chosen_lists").replace("{numbers}", wanted)
        return text.replace("{chosen}", " " + only)

    def _segments(self, chosen: Literal["all"] | Sequence[UUID]) -> str:
        wanted = self._wanted(chosen)
        if len(wanted) > MAX_SHOWN_SEGMENTS:
            raise InvalidGoal(
                f"Found {len(wanted)} segments to show, expected {MAX_SHOWN_SEGMENTS} at most: name some."
            )
        return statement("selections.segments").replace("{segments}", ", ".join(map(self._segment, wanted)))

    def _groups(self, column: GroupColumn) -> tuple[Written, str]:
        name = column.group.property
        found = shown_of_group_named(name, self.group_properties)
        if found is None:
            raise InvalidGoal(f"There is no property {name!r} of groups.")
        text = statement("groups_told.lists_of_profile" if found.type.is_many else "groups_told.of_profile")
        text = text.replace("{type}", self.parameters.add(self.group_type(column), "integer"))
        kind = PropertyType.LIST if found.type.is_many else Several(found.type)
        return kind, text.replace("{value}", value_of(found, "g"))

    def is_in(self, segment: UUID) -> str:
        """Whether a profile is in a segment: never null."""
        return statement("selections.is_in").replace("{condition}", self.parameters.fill(self.in_segment(segment)))

    def _called(self, segment: UUID) -> str:
        # Of the select's own moment and not of ours: what changed since is told by what that one sees.
        text = statement("selections.segment_name").replace("{account}", self.parameters.add(self.account_id, "uuid"))
        return text.replace("{segment}", self.parameters.add(segment, "uuid"))

    def _segment(self, segment: UUID) -> str:
        condition = self.parameters.fill(self.in_segment(segment))
        called = self._called(segment) if self.ids_as_names else self.parameters.add(str(segment), "text")
        text = statement("selections.segment").replace("{called}", called)
        return text.replace("{condition}", condition)


async def shown_of(
    tx: Tx, goal: AboutPeople, known: Mapping[str, Property], now: datetime, parameters: Parameters
) -> Shown:
    """What a goal's columns need, looked up."""
    shows_segments = any(isinstance(each, SegmentsColumn) for each in goal.columns)
    shows_groups = any(isinstance(each, GroupColumn) for each in goal.columns)
    return Shown(
        properties=known,
        list_numbers=await lists.numbers_of(tx, set(goal.named_lists)) if goal.named_lists else {},
        segments=await segments.names(tx) if shows_segments else {},
        askable=await askable(tx) if shows_segments or goal.segments_asked else None,
        group_types=await group_kinds(tx) if shows_groups else {},
        group_properties={each.name: each for each in await properties.of_groups(tx)} if shows_groups else {},
        account_id=tx.account_id,
        schema=tx.schema,
        now=now,
        ids_as_names=goal.ids_as_names,
        parameters=parameters,
    )
