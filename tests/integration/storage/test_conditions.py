"""One condition, one meaning: polars and PostgreSQL find the same rows, whatever the condition and whatever they hold.

Trees, expressions and rows are generated: nothing, case, collation, scripts, wildcards of LIKE, limits of the types.
"""

import json
import re
import string
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import asyncpg
import polars as pl
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from shared.domain.askable import Askable
from shared.domain.comparison import OPERATORS, Comparison, Operator
from shared.domain.condition import Condition
from shared.domain.condition_values import ValueType, type_of
from shared.domain.failures import InvalidCondition
from shared.domain.property import Property, PropertyType
from shared.domain.regular_expression import regular_expression
from shared.domain.trimmed import TRIMMED
from shared.processing.conditions import Values, asked_of
from shared.processing.readings import DECIMAL, MOMENT
from shared.storage.columns import TYPES, quoted
from shared.storage.conditions import SqlCondition, compiled
from tests.corpora.folder import FOLDER, content
from tests.examples import examples
from tests.real.postgres import PrivatePostgres

PROPERTIES = {
    f"the_{kind.value}": Property(name=f"the_{kind.value}", type=kind)
    for kind in (
        PropertyType.TEXT, PropertyType.EMAIL, PropertyType.INTEGER, PropertyType.NUMBER, PropertyType.BOOLEAN,
        PropertyType.DATE, PropertyType.DATETIME, PropertyType.LIST,
    )
}  # fmt: skip  # a list reads better than a column
DTYPES = {
    "text": pl.String(), "email": pl.String(), "integer": DECIMAL, "number": DECIMAL, "boolean": pl.Boolean(),
    "date": pl.Date(), "datetime": MOMENT, "list": pl.List(pl.String()),
}  # fmt: skip  # a table
CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
EXAMPLES = settings(
    max_examples=examples(40),
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example empties the table first
)

_AWKWARD = [
    *("a", "A", "b", "Z", "z", "aa", "aB", "ab", "ä", "Ä", "a\u0308", "É", "é", "ß", "ẞ", "ss", "İ", "i", "ı", "I"),
    *("ς", "σ", "Σ", "ſ", "s", "\u212a", "k", "µ", "μ", "Ǆ", "ǅ", "ǆ", "ა", "Ა", "😀", "\uffff", "\U0010ffff"),
    *("%", "_", "\\", "a%b", "a_b", "a\\b", "'", '"', "a\nb", "a\n", "\na", "\x01", "a\x01b", "a b", " a", "0", "10"),
]
_texts = st.one_of(
    st.sampled_from(_AWKWARD),
    st.text(st.sampled_from("aAbBzZäÄßςΣσ%_\\\n 0"), min_size=1, max_size=4),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=6),
).filter(lambda text: bool(text.strip(TRIMMED)))
_integers = st.one_of(
    st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63), 2**53, 2**53 + 1]), st.integers(-(2**63), 2**63 - 1)
)
_numbers = st.one_of(
    st.sampled_from(
        [
            Decimal(text)
            for text in (
                "0",
                "0.1",
                "-0.1",
                "1",
                "10",
                "0.0000000001",
                "9007199254740992",
                "9007199254740993",
                "9" * 28 + ".9999999999",
            )
        ]
    ),
    st.decimals(allow_nan=False, allow_infinity=False, places=10, min_value=-1000, max_value=1000),
)
_dates = st.dates() | st.sampled_from([date(2024, 2, 29), date.min, date.max])
_moments = st.sampled_from([datetime(2024, 3, 31, 1, tzinfo=UTC), datetime(2024, 3, 31, 1, 0, 0, 1, tzinfo=UTC)]) | (
    st.integers(-62135510400, 253402214400).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
)
_VALUES: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.TEXT: _texts,
    ValueType.NUMBER: _integers | _numbers,
    ValueType.BOOLEAN: st.booleans(),
    ValueType.DATE: _dates,
    ValueType.DATETIME: _moments,
    ValueType.LIST: _texts,
}
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "the_text": st.none() | _texts,
            "the_email": st.none() | _texts,
            "the_integer": st.none() | _integers,
            "the_number": st.none() | _numbers,
            "the_boolean": st.none() | st.booleans(),
            "the_date": st.none() | _dates,
            "the_datetime": st.none() | _moments,
            "the_list": st.none() | st.lists(_texts, min_size=1, max_size=3),
        }
    ),
    min_size=1,
    max_size=8,
)

_atoms = st.one_of(
    st.sampled_from(["a", "A", "b", "ß", "é", "É", "σ", "😀", r"\.", ".", r"\d", r"\w", r"\s", r"\D", r"\W", r"\S"]),
    st.sampled_from([r"\n", r"\x41", r"\u00e9", r"\%", r"\_", r"\\", r"\-", "%", "_", "-", "'", '"', " ", "10"]),
    st.sampled_from(["[a-z]", "[^a-z]", "[aß]", "[^é]", r"[\d_-]", r"[^\w]", r"[\s\S]", r"[à-ÿ]", r"[\x01-\uffff]"]),
)
_expressions = st.recursive(
    _atoms,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner | st.just(""), min_size=2, max_size=3).map("|".join).map("({})".format),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}", "*?", "+?", "??", "{1,3}?"])).map(
            lambda pair: f"(?:{pair[0]}){pair[1]}"
        ),
    ),
    max_leaves=6,
)
_anchored = st.tuples(
    st.sampled_from(["", "", "^", "(^|b)"]), _expressions, st.sampled_from(["", "", "$", "($|b)"])
).map("".join)


def _given(value: Any) -> Any:
    """A value as JSON gives it."""
    if isinstance(value, datetime):
        return value.astimezone(timezone(timedelta(hours=5, minutes=30))).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return f"{value:f}" if isinstance(value, Decimal) else value


@st.composite
def _comparisons(draw: st.DrawFn) -> dict[str, Any]:
    found = draw(st.sampled_from(list(PROPERTIES.values())))
    kind = type_of(found.type)
    operator = draw(st.sampled_from(sorted(OPERATORS[kind])))
    values = _VALUES[kind].map(_given)
    says: dict[str, Any] = {"property": found.name}
    match operator:
        case Operator.EMPTY:
            return {**says, "empty": draw(st.booleans())}
        case Operator.MATCHES:
            says["matches"] = draw(_anchored)
        case Operator.IN:
            says["in"] = draw(st.lists(values, min_size=1, max_size=4))
        case Operator.BETWEEN:
            ends = draw(st.tuples(_VALUES[kind], _VALUES[kind]).map(sorted))
            says["between"] = [_given(end) for end in ends]
        case _:
            says[operator.value] = draw(values)
    if kind in (ValueType.TEXT, ValueType.LIST):
        says["ignore_case"] = draw(st.booleans())
    return says


_trees = st.recursive(
    _comparisons(),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"all": several}),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"any": several}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=5,
)


@pytest_asyncio.fixture
async def table(postgres_server: PrivatePostgres) -> AsyncIterator[asyncpg.Connection]:
    """A connection with a table of a column for each type."""
    connection = await asyncpg.connect(postgres_server.superuser_dsn("postgres"), timeout=30)
    try:
        columns = ", ".join(f"{quoted(each.column)} {TYPES[each.type]}" for each in PROPERTIES.values())
        await connection.execute(f"CREATE TEMP TABLE profiles (id bigint, {columns})")
        yield connection
    finally:
        await connection.close(timeout=30)


async def _found_by_sql(connection: asyncpg.Connection, rows: list[dict[str, Any]], condition: Any) -> list[int]:
    await _fill(connection, rows)
    return await _asked(connection, condition)


async def _fill(connection: asyncpg.Connection, rows: list[dict[str, Any]]) -> None:
    await connection.execute("TRUNCATE profiles")
    await connection.copy_records_to_table(
        "profiles", records=[(number, *(row[name] for name in PROPERTIES)) for number, row in enumerate(rows)]
    )


async def _asked(connection: asyncpg.Connection, condition: Any) -> list[int]:
    asked = _compiled(condition, first_parameter=2)
    found = await connection.fetch(
        f"SELECT p.id FROM profiles p WHERE p.id >= $1 AND {asked.text} ORDER BY p.id", 0, *asked.parameters
    )
    return [row["id"] for row in found]


def _compiled(condition: Any, first_parameter: int = 1) -> SqlCondition:
    # No comparison of a property asks when it is now, nor for another table.
    return compiled(condition, Askable(PROPERTIES), schema="", now=NOW, first_parameter=first_parameter)


def _found_by_polars(rows: list[dict[str, Any]], condition: Any) -> list[int]:
    frame = pl.DataFrame(
        rows, schema={name: DTYPES[each.type.value] for name, each in PROPERTIES.items()}, strict=False
    )

    def values_of(comparison: Comparison) -> Values:
        found = PROPERTIES[str(comparison.property)]
        return Values(pl.col(found.name), type_of(found.type))

    answer = frame.select(asked_of(condition, values_of)).to_series()
    assert answer.null_count() == 0
    return answer.arg_true().to_list()


@EXAMPLES
@given(rows=_rows, trees=st.lists(_trees, min_size=3, max_size=3))
async def test_polars_and_postgresql_find_the_same_rows(
    table: asyncpg.Connection, rows: list[dict[str, Any]], trees: list[dict[str, Any]]
) -> None:
    for tree in trees:
        condition = CONDITION.validate_python(tree)
        assert await _found_by_sql(table, rows, condition) == _found_by_polars(rows, condition)


@EXAMPLES
@given(
    texts=st.lists(_texts, min_size=5, max_size=10),
    expressions=st.lists(_anchored, min_size=5, max_size=5),
    ignore_case=st.booleans(),
)
async def test_an_expression_matches_the_same_texts_in_both(
    table: asyncpg.Connection, texts: list[str], expressions: list[str], ignore_case: bool
) -> None:
    rows = [dict.fromkeys(PROPERTIES) | {"the_text": text} for text in texts]
    for expression in expressions:
        condition = CONDITION.validate_python(
            {"property": "the_text", "matches": expression, "ignore_case": ignore_case}
        )
        assert await _found_by_sql(table, rows, condition) == _found_by_polars(rows, condition), expression


async def test_every_printable_character_of_ascii_is_itself_behind_a_backslash(table: asyncpg.Connection) -> None:
    signs = list(string.punctuation)
    rows = [dict.fromkeys(PROPERTIES) | {"the_text": sign} for sign in signs]
    for place, sign in enumerate(signs):
        condition = CONDITION.validate_python({"property": "the_text", "matches": f"^[\\{sign}]\\{sign}?$"})
        assert await _found_by_sql(table, rows, condition) == _found_by_polars(rows, condition) == [place]


@pytest.mark.parametrize(
    ("condition", "sentence"),
    [
        ({"field": "Country", "equals": "NL"}, "expected a property"),
        ({"property": "the_txt", "equals": "NL"}, "no property"),
        ({"property": "the_list", "equals": "NL"}, "for the type list"),
        ({"property": "the_number", "equals": "NL"}, "expected a number"),
        ({"property": "the_boolean", "ignore_case": True, "equals": True}, "no text"),
    ],
)
def test_what_does_not_fit_the_properties_is_refused(condition: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidCondition, match=sentence):
        _compiled(CONDITION.validate_python(condition))


def test_no_value_stands_in_the_sql() -> None:
    texts = ["'; DROP TABLE profiles --", "%' OR true --"]
    for comparison in ({"in": texts}, *({operator: texts[0]} for operator in ("equals", "contains", "matches"))):
        asked = _compiled(CONDITION.validate_python({"property": "the_text", **comparison}))
        assert "DROP" not in asked.text
        assert "true" not in asked.text.lower()
    assert regular_expression("a").for_postgresql() == "a"


def test_order_and_expressions_do_not_depend_on_the_collation_of_the_database() -> None:
    # The databases of the tests may have no other than "C", so that a difference would not show.
    for says in ({"less": "a"}, {"between": ["a", "b"]}, {"matches": "a"}, {"at_least": "a", "ignore_case": True}):
        asked = _compiled(CONDITION.validate_python({"property": "the_text", **says}))
        assert re.search(r' COLLATE "C" (<|>=|~|BETWEEN) ', asked.text)
    plain = _compiled(CONDITION.validate_python({"property": "the_text", "equals": "a"}))
    assert plain.text == '(p."p_the_text" = $1::text)'


@pytest.mark.parametrize(
    ("name", "given"), [("the_number", "9007199254740993"), ("the_number", "0.0000000001"), ("the_integer", 2**53 + 1)]
)
async def test_numbers_are_exact(table: asyncpg.Connection, name: str, given: Any) -> None:
    near = [Decimal(given) + step * (1 if name == "the_integer" else Decimal("0.0000000001")) for step in (-1, 0, 1)]
    rows = [dict.fromkeys(PROPERTIES) | {name: int(each) if name == "the_integer" else each} for each in near]
    for says, places in (({"equals": given}, [1]), ({"less": given}, [0]), ({"in": [given]}, [1])):
        condition = CONDITION.validate_python({"property": name, **says})
        assert await _found_by_sql(table, rows, condition) == _found_by_polars(rows, condition) == places


async def test_awkward_texts_are_themselves_to_every_operator(table: asyncpg.Connection) -> None:
    texts = [text for text in _AWKWARD if text.strip(TRIMMED)]
    rows = [dict.fromkeys(PROPERTIES) | {"the_text": text} for text in texts]
    await _fill(table, rows)
    for operator in ("equals", "less", "at_least", "contains", "starts_with", "ends_with"):
        for text in texts:
            for ignore_case in (False, True):
                says = {"property": "the_text", operator: text, "ignore_case": ignore_case}
                condition = CONDITION.validate_python(says)
                assert await _asked(table, condition) == _found_by_polars(rows, condition), says


def _heavy_expressions() -> list[str]:
    ranges = "".join(f"{chr(0x400 + 40 * step)}-{chr(0x400 + 40 * step + 20)}" for step in range(100))
    found = [
        f"[^{ranges}]{{10}}",
        "(?:.{200}){5}",
        "(?:(?:.?){10}){20}b",
        "(?:(?:.*a){10}){19}!",
        "(?:(?:a*b*c*){8}){8}d",
        "(?:(?:a|b|ab)*c){100}",
    ]
    found += [
        "|".join(f"w{number}" for number in range(100)),
        r"(?:[\x01-\uffff]{0,200}é){4}",
        "(?:(?:[^é]?){14}){14}$",
    ]
    if FOLDER.is_dir():
        found += [each["pattern"] for each in json.loads(content("redos", "patterns.json"))]
    return found


@pytest.mark.parametrize("ignore_case", [False, True])
async def test_the_heaviest_expressions_are_asked_in_bounded_time_and_memory(
    table: asyncpg.Connection, ignore_case: bool
) -> None:
    rows = [
        dict.fromkeys(PROPERTIES) | {"the_text": sign * 2_000} for sign in ("a", "x", "0", " ", "abc", "é", ",", "#")
    ]
    await _fill(table, rows)
    asked = 0
    for expression in _heavy_expressions():
        try:
            condition = CONDITION.validate_python(
                {"property": "the_text", "matches": expression, "ignore_case": ignore_case}
            )
        except ValidationError:
            continue
        asked += 1
        began = time.monotonic()
        assert await _asked(table, condition) == _found_by_polars(rows, condition), expression
        # Usual is a hundredth of a second.
        assert time.monotonic() - began < 30, expression
    assert asked >= 8
