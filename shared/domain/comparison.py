"""Comparisons: one column of a file, or one property, compared with one thing. What they mean stands in condition.py.

A property has its own type. A column of a file is text, unless the comparison says `type`: then its values are read as
the goal's dialect writes them.
"""

from enum import StrEnum
from typing import Any

from pydantic import Field, StrictBool, StrictStr, model_validator

from shared.domain.condition_values import Reading, Value, ValueType, reading_of, refuse_nothing
from shared.domain.dates import date_pattern
from shared.domain.field_choice import ColumnName, ColumnPosition
from shared.domain.model import Model
from shared.domain.property import PropertyName
from shared.domain.regular_expression import regular_expression

MAX_VALUES = 1_000


class Operator(StrEnum):
    """How a comparison compares."""

    EQUALS = "equals"
    NOT_EQUALS = "not_equals"
    LESS = "less"
    AT_MOST = "at_most"
    GREATER = "greater"
    AT_LEAST = "at_least"
    BETWEEN = "between"
    IN = "in"
    CONTAINS = "contains"
    STARTS_WITH = "starts_with"
    ENDS_WITH = "ends_with"
    MATCHES = "matches"
    EMPTY = "empty"


_ORDERED = frozenset(
    {
        Operator.EQUALS, Operator.NOT_EQUALS, Operator.LESS, Operator.AT_MOST, Operator.GREATER, Operator.AT_LEAST,
        Operator.BETWEEN, Operator.IN, Operator.EMPTY,
    }
)  # fmt: skip  # a list reads better than a column
OPERATORS: dict[ValueType, frozenset[Operator]] = {
    ValueType.TEXT: frozenset(Operator),
    ValueType.NUMBER: _ORDERED,
    ValueType.DATE: _ORDERED,
    ValueType.DATETIME: _ORDERED,
    ValueType.BOOLEAN: frozenset({Operator.EQUALS, Operator.NOT_EQUALS, Operator.EMPTY}),
    ValueType.LIST: frozenset({Operator.CONTAINS, Operator.EMPTY}),
}
"""Which operators a type knows."""


class Subject(Model):
    """What is compared: a column of a file, or a property of a profile."""

    field: ColumnName | None = None
    position: ColumnPosition | None = None
    property: PropertyName | None = None


class Comparison(Subject):
    """One column or property, compared with one thing."""

    type: ValueType | None = Field(default=None, description="Of a column of a file; text where it is not given")
    date_format: str | None = Field(default=None, alias="dateFormat", min_length=1, max_length=64)
    ignore_case: StrictBool = False
    equals: Value | None = None
    not_equals: Value | None = None
    less: Value | None = None
    at_most: Value | None = None
    greater: Value | None = None
    at_least: Value | None = None
    between: tuple[Value, Value] | None = None
    one_of: tuple[Value, ...] | None = Field(default=None, alias="in", min_length=1, max_length=MAX_VALUES)
    contains: Value | None = None
    starts_with: Value | None = None
    ends_with: Value | None = None
    matches: StrictStr | None = None
    empty: StrictBool | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> "Comparison":
        if sum(each is not None for each in (self.field, self.position, self.property)) != 1:
            raise ValueError("expected exactly one of field, position, property")
        given = [each.value for each in Operator if self._operand(each) is not None]
        if len(given) != 1:
            found = " and ".join(given) or "none"
            raise ValueError(f"found {found}, expected exactly one of {', '.join(Operator)}")
        if self.matches is not None:
            regular_expression(self.matches)
        if self.property is not None:
            if self.type is not None or self.date_format is not None:
                raise ValueError("found a type or a dateFormat for a property, which has its own type")
        else:
            self.read(self.kind())
            self._check_date_format()
        return self

    def _check_date_format(self) -> None:
        if self.date_format is None:
            return
        if self.kind() not in (ValueType.DATE, ValueType.DATETIME):
            raise ValueError(f"found a dateFormat for the type {self.kind().value}")
        date_pattern(self.date_format)

    def _operand(self, operator: Operator) -> Any:
        return self.one_of if operator is Operator.IN else getattr(self, operator.value)

    def kind(self) -> ValueType:
        """The type that the values of a file's column are read as."""
        return self.type or ValueType.TEXT

    def operator(self) -> Operator:
        """The one that is given."""
        return next(each for each in Operator if self._operand(each) is not None)

    def read(self, kind: ValueType) -> tuple[Reading, ...]:
        """What is compared with, in the given type: two for between, any number for in, else one.

        Raises ValueError where type, operator and value do not go together; the text holds the value that was given.
        """
        operator = self.operator()
        if operator not in OPERATORS[kind]:
            known = ", ".join(each for each in Operator if each in OPERATORS[kind])
            raise ValueError(f"found {operator.value!r} for the type {kind.value}, expected one of {known}")
        if self.ignore_case and (kind not in (ValueType.TEXT, ValueType.LIST) or operator is Operator.EMPTY):
            raise ValueError("found ignore_case where there is no text to compare")
        operand = self._operand(operator)
        if operator in (Operator.EMPTY, Operator.MATCHES):
            return (operand,)
        values = operand if operator in (Operator.IN, Operator.BETWEEN) else (operand,)
        read = tuple(reading_of(each, ValueType.TEXT if kind is ValueType.LIST else kind) for each in values)
        if operator not in (Operator.CONTAINS, Operator.STARTS_WITH, Operator.ENDS_WITH) or kind is ValueType.LIST:
            refuse_nothing(read)
        if operator is Operator.BETWEEN and kind is not ValueType.TEXT and read[1] < read[0]:  # type: ignore[operator]  # both of one type
            raise ValueError("found a between whose second value comes before its first")
        return read
