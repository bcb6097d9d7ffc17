"""One comparison as parametrised SQL, of whatever holds the value. What is true, shared/domain/condition.py says.

A comparison with null is null here and not false: conditions.py says what becomes of that. Nothing here runs a
statement.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain.case_folding import fold, folding
from shared.domain.comparison import Comparison, Operator
from shared.domain.condition_values import Reading, ValueType, type_of
from shared.domain.failures import InvalidCondition
from shared.domain.property import Property, PropertyType
from shared.domain.regular_expression import regular_expression
from shared.storage.statements import statement

_CASTS = {
    ValueType.TEXT: "text",
    ValueType.NUMBER: "numeric",
    ValueType.BOOLEAN: "boolean",
    ValueType.DATE: "date",
    ValueType.DATETIME: "timestamptz",
    ValueType.LIST: "text",
}
_SIGNS = {
    Operator.EQUALS: "=",
    Operator.NOT_EQUALS: "<>",
    Operator.LESS: "<",
    Operator.AT_MOST: "<=",
    Operator.GREATER: ">",
    Operator.AT_LEAST: ">=",
}
_BIGINT = range(-(2**63), 2**63)


@dataclass(slots=True)
class Parameters:
    """The values of a statement, in the order of their numbers, of which `first` is the first."""

    first: int
    values: list[object] = field(default_factory=list)
    _folding: tuple[str, str] | None = None

    def add(self, value: object, cast: str) -> str:
        """One more value, as it stands in the statement."""
        self.values.append(value)
        return f"${self.first + len(self.values) - 1}::{cast}"

    def folded(self, text: str) -> str:
        """Text without regard to case, as `case_folding.fold` has it."""
        if self._folding is None:
            table = folding()
            self._folding = self.add("".join(table), "text"), self.add("".join(table.values()), "text")
        source, target = self._folding
        # Only what has other letters than ASCII's pays for the long table.
        lowered = f'lower({text} COLLATE "C")'
        is_ascii = f"octet_length({text}) = char_length({text})"
        return f"(CASE WHEN {is_ascii} THEN {lowered} ELSE translate({text}, {source}, {target}) END)"


def compared(comparison: Comparison, found: Property, value: str, parameters: Parameters) -> str:
    """The comparison of a property's value, which `value` says in SQL. Raises InvalidCondition for a misfit."""
    kind = type_of(found.type)
    try:
        operands = comparison.read(kind)
    except ValueError as error:
        raise InvalidCondition(f"The property {found.name!r}: {error}.") from error
    if comparison.operator() is Operator.EMPTY:
        return f"({value} IS NULL)" if operands[0] else f"({value} IS NOT NULL)"
    if kind is ValueType.LIST:
        return _has_item(comparison, value, str(operands[0]), parameters)
    if kind is ValueType.TEXT:
        return _text(comparison, value, [str(each) for each in operands], parameters)
    return _ordered(comparison.operator(), value, operands, _cast_of(found.type, kind, operands), parameters)


def _has_item(comparison: Comparison, value: str, item: str, parameters: Parameters) -> str:
    if not comparison.ignore_case:
        return f"({value} @> ARRAY[{parameters.add(item, 'text')}])"
    wanted = parameters.add(fold(item), "text")
    folded = parameters.folded("entry.item")
    frame = statement("conditions.has_folded_item")
    return frame.replace("{column}", value).replace("{folded}", folded).replace("{wanted}", wanted)


def _text(comparison: Comparison, value: str, texts: list[str], parameters: Parameters) -> str:
    if comparison.operator() is Operator.MATCHES:
        expression = regular_expression(texts[0])
        if comparison.ignore_case:
            value, expression = parameters.folded(value), expression.folded()
        return f'({value} COLLATE "C" ~ {parameters.add(expression.for_postgresql(), "text")})'
    if comparison.ignore_case:
        value, texts = parameters.folded(value), [fold(each) for each in texts]
    likeness = {
        Operator.CONTAINS: f"%{_literally(texts[0])}%",
        Operator.STARTS_WITH: f"{_literally(texts[0])}%",
        Operator.ENDS_WITH: f"%{_literally(texts[0])}",
    }
    if comparison.operator() in likeness:
        return f"({value} LIKE {parameters.add(likeness[comparison.operator()], 'text')})"
    if comparison.operator() not in (Operator.EQUALS, Operator.NOT_EQUALS, Operator.IN):
        # Equality is the same under every collation, and an index has the column's own.
        value = f'{value} COLLATE "C"'
    return _ordered(comparison.operator(), value, tuple(texts), "text", parameters)


def _ordered(operator: Operator, value: str, operands: tuple[Reading, ...], cast: str, parameters: Parameters) -> str:
    values = [int(each) if cast == "bigint" else each for each in operands]  # type: ignore[arg-type]  # numbers
    if operator is Operator.IN:
        return f"({value} = ANY ({parameters.add(values, f'{cast}[]')}))"
    if operator is Operator.BETWEEN:
        least, most = (parameters.add(each, cast) for each in values)
        return f"({value} BETWEEN {least} AND {most})"
    return f"({value} {_SIGNS[operator]} {parameters.add(values[0], cast)})"


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _cast_of(property_type: PropertyType, kind: ValueType, operands: tuple[Reading, ...]) -> str:
    """A whole number is compared with an integer as such, since an index on it knows no numeric."""
    are_whole = all(isinstance(each, Decimal) and each == int(each) and int(each) in _BIGINT for each in operands)
    return "bigint" if property_type is PropertyType.INTEGER and are_whole else _CASTS[kind]
