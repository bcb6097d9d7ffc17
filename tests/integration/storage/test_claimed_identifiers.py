"""Identifiers that rows set and are not found by: no two profiles come to have one, and nothing depends on chance."""

from typing import Any
from uuid import UUID

import pytest_asyncio

from shared.domain.merge import MergeRule, Mode
from shared.domain.property import Property, PropertyType
from shared.storage.database import Database
from shared.storage.merge import Merged
from tests.builders import import_goal
from tests.integration.storage.merging import Bench


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account with two identifiers, of which its goals know people by the first."""
    made = Bench(database, account)
    await made.define(
        Property(name="customer", type=PropertyType.TEXT, is_identifier=True),
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
    )
    return made


async def _merge(bench: Bench, *rows: tuple[str, str | None], mode: Mode = Mode.UPSERT) -> Merged:
    goal = import_goal(("customer",), {"email": MergeRule.SET}, mode=mode)
    return await bench.merge(goal, [{"customer": customer, "email": email} for customer, email in rows])


async def _all(bench: Bench) -> list[tuple[Any, ...]]:
    return sorted(tuple(each.values()) for each in await bench.profiles("customer", "email"))


def _conflicts(merged: Merged) -> list[tuple[int, str | None]]:
    assert {reject.code for reject in merged.late_rejects} <= {"identifier_conflict"}
    return [(reject.record_number, reject.field) for reject in merged.late_rejects]


async def test_of_two_rows_of_a_file_the_first_has_the_value(bench: Bench) -> None:
    merged = await _merge(bench, ("c1", "a@x.example"), ("c2", "A@x.example"), ("c2", "b@x.example"))
    assert _conflicts(merged) == [(2, "email")]
    assert await _all(bench) == [("c1", "a@x.example"), ("c2", "b@x.example")]


async def test_what_is_stored_is_its_profiles_also_when_that_gives_it_up(bench: Bench) -> None:
    await _merge(bench, ("c1", "a@x.example"), ("c2", "b@x.example"))
    merged = await _merge(bench, ("c1", "n@x.example"), ("c2", "a@x.example"), ("c3", "b@x.example"))
    assert (_conflicts(merged), merged.updated) == ([(2, "email"), (3, "email")], 1)
    assert await _all(bench) == [("c1", "n@x.example"), ("c2", "b@x.example")]
    assert _conflicts(await _merge(bench, ("c2", "a@x.example"))) == []


async def test_another_spelling_of_the_own_value_is_written(bench: Bench) -> None:
    await _merge(bench, ("c1", "a@x.example"))
    merged = await _merge(bench, ("c1", "A@x.example"), ("c1", None))
    assert (merged.updated, await _all(bench)) == (2, [("c1", "A@x.example")])
    assert (await _merge(bench, ("c1", "A@x.example"))).unchanged == 1


async def test_a_row_that_is_skipped_claims_nothing(bench: Bench) -> None:
    await _merge(bench, ("c1", "a@x.example"), ("c2", None))
    only_new = await _merge(
        bench, ("c2", "a@x.example"), ("c1", "b@x.example"), ("c3", "b@x.example"), mode=Mode.CREATE_ONLY
    )
    assert (only_new.created, only_new.skipped_by_reason, _conflicts(only_new)) == (1, {"existing": 2}, [])
    only_known = await _merge(
        bench, ("c9", "a@x.example"), ("c8", "d@x.example"), ("c2", "d@x.example"), mode=Mode.UPDATE_ONLY
    )
    assert (only_known.updated, only_known.skipped_by_reason, _conflicts(only_known)) == (1, {"unknown": 2}, [])
    assert await _all(bench) == [("c1", "a@x.example"), ("c2", "d@x.example"), ("c3", "b@x.example")]
