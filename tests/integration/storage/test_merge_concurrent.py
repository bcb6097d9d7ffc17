"""Merges of different goals at the same time: nothing is lost, nothing is doubled, whoever was in the way."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.goal import ImportGoal
from shared.domain.merge import MergeRule
from shared.domain.property import Property, PropertyType
from shared.storage import merge, staging
from shared.storage.database import Database
from shared.storage.errors import TransactionConflict
from shared.storage.merge import Merged
from shared.storage.staging import Staged
from tests.builders import claimed_run, import_goal
from tests.eventually import eventually
from tests.integration.storage.merging import Bench

GOAL = import_goal(mapping={"name": MergeRule.SET, "points": MergeRule.SUM})
ATTEMPTS = 20


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account whose profiles have points."""
    made = Bench(database, account)
    await made.define(
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        Property(name="customer", type=PropertyType.TEXT, is_identifier=True),
        Property(name="name", type=PropertyType.TEXT),
        Property(name="points", type=PropertyType.INTEGER),
    )
    return made


async def _merge_repeatedly(bench: Bench, goal: ImportGoal, rows: list[dict[str, Any]]) -> Merged:
    """As the importer does: the whole transaction again, where another one was in the way."""
    for attempt in range(ATTEMPTS):
        try:
            return await bench.merge(goal, rows)
        except TransactionConflict:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("unreachable")


async def test_sums_of_merges_at_the_same_time_are_exact(bench: Bench) -> None:
    def rows(first: int) -> list[dict[str, Any]]:
        return [{"email": f"p{n}@x.example", "points": 1, "name": "N"} for n in range(first, first + 400)]

    results = await asyncio.gather(*(_merge_repeatedly(bench, GOAL, rows(first)) for first in (0, 100, 200, 100)))
    assert sum(result.profiles_affected for result in results) == 1_600
    assert sum(result.created for result in results) == 600
    points = [each["points"] for each in await bench.profiles("points")]
    assert len(points) == 600
    assert sum(points) == 1_600


async def test_several_identifiers_at_the_same_time_never_split_or_join_profiles(bench: Bench) -> None:
    goal = import_goal(("customer", "email"), {"points": MergeRule.SUM})

    def rows(step: int) -> list[dict[str, Any]]:
        return [{"customer": f"c{n}", "email": f"{n}@x.example", "points": 1} for n in range(0, 300, step)]

    await asyncio.gather(*(_merge_repeatedly(bench, goal, rows(step)) for step in (1, 2, 3)))
    found = await bench.profiles("customer", "email", "points")
    assert len(found) == 300
    assert sum(each["points"] for each in found) == 300 + 150 + 100
    assert all(each["email"] == f"{each['customer'][1:]}@x.example" for each in found)


async def _staged(bench: Bench, connection: Any, rows: list[dict[str, Any]]) -> tuple[Any, Staged]:
    run = claimed_run(bench.account)
    async with bench.database.transaction(connection, bench.account) as tx:
        staged = await staging.create(tx, run, GOAL, bench.properties)
    await bench.load(connection, staged, rows)
    return run, staged


@pytest.mark.parametrize("known", [True, False], ids=["a changed profile", "a taken identifier"])
async def test_a_profile_written_meanwhile_is_a_conflict_and_not_lost(bench: Bench, known: bool) -> None:
    ann = {"email": "ann@x.example", "points": 1}
    if known:
        await bench.merge(GOAL, [ann])
    async with bench.database.work_connection() as ours, bench.database.work_connection() as theirs:
        our_run, our_rows = await _staged(bench, ours, [ann])
        their_run, their_rows = await _staged(bench, theirs, [ann])
        async with bench.database.transaction(theirs, bench.account) as their_tx:
            await merge.merge(their_tx, their_run, their_rows, GOAL, bench.properties, 1)
            waiting = asyncio.create_task(_merge_once(bench, ours, our_run, our_rows))
            await _until_blocked(bench, ours.get_server_pid())
        with pytest.raises(TransactionConflict):
            await waiting
        assert (await _merge_once(bench, ours, our_run, our_rows)).updated == 1
    assert [each["points"] for each in await bench.profiles("points")] == [2 + known]


async def _merge_once(bench: Bench, connection: Any, run: Any, staged: Staged) -> Merged:
    async with bench.database.transaction(connection, bench.account) as tx:
        return await merge.merge(tx, run, staged, GOAL, bench.properties, 1)


async def _until_blocked(bench: Bench, pid: int) -> None:
    async with bench.database.account(bench.account) as tx:

        async def is_blocked() -> bool:
            return bool(await tx.connection.fetchval("SELECT cardinality(pg_blocking_pids($1)) > 0", pid))

        await eventually(is_blocked, "the second merge waits for the first")
