"""Profiles that no page of the database can hold are handed back, and nothing else is."""

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.merge import MergeRule
from shared.domain.property import MAX_PROPERTIES, Property, PropertyType
from shared.storage import merge_first
from shared.storage.database import Database
from tests.builders import import_goal
from tests.integration.storage.merging import Bench

NAMES = tuple(f"n{number}" for number in range(MAX_PROPERTIES - 1))
UNMOVABLE = "x" * 20
"""Too short to be moved out of the row."""
MOVABLE = "x" * 60


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account with as many text properties as there may be."""
    made = Bench(database, account)
    await made.define(
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        *(Property(name=name, type=PropertyType.TEXT) for name in NAMES),
    )
    return made


@pytest.fixture(params=["split", "first"], autouse=True)
def strategy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual way, and the way of an empty account taken even by the smallest file."""
    monkeypatch.setattr(merge_first, "LEAST_ROWS", 1 if request.param == "first" else 10**9)


def _row(email: str, value: str, first: int = 0, last: int = len(NAMES)) -> dict[str, Any]:
    return {"email": f"{email}@x.example", **dict.fromkeys(NAMES[first:last], value)}


async def _merge(bench: Bench, *rows: dict[str, Any], names: tuple[str, ...] = NAMES) -> list[tuple[int, str]]:
    merged = await bench.merge(import_goal(mapping=dict.fromkeys(names, MergeRule.SET)), rows)
    assert merged.rows_staged == len(rows)
    assert merged.created + merged.updated + merged.unchanged + len(merged.late_rejects) == len(rows)
    return [(reject.record_number, reject.code.value) for reject in merged.late_rejects]


async def _emails(bench: Bench) -> list[str]:
    return [each["email"].split("@")[0] for each in await bench.profiles("email")]


async def test_a_row_too_wide_for_a_page_is_rejected_and_its_neighbours_are_not(bench: Bench) -> None:
    rows = [_row("ann", "a"), _row("bob", UNMOVABLE), _row("cid", MOVABLE), _row("dee", UNMOVABLE, 0, 300)]
    assert await _merge(bench, *rows) == [(2, "row_too_wide")]
    assert await _emails(bench) == ["ann", "cid", "dee"]


async def test_rows_that_are_too_wide_only_together_are_all_rejected(bench: Bench) -> None:
    rows = [_row("ann", UNMOVABLE, 0, 250), _row("bob", "b"), _row("ann", UNMOVABLE, 200, 399)]
    assert await _merge(bench, *rows) == [(1, "row_too_wide"), (3, "row_too_wide")]
    assert await _emails(bench) == ["bob"]


async def test_a_profile_that_would_grow_too_wide_is_left_as_it_was(bench: Bench) -> None:
    assert await _merge(bench, _row("ann", UNMOVABLE, 0, 250), _row("bob", "b")) == []
    assert await _merge(bench, _row("ann", UNMOVABLE, 250), _row("bob", "c", 250), names=NAMES[250:]) == [
        (1, "row_too_wide")
    ]
    assert await bench.profiles(NAMES[0], NAMES[398]) == [
        {NAMES[0]: UNMOVABLE, NAMES[398]: None},
        {NAMES[0]: "b", NAMES[398]: "c"},
    ]
