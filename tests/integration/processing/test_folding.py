"""Several rows of one profile come to the same however the file is cut into slices: read, typed, staged and merged for
real, under all five rules, and compared with a model that applies the rows one by one."""

import csv
import io
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.dialect import Dialect
from shared.domain.goal import ImportGoal
from shared.domain.merge import MergeRule, Mode
from shared.domain.property import Property, PropertyType
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from shared.processing.repeats import Repeats
from shared.processing.typing import apply, staging_csv
from shared.storage import merge, staging
from shared.storage.database import Database
from shared.storage.staging import Staged
from tests.builders import claimed_run, import_goal
from tests.examples import examples
from tests.integration.storage.merging import Bench
from tests.integration.storage.model import RANGES, Model, Row

RULES = {
    "name": MergeRule.SET,
    "first_name": MergeRule.SET_IF_EMPTY,
    "city": MergeRule.SET_OR_CLEAR,
    "tags": MergeRule.ADD,
    "points": MergeRule.SUM,
    "revenue": MergeRule.SUM,
}
TYPES = {"tags": PropertyType.LIST, "points": PropertyType.INTEGER, "revenue": PropertyType.NUMBER}
SUMS = {"points": RANGES["integer"], "revenue": RANGES["number"]}

_text = st.none() | st.sampled_from(["x", "y", 'q"u', "a,b", "two\nlines"])
_rows = st.lists(
    st.fixed_dictionaries(
        {
            "code": st.sampled_from(["1", "1", "2", "3"]),
            "name": _text,
            "first_name": _text,
            "city": _text,
            "tags": st.none() | st.lists(st.sampled_from("abcd"), min_size=1, max_size=3),
            "points": st.none() | st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63)]),
            "revenue": st.none() | st.sampled_from([Decimal("0.1"), Decimal("-0.0000000001"), RANGES["number"][1]]),
        }
    ),
    min_size=1,
    max_size=12,
)


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account with a property for each rule."""
    made = Bench(database, account)
    await made.define(
        Property(name="code", type=PropertyType.TEXT, is_identifier=True),
        *(Property(name=name, type=TYPES.get(name, PropertyType.TEXT)) for name in RULES),
    )
    return made


@settings(
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example empties the account first
)
@given(first=_rows, second=_rows, slice_bytes=st.integers(1, 200), only_exact=st.booleans())
async def test_folding_does_not_depend_on_slices(
    bench: Bench, first: list[Row], second: list[Row], slice_bytes: int, only_exact: bool
) -> None:
    goal = import_goal(("code",), RULES)
    model = Model(("code",), RULES, SUMS)
    for rows in (first, second):
        model.merge([dict(row) for row in rows], Mode.UPSERT)
    for size, exact in ((1 << 20, False), (slice_bytes, only_exact)):
        await bench.empty()
        for rows in (first, second):
            await _import(bench, goal, _file(rows), size, only_exact=exact)
        found = await bench.profiles("code", *RULES)
        assert sorted(found, key=repr) == sorted((dict(each) for each in model.profiles), key=repr)


async def _import(bench: Bench, goal: ImportGoal, file: bytes, slice_bytes: int, *, only_exact: bool) -> None:
    run = claimed_run(bench.account)
    database = bench.database
    async with database.work_connection() as connection:
        async with database.transaction(connection, bench.account) as tx:
            staged = await staging.create(tx, run, goal, bench.properties)
        repeats = Repeats()
        for piece in _pieces(file, goal, bench, staged, repeats, slice_bytes, only_exact=only_exact):
            await staging.load(connection, staged, _alone(piece))
        staged = replace(staged, may_repeat=repeats.may_be())
        async with database.transaction(connection, bench.account) as tx:
            await staging.analyze(tx, staged)
            await merge.merge(tx, run, staged, goal, bench.properties, 1)
        async with database.transaction(connection, bench.account) as tx:
            await staging.drop_all_of(tx, run.id)


def _pieces(
    file: bytes, goal: ImportGoal, bench: Bench, staged: Staged, repeats: Repeats, slice_bytes: int, *, only_exact: bool
) -> Iterator[bytes]:
    """What is copied, slice by slice, as the importer makes it."""
    reader = CsvReader(io.BytesIO(file), Dialect(), Limits(slice_bytes=slice_bytes), only_exact=only_exact)
    plan = plan_of(goal, bench.properties, FileColumns.of(reader.header, reader.width))
    for batch in reader:
        assert not batch.bad
        typed = apply(batch.frame, batch.record_numbers, batch.line_numbers, plan)
        assert not typed.rejects
        good = typed.good.select(staged.columns)
        repeats.watch(good[staged.layout.keys[0].name])
        yield staging_csv(good)


async def _alone(piece: bytes) -> AsyncIterator[bytes]:
    yield piece


def _file(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["code", *RULES])
    writer.writerows([row["code"], *(_written(row[name]) for name in RULES)] for row in rows)
    return text.getvalue().encode()


def _written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    return "|".join(value) if isinstance(value, list) else str(value)
