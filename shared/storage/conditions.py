"""Ask a condition of stored profiles: the tree of shared/domain/condition.py as parametrised SQL.

What is true is what that module says; shared/processing/conditions.py asks the same of frames, and a test on a real
PostgreSQL holds the two together. Every value is a parameter; names are quoted by columns.py. Stored values are
never blank texts or empty lists: typing stores null for them.

A comparison with null is null here and not false. `AND` and `OR` may take it for false, `not` asks `IS NOT TRUE`, and a
WHERE clause drops it: so the comparisons stay plain and can use indexes. What else is asked of profiles
(shared/domain/profile_conditions.py) is never null, so that `not` of it stays plain too and can be an anti-join.
A segment is asked as its own condition in its place. Nothing here runs a statement.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from shared.domain.askable import Askable
from shared.domain.comparison import Comparison
from shared.domain.condition import AllOf, AnyOf, Leaf, Negation, Node
from shared.domain.failures import InvalidCondition
from shared.domain.identifier import key_of
from shared.domain.profile_conditions import (
    EventChoice,
    EventSeen,
    GroupChoice,
    HasConsent,
    InGroup,
    InSegment,
    IsSuppressed,
    OnList,
)
from shared.domain.property import Property
from shared.domain.segment import MAX_WITHIN
from shared.storage.columns import TYPES, quoted, value_of
from shared.storage.comparisons import Parameters, compared
from shared.storage.statements import statement

_CONSENTS = {"opted_in": "IS TRUE", "opted_out": "IS FALSE", "unknown": "IS NULL"}


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition for a WHERE clause: null where a row does not fulfil it for lack of a value."""

    text: str
    parameters: tuple[object, ...]
    """In the order of their numbers."""


def compiled(
    condition: Node, known: Askable, *, schema: str, now: datetime, alias: str = "p", first_parameter: int = 1
) -> SqlCondition:
    """A condition on profiles. `schema` is the account's, quoted; `now` is what days are counted from.

    Raises InvalidCondition where it does not fit what the account has.
    """
    parameters = Parameters(first_parameter)
    found = _Asked(known, schema, now, alias, parameters).of_profiles(condition)
    return SqlCondition(found.text, tuple(parameters.values))


class _Sql(NamedTuple):
    text: str
    may_be_null: bool


def _tree(condition: Node, leaf: Callable[[Leaf], _Sql]) -> _Sql:
    match condition:
        case AllOf(all=several) | AnyOf(any=several):
            inner = [_tree(each, leaf) for each in several]
            sign = " AND " if isinstance(condition, AllOf) else " OR "
            return _Sql(f"({sign.join(each.text for each in inner)})", any(each.may_be_null for each in inner))
        case Negation(negated=one):
            found = _tree(one, leaf)
            return _Sql(
                f"({found.text} IS NOT TRUE)" if found.may_be_null else f"(NOT {found.text})", may_be_null=False
            )
        case _:
            return leaf(condition)


@dataclass(frozen=True, slots=True)
class _Asked:
    known: Askable
    schema: str
    now: datetime
    alias: str
    parameters: Parameters

    def of_profiles(self, condition: Node, within: int = 0) -> _Sql:
        def leaf(asked: Leaf) -> _Sql:
            match asked:
                case Comparison():
                    found = _property(asked, self.known.properties)
                    value = value_of(found, self.alias)
                    return _Sql(compared(asked, found, value, self.parameters), may_be_null=True)
                case InSegment(segment=segment_id):
                    inner = self.known.segments.get(segment_id)
                    if inner is None or within >= MAX_WITHIN:
                        raise InvalidCondition(f"There is no segment {segment_id}, or too many stand in one another.")
                    return self.of_profiles(inner, within + 1)
                case _:
                    return _Sql(self._certain(asked), may_be_null=False)

        return _tree(condition, leaf)

    def _certain(self, asked: OnList | HasConsent | IsSuppressed | InGroup | EventSeen) -> str:
        """What is never null."""
        match asked:
            case OnList(list=reference):
                number = self.known.lists.get(reference)
                if number is None:
                    raise InvalidCondition(f"There is no list {reference}.")
                return self._frame("on_list", list=self.parameters.add(number, "integer"))
            case HasConsent(consent=consent):
                return f"({self.alias}.opt_in {_CONSENTS[consent]})"
            case IsSuppressed(suppression="any"):
                return f"({self.alias}.suppression IS NOT NULL)"
            case IsSuppressed(suppression=reasons):
                chosen = self.parameters.add(list(reasons), "text[]")
                return self._frame("is_suppressed", reasons=chosen)
            case InGroup(group=choice):
                return self._in_group(choice)
            case EventSeen(event=choice):
                return self._event_seen(choice)

    def _in_group(self, choice: GroupChoice) -> str:
        kind = self.known.group_types.get(choice.type)
        if kind is None:
            raise InvalidCondition(f"There is no type of groups {choice.type!r}.")
        number = self.parameters.add(kind.number, "integer")
        if choice.identifiers is None:
            return self._frame("in_group", type=number)
        keys = [key_of(each, kind.identifier.type) for each in choice.identifiers]
        return self._frame(
            "in_named_group",
            type=number,
            key=quoted(kind.identifier.key_column),
            keys=self.parameters.add(keys, "text[]"),
        )

    def _event_seen(self, choice: EventChoice) -> str:
        chosen = self._chosen_events(choice)
        if choice.at_most is None and choice.least == 1:
            return self._frame("event_seen", chosen=chosen)
        if choice.at_most == 0:
            return f"(NOT {self._frame('event_seen', chosen=chosen)})"
        # No more is counted than tells whether there are enough, or too many.
        enough = choice.least if choice.at_most is None else choice.at_most + 1
        return self._frame(
            "events_counted",
            chosen=chosen,
            enough=self.parameters.add(enough, "bigint"),
            least=self.parameters.add(choice.least, "bigint"),
            most=self.parameters.add(enough if choice.at_most is None else choice.at_most, "bigint"),
        )

    def _chosen_events(self, choice: EventChoice) -> str:
        said = self.known.event_types.get(choice.type)
        if said is None:
            raise InvalidCondition(f"There is no type of events {choice.type!r}.")
        event_type = self.parameters.add(choice.type, "text")
        begin, end = choice.period(self.now)
        chosen = [self._frame("event_of_type", type=event_type)]
        chosen += [f"e.occurred_at >= {self.parameters.add(begin, 'timestamptz')}"] if begin is not None else []
        chosen += [f"e.occurred_at < {self.parameters.add(end, 'timestamptz')}"] if end is not None else []
        if choice.where is not None:
            chosen.append(_tree(choice.where, lambda leaf: self._event_leaf(leaf, said, event_type)).text)
        return " AND ".join(chosen)

    def _event_leaf(self, leaf: Leaf, said: Mapping[str, Property], event_type: str) -> _Sql:
        if not isinstance(leaf, Comparison):
            raise InvalidCondition("Of an event only its own properties can be asked.")
        found = _property(leaf, said)
        value = self._frame(
            "event_items" if found.type.is_many else "event_value",
            type=event_type,
            name=self.parameters.add(found.name, "text"),
            cast=TYPES[found.type],
        )
        return _Sql(compared(leaf, found, value, self.parameters), may_be_null=True)

    def _frame(self, frame: str, /, **fragments: str) -> str:
        text = statement(f"conditions.{frame}").replace("{schema}", self.schema).replace("{p}", self.alias)
        for slot, fragment in fragments.items():
            text = text.replace("{" + slot + "}", fragment)
        return text


def _property(comparison: Comparison, known: Mapping[str, Property]) -> Property:
    if comparison.property is None:
        raise InvalidCondition("Found a field or a position, expected a property: it is asked of profiles.")
    found = known.get(comparison.property)
    if found is None:
        raise InvalidCondition(f"There is no property {comparison.property!r}.")
    return found
