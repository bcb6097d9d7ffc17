"""Whom the rows name that are rejected: before the merge, and by it."""

from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio

from shared.domain.consent import Declaration
from shared.domain.goal import ImportGoal
from shared.domain.merge import MergeRule
from shared.domain.opt_in import OptIn
from shared.domain.property import MAX_PROPERTIES, Property, PropertyType
from shared.storage import merge_first
from shared.storage.database import Database
from tests.builders import import_goal
from tests.integration.storage.merging import Bench

IDENTIFIERS = ("customer", "email")


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An account with two identifiers, whose goals ask whom rejected rows name."""
    monkeypatch.setattr(ImportGoal, "wants_named_rejects", property(lambda _: True))
    made = Bench(database, account)
    await made.define(
        Property(name="customer", type=PropertyType.TEXT, is_identifier=True),
        Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
        Property(name="points", type=PropertyType.INTEGER),
    )
    return made


def _row(customer: str | None, email: str | None, points: int = 1) -> dict[str, Any]:
    return {"customer": customer, "email": email, "points": points}


def _goal(*identifiers: str) -> ImportGoal:
    return import_goal(identifiers, {"points": MergeRule.SUM})


async def _ids(bench: Bench) -> list[int]:
    async with bench.database.account(bench.account) as tx:
        return [row["id"] for row in await tx.connection.fetch(f"SELECT id FROM {tx.schema}.profiles ORDER BY id")]


async def test_a_conflict_names_every_profile_that_its_identifiers_find(bench: Bench) -> None:
    await bench.merge(_goal(*IDENTIFIERS), [_row("c1", "a@x.example"), _row("c2", "b@x.example")])
    one, two = await _ids(bench)
    rows = [_row("c1", "B@X.example"), _row("c9", "a@x.example"), _row("c1", None), _row(None, "n@x.example")]
    merged = await bench.merge(_goal(*IDENTIFIERS), rows)
    assert merged.late_rejects_by_code == {"identifier_conflict": 2}
    assert merged.named == ((1, one), (1, two), (2, one))


@pytest.mark.parametrize("identifiers", [("customer",), IDENTIFIERS])
@pytest.mark.parametrize("least_rows", [1, 10**9], ids=["first", "split"])
async def test_a_sum_out_of_range_names_its_profile_where_it_exists(
    bench: Bench, identifiers: tuple[str, ...], least_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merge_first, "LEAST_ROWS", least_rows)
    rows = [_row("c1", None, 2**62), _row("c1", None, 2**62), _row("c2", None)]
    merged = await bench.merge(_goal(*identifiers), rows)
    assert (merged.late_rejects_by_code, merged.named) == ({"out_of_range": 2}, ())
    (known,) = await _ids(bench)
    merged = await bench.merge(_goal(*identifiers), [_row("c3", None), _row("c2", None, 2**63 - 1)])
    assert merged.named == ((2, known),)


async def test_rows_too_wide_are_named_and_heard_wherever_that_shows(bench: Bench) -> None:
    texts = [f"t{number}" for number in range(MAX_PROPERTIES - 10)]
    await bench.define(*(Property(name=name, type=PropertyType.TEXT) for name in texts))
    opt_in = OptIn(declaration=Declaration.FROM_FILE, field="opt_in")
    goal = import_goal(("customer",), dict.fromkeys(texts, MergeRule.SET), opt_in=opt_in)
    await bench.merge(_goal("customer"), [_row("c1", None), _row("c2", None)])
    one, two = await _ids(bench)
    wide = dict.fromkeys(texts, "x" * 20)
    halves = [dict.fromkeys(half, "x" * 20) for half in (texts[::2], texts[1::2])]
    rows: list[dict[str, Any]] = [{"customer": "c1", **wide}, *({"customer": "c2", **half} for half in halves)]
    merged = await bench.merge(goal, [row | {"opt_in": False} for row in rows])
    assert (merged.opt_outs_of_rejects, merged.profiles_affected) == (2, 2)
    assert merged.late_rejects_by_code == {"row_too_wide": 3}
    assert merged.named == ((1, one), (2, two), (3, two))


async def test_profiles_of_other_domain_groups_are_not_named(bench: Bench) -> None:
    await bench.merge(_goal("customer"), [_row("c1", None)], group=2)
    merged = await bench.merge(_goal("customer"), [_row("c1", None, 2**62), _row("c1", None, 2**62)])
    assert (merged.late_rejects_by_code, merged.named) == ({"out_of_range": 2}, ())
