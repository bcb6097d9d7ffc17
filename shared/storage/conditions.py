"""Ask a condition of stored profiles: the tree of shared/domain/condition.py as parametrised SQL.

What is true is what that module says; shared/processing/conditions.py asks the same of frames, and a test on a real
PostgreSQL holds the two together. Every value is a parameter; names are quoted by columns.py. Stored values are
never blank texts or empty lists: typing stores null for them.

A comparison with null is null here and not false. `AND` and `OR` may take it for false, `not` asks `IS NOT TRUE`, and a
WHERE clause drops it: so the comparisons stay plain and can use indexes. Nothing here runs a statement.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from shared.domain.case_folding import fold, folding
from shared.domain.condition import AllOf, AnyOf, Comparison, Negation, Node, Operator
from shared.domain.condition_values import Reading, ValueType, type_of
from shared.domain.failures import InvalidCondition
from shared.domain.property import Property, PropertyType
from shared.domain.regular_expression import regular_expression
from shared.storage.columns import quoted
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


@dataclass(frozen=True, slots=True)
class SqlCondition:
    """A condition for a WHERE clause: null where a row does not fulfil it for lack of a value."""

    text: str
    parameters: tuple[object, ...]
    """In the order of their numbers."""


def compiled(
    condition: Node, properties: Mapping[str, Property], *, alias: str = "p", first_parameter: int = 1
) -> SqlCondition:
    """A condition on the columns of profiles. Raises InvalidCondition where it does not fit the properties."""
    compiler = _Compiler(properties, alias, first_parameter)
    text = compiler.compile(condition)
    return SqlCondition(text, tuple(compiler.parameters))


@dataclass(slots=True)
class _Compiler:
    properties: Mapping[str, Property]
    alias: str
    first_parameter: int
    parameters: list[object] = field(default_factory=list)
    _folding: tuple[str, str] | None = None

    def compile(self, condition: Node) -> str:
        match condition:
            case AllOf(all=several):
                return f"({' AND '.join(map(self.compile, several))})"
            case AnyOf(any=several):
                return f"({' OR '.join(map(self.compile, several))})"
            case Negation(negated=inner):
                return f"({self.compile(inner)} IS NOT TRUE)"
            case Comparison():
                return self._comparison(condition)

    def _comparison(self, comparison: Comparison) -> str:
        found, kind, operands = self._read(comparison)
        column = f"{self.alias}.{quoted(found.column)}"
        if comparison.operator() is Operator.EMPTY:
            return f"({column} IS NULL)" if operands[0] else f"({column} IS NOT NULL)"
        if kind is ValueType.LIST:
            return self._has_item(comparison, column, str(operands[0]))
        if kind is ValueType.TEXT:
            return self._text(comparison, column, [str(each) for each in operands])
        return self._ordered(comparison.operator(), column, operands, _cast_of(found.type, kind, operands))

    def _read(self, comparison: Comparison) -> tuple[Property, ValueType, tuple[Reading, ...]]:
        if comparison.property is None:
            raise InvalidCondition("Found a field or a position, expected a property: it is asked of profiles.")
        found = self.properties.get(comparison.property)
        if found is None:
            raise InvalidCondition(f"There is no property {comparison.property!r}.")
        kind = type_of(found.type)
        try:
            return found, kind, comparison.read(kind)
        except ValueError as error:
            raise InvalidCondition(f"The property {found.name!r}: {error}.") from error

    def _has_item(self, comparison: Comparison, column: str, item: str) -> str:
        if not comparison.ignore_case:
            return f"({column} @> ARRAY[{self._parameter(item, 'text')}])"
        wanted = self._parameter(fold(item), "text")
        folded = self._folded("entry.item")
        frame = statement("conditions.has_folded_item")
        return frame.replace("{column}", column).replace("{folded}", folded).replace("{wanted}", wanted)

    def _text(self, comparison: Comparison, column: str, texts: list[str]) -> str:
        if comparison.operator() is Operator.MATCHES:
            expression = regular_expression(texts[0])
            if comparison.ignore_case:
                column, expression = self._folded(column), expression.folded()
            return f'({column} COLLATE "C" ~ {self._parameter(expression.for_postgresql(), "text")})'
        if comparison.ignore_case:
            column, texts = self._folded(column), [fold(each) for each in texts]
        likeness = {
            Operator.CONTAINS: f"%{_literally(texts[0])}%",
            Operator.STARTS_WITH: f"{_literally(texts[0])}%",
            Operator.ENDS_WITH: f"%{_literally(texts[0])}",
        }
        if comparison.operator() in likeness:
            return f"({column} LIKE {self._parameter(likeness[comparison.operator()], 'text')})"
        if comparison.operator() not in (Operator.EQUALS, Operator.NOT_EQUALS, Operator.IN):
            # Equality is the same under every collation, and an index has the column's own.
            column = f'{column} COLLATE "C"'
        return self._ordered(comparison.operator(), column, tuple(texts), "text")

    def _ordered(self, operator: Operator, column: str, operands: tuple[Reading, ...], cast: str) -> str:
        values = [int(each) if cast == "bigint" else each for each in operands]  # type: ignore[arg-type]  # numbers
        if operator is Operator.IN:
            return f"({column} = ANY ({self._parameter(values, f'{cast}[]')}))"
        if operator is Operator.BETWEEN:
            least, most = (self._parameter(each, cast) for each in values)
            return f"({column} BETWEEN {least} AND {most})"
        return f"({column} {_SIGNS[operator]} {self._parameter(values[0], cast)})"

    def _folded(self, text: str) -> str:
        if self._folding is None:
            table = folding()
            self._folding = self._parameter("".join(table), "text"), self._parameter("".join(table.values()), "text")
        source, target = self._folding
        # Only what has other letters than ASCII's pays for the long table.
        lowered = f'lower({text} COLLATE "C")'
        is_ascii = f"octet_length({text}) = char_length({text})"
        return f"(CASE WHEN {is_ascii} THEN {lowered} ELSE translate({text}, {source}, {target}) END)"

    def _parameter(self, value: object, cast: str) -> str:
        self.parameters.append(value)
        return f"${self.first_parameter + len(self.parameters) - 1}::{cast}"


def _literally(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _cast_of(property_type: PropertyType, kind: ValueType, operands: tuple[Reading, ...]) -> str:
    """A whole number is compared with an integer as such, since an index on it knows no numeric."""
    are_whole = all(isinstance(each, Decimal) and each == int(each) and int(each) in _BIGINT for each in operands)
    return "bigint" if property_type is PropertyType.INTEGER and are_whole else _CASTS[kind]
