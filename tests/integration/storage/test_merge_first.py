"""A first file into an empty account: the same profiles, the same indexes, and nobody is waited for."""

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.storage import merge_first
from shared.storage.database import Database
from tests.builders import import_goal
from tests.integration.storage.merging import Bench

ROWS = [{"email": f"p{n}@x.example", "points": n} for n in range(20)]
GOAL = import_goal(mapping={"points": MergeRule.SUM})


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An empty account, for which twenty rows are many."""
    monkeypatch.setattr(merge_first, "LEAST_ROWS", len(ROWS))
    made = Bench(database, account)
    await made.define(
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        Property(name="points", type=PropertyType.INTEGER),
    )
    return made


async def _indexes(bench: Bench) -> dict[str, tuple[str, int]]:
    """The definition of each index, and which one it is: an index that was built anew is another one."""
    async with bench.database.account(bench.account) as tx:
        rows: list[Any] = await tx.connection.fetch(
            "SELECT indexrelid::regclass::text AS name, indexrelid AS oid, "
            "concat_ws(' as ', pg_get_indexdef(indexrelid), pg_get_constraintdef(c.oid)) AS definition "
            "FROM pg_index LEFT JOIN pg_constraint c ON conindid = indexrelid AND contype = 'p' "
            "WHERE indrelid = $1::text::regclass AND indisvalid",
            f"{tx.schema}.profiles",
        )
    return {row["name"]: (row["definition"], row["oid"]) for row in rows}


async def test_the_indexes_are_built_anew_as_they_were(bench: Bench) -> None:
    before = await _indexes(bench)
    merged = await bench.merge(GOAL, ROWS)
    after = await _indexes(bench)
    assert merged.created == len(ROWS)
    assert {name: index[0] for name, index in after.items()} == {name: index[0] for name, index in before.items()}
    assert {name.rsplit(".")[-1] for name in after if after[name] != before[name]} == {
        "profiles_changed",
        "profiles_key_email",
        "profiles_pkey",
    }


async def test_a_primary_key_that_another_table_refers_to_stays(bench: Bench) -> None:
    async with bench.database.account(bench.account) as tx:
        await tx.connection.execute(
            f"CREATE TABLE {tx.schema}.visits (profile_id bigint REFERENCES {tx.schema}.profiles)"
        )
    before = await _indexes(bench)
    merged = await bench.merge(GOAL, ROWS)
    after = await _indexes(bench)
    assert merged.created == len(ROWS)
    assert {name.rsplit(".")[-1] for name in after if after[name] == before[name]} == {"profiles_pkey"}


async def test_a_table_that_somebody_reads_is_loaded_in_the_usual_way(bench: Bench) -> None:
    before = await _indexes(bench)
    async with bench.database.account(bench.account) as reading:
        await reading.connection.fetch(f"SELECT id FROM {reading.schema}.profiles")
        merged = await bench.merge(GOAL, ROWS)
    assert merged.created == len(ROWS)
    assert await _indexes(bench) == before


async def test_a_second_file_is_merged_in_the_usual_way(bench: Bench) -> None:
    await bench.merge(GOAL, ROWS)
    before = await _indexes(bench)
    merged = await bench.merge(GOAL, ROWS)
    # The first row adds 0 to a stored 0, which changes nothing.
    assert (merged.updated, merged.unchanged) == (len(ROWS) - 1, 1)
    assert await _indexes(bench) == before
