"""Ask a condition of the rows of a frame: the tree of shared/domain/condition.py as one polars expression.

What is true is what that module says; shared/storage/conditions.py asks the same of stored profiles, and a test holds
the two together. Nothing is null in the answer.
"""

from collections.abc import Callable
from functools import reduce
from operator import and_, or_
from typing import NamedTuple
from uuid import UUID

import polars as pl

from shared.domain.case_folding import fold, folding
from shared.domain.comparison import Comparison, Operator
from shared.domain.condition import AllOf, AnyOf, Negation, Node
from shared.domain.condition_values import Reading, ValueType
from shared.domain.dialect import Dialect
from shared.domain.profile_conditions import InSegment
from shared.domain.regular_expression import regular_expression
from shared.processing.file_columns import FileColumns
from shared.processing.readings import DECIMAL, MOMENT, read

_TYPES = {
    ValueType.TEXT: pl.String(),
    ValueType.NUMBER: DECIMAL,
    ValueType.BOOLEAN: pl.Boolean(),
    ValueType.DATE: pl.Date(),
    ValueType.DATETIME: MOMENT,
    ValueType.LIST: pl.String(),
}


class Values(NamedTuple):
    """What a comparison is asked of: null is nothing, and so is an empty list."""

    expression: pl.Expr
    """String, Decimal(38, 10), Boolean, Date, Datetime in microseconds of UTC, or List(String)."""
    kind: ValueType


def asked_of_file(condition: Node, columns: FileColumns, dialect: Dialect) -> pl.Expr:
    """Whether a row of a file's text columns fulfils a condition: Boolean without nulls.

    Raises HeaderChanged where a column is not there, InvalidGoal where a date format cannot be used, and ValueError
    where the condition asks for what rows do not have: see `condition_checks.faults_of_rows`.
    """

    def in_segment(segment: UUID) -> pl.Expr:
        return pl.col(columns.segments[segment])

    def values_of(comparison: Comparison) -> Values:
        chosen = comparison.field if comparison.field is not None else comparison.position
        if chosen is None:
            raise ValueError("found a property, expected a field or a position: it is asked of a file")
        text = pl.col(columns.find([chosen])[0].key)
        return Values(read(text, comparison.kind(), dialect, comparison.date_format), comparison.kind())

    return asked_of(condition, values_of, in_segment)


def asked_of(
    condition: Node,
    values_of: Callable[[Comparison], Values],
    in_segment: Callable[[UUID], pl.Expr] | None = None,
) -> pl.Expr:
    """Whether a row fulfils a condition, given what its comparisons compare: Boolean without nulls.

    Raises ValueError where a comparison does not fit the type of its values, and for what is asked of profiles.
    """
    match condition:
        case AllOf(all=several):
            return reduce(and_, (asked_of(each, values_of, in_segment) for each in several))
        case AnyOf(any=several):
            return reduce(or_, (asked_of(each, values_of, in_segment) for each in several))
        case Negation(negated=inner):
            return ~asked_of(inner, values_of, in_segment)
        case InSegment(segment=segment) if in_segment is not None:
            return in_segment(segment)
        case Comparison():
            return _compared(condition, values_of(condition))
        case _:
            raise ValueError("found what is asked of profiles, expected a field or a position: it is asked of a file")


def folded(text: pl.Expr) -> pl.Expr:
    """Text without regard to case, as `case_folding.fold` has it."""
    table = folding()
    return text.str.replace_many(list(table), list(table.values()))


def _compared(comparison: Comparison, values: Values) -> pl.Expr:
    operands = comparison.read(values.kind)
    if comparison.operator() is Operator.EMPTY:
        is_empty = values.expression.is_null()
        if values.kind is ValueType.LIST:
            is_empty |= values.expression.list.len() == 0
        return (is_empty if operands[0] else ~is_empty).fill_null(value=True)
    if values.kind is ValueType.LIST:
        return _has_item(comparison, values.expression, str(operands[0])).fill_null(value=False)
    if values.kind is ValueType.TEXT:
        return _text_compared(comparison, values.expression, operands).fill_null(value=False)
    return _ordered(comparison.operator(), values, operands).fill_null(value=False)


def _has_item(comparison: Comparison, items: pl.Expr, item: str) -> pl.Expr:
    if comparison.ignore_case:
        items, item = items.list.eval(folded(pl.element())), fold(item)
    return items.list.contains(pl.lit(item))


def _text_compared(comparison: Comparison, text: pl.Expr, operands: tuple[Reading, ...]) -> pl.Expr:
    texts = [str(each) for each in operands]
    if comparison.operator() is Operator.MATCHES:
        expression = regular_expression(texts[0])
        if comparison.ignore_case:
            text, expression = folded(text), expression.folded()
        return text.str.contains(expression.for_rust())
    if comparison.ignore_case:
        text, texts = folded(text), [fold(each) for each in texts]
    match comparison.operator():
        case Operator.CONTAINS:
            return text.str.contains(texts[0], literal=True)
        case Operator.STARTS_WITH:
            return text.str.starts_with(texts[0])
        case Operator.ENDS_WITH:
            return text.str.ends_with(texts[0])
    return _ordered(comparison.operator(), Values(text, ValueType.TEXT), tuple(texts))


def _ordered(operator: Operator, values: Values, operands: tuple[Reading, ...]) -> pl.Expr:
    x, dtype = values.expression, _TYPES[values.kind]
    a = pl.lit(operands[0], dtype=dtype)
    match operator:
        case Operator.NOT_EQUALS:
            return x != a
        case Operator.LESS:
            return x < a
        case Operator.AT_MOST:
            return x <= a
        case Operator.GREATER:
            return x > a
        case Operator.AT_LEAST:
            return x >= a
        case Operator.BETWEEN:
            return (x >= a) & (x <= pl.lit(operands[1], dtype=dtype))
        case Operator.IN:
            return x.is_in(pl.Series(operands, dtype=dtype).implode())
    return x == a
