"""Several identifiers: who a row is about, when that is settled, and when it is a conflict."""

from typing import Any
from uuid import UUID

import pytest_asyncio

from shared.domain.merge import MergeRule, Mode
from shared.domain.property import Property, PropertyType
from shared.storage.database import Database
from shared.storage.merge import Merged
from tests.builders import import_goal
from tests.integration.storage.merging import Bench

IDENTIFIERS = ("customer", "email", "phone")


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account with three identifiers."""
    made = Bench(database, account)
    await made.define(
        Property(name="customer", type=PropertyType.TEXT, is_identifier=True),
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        Property(name="phone", type=PropertyType.TEXT, is_identifier=True),
        Property(name="points", type=PropertyType.INTEGER),
    )
    return made


def _row(customer: str | None, email: str | None, phone: str | None, points: int = 1) -> dict[str, Any]:
    return {"customer": customer, "email": email, "phone": phone, "points": points}


async def _merge(bench: Bench, *rows: dict[str, Any], mode: Mode = Mode.UPSERT) -> Merged:
    return await bench.merge(import_goal(IDENTIFIERS, {"points": MergeRule.SUM}, mode=mode), rows)


async def _all(bench: Bench) -> list[tuple[Any, ...]]:
    return [tuple(each.values()) for each in await bench.profiles(*IDENTIFIERS, "points")]


def _conflicts(merged: Merged) -> list[tuple[int, str | None]]:
    assert {reject.code for reject in merged.late_rejects} <= {"identifier_conflict"}
    return [(reject.record_number, reject.field) for reject in merged.late_rejects]


async def test_the_first_identifier_that_finds_a_profile_decides_and_unknown_ones_become_its(bench: Bench) -> None:
    await _merge(bench, _row("c1", None, None))
    merged = await _merge(bench, _row("c1", "a@x.example", None), _row(None, "b@x.example", "2"))
    assert (merged.updated, merged.created) == (1, 1)
    assert await _all(bench) == [("c1", "a@x.example", None, 2), (None, "b@x.example", "2", 1)]


async def test_a_lower_identifier_that_is_unknown_replaces_the_profiles_own(bench: Bench) -> None:
    await _merge(bench, _row("c1", "a@x.example", "1"))
    await _merge(bench, _row("c1", None, "2"))
    assert await _all(bench) == [("c1", "a@x.example", "2", 2)]


async def test_identifiers_of_two_profiles_are_a_conflict(bench: Bench) -> None:
    await _merge(bench, _row("c1", None, None), _row("c2", "b@x.example", None))
    merged = await _merge(bench, _row("c1", "b@x.example", None))
    assert _conflicts(merged) == [(1, "email")]
    assert await _all(bench) == [("c1", None, None, 1), ("c2", "b@x.example", None, 1)]


async def test_an_unknown_higher_identifier_does_not_take_a_profile_that_has_another(bench: Bench) -> None:
    await _merge(bench, _row("c1", "a@x.example", None), _row(None, "b@x.example", None))
    merged = await _merge(bench, _row("c9", "a@x.example", None), _row("c8", "b@x.example", None))
    assert _conflicts(merged) == [(1, "customer")]
    assert await _all(bench) == [("c1", "a@x.example", None, 1), ("c8", "b@x.example", None, 2)]


async def test_rows_see_what_the_rows_before_them_did(bench: Bench) -> None:
    merged = await _merge(
        bench,
        _row("c1", "a@x.example", None),
        _row(None, "a@x.example", "1"),
        _row(None, None, "1"),
        _row("c2", None, "1"),
        _row("c2", "b@x.example", None),
        _row("c1", "b@x.example", None),
    )
    assert _conflicts(merged) == [(4, "customer"), (6, "email")]
    assert (merged.created, merged.profiles_affected) == (4, 2)
    assert await _all(bench) == [("c1", "a@x.example", "1", 3), ("c2", "b@x.example", None, 1)]


async def test_a_value_given_up_stays_its_owners_until_the_commit(bench: Bench) -> None:
    await _merge(bench, _row("c1", None, "1"))
    merged = await _merge(bench, _row("c1", None, "2"), _row("c2", None, "1"), _row(None, None, "1"))
    assert _conflicts(merged) == [(2, "customer")]
    assert await _all(bench) == [("c1", None, "1", 3)]
    assert _conflicts(await _merge(bench, _row("c1", None, "3"))) == []
    await _merge(bench, _row("c2", None, "1"))
    assert await _all(bench) == [("c1", None, "3", 4), ("c2", None, "1", 1)]


async def test_a_conflict_changes_nothing_for_later_rows(bench: Bench) -> None:
    await _merge(bench, _row("c1", None, None), _row("c2", None, "2"))
    merged = await _merge(bench, _row("c1", "n@x.example", "2"), _row("c2", "n@x.example", None))
    assert _conflicts(merged) == [(1, "phone")]
    assert await _all(bench) == [("c1", None, None, 1), ("c2", "n@x.example", "2", 2)]


async def test_modes_hold_for_several_identifiers(bench: Bench) -> None:
    await _merge(bench, _row("c1", None, "1"))
    only_known = await _merge(
        bench, _row("c1", None, "2"), _row("c3", None, "3"), _row(None, None, "3"), mode=Mode.UPDATE_ONLY
    )
    assert (only_known.updated, only_known.skipped_by_reason) == (1, {"unknown": 2})
    only_new = await _merge(
        bench, _row("c1", None, "7"), _row("c4", None, "7"), _row(None, None, "7"), mode=Mode.CREATE_ONLY
    )
    assert (only_new.created, only_new.skipped_by_reason) == (2, {"existing": 1})
    assert await _all(bench) == [("c1", None, "2", 2), ("c4", None, "7", 2)]
