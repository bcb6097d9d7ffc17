"""The merge against a model that applies rows one by one: any files, any mode, one identifier or several."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.merge import MergeRule, Mode
from shared.domain.property import Property, PropertyType
from shared.storage import merge_first
from shared.storage.database import Database
from shared.storage.merge import Merged
from tests.builders import import_goal
from tests.examples import examples
from tests.integration.storage.merging import Bench, starts_of
from tests.integration.storage.model import RANGES, Model, Outcome, Row

RULES = {
    "name": MergeRule.SET,
    "first_seen": MergeRule.SET_IF_EMPTY,
    "city": MergeRule.SET_OR_CLEAR,
    "tags": MergeRule.ADD,
    "labels": MergeRule.SET_OR_CLEAR,
    "points": MergeRule.SUM,
    "revenue": MergeRule.SUM,
}
SUMS = {"points": RANGES["integer"], "revenue": RANGES["number"]}
IDENTIFIERS = ("customer", "email", "phone")

_text = st.none() | st.sampled_from(["x", "y", "", "NULL", '"q", {b}\\'])
_list = st.none() | st.lists(st.sampled_from(["a", "b", "c", "NULL", 'q"\\,']), min_size=1, max_size=4)
_values = st.fixed_dictionaries(
    {
        "name": _text,
        "first_seen": _text,
        "city": _text,
        "tags": _list,
        "labels": _list,
        "points": st.none() | st.sampled_from([0, 1, -1, 2**63 - 1, -(2**63), 2**62]),
        "revenue": st.none() | st.sampled_from([Decimal(0), Decimal("0.1"), Decimal("-0.2"), RANGES["number"][1]]),
    }
)
_one = st.sampled_from(["a", "b", "c", "d"])
_some = st.none() | st.sampled_from(["1", "2", "3"])
_keys = st.fixed_dictionaries({"customer": _some, "email": _some, "phone": _some}).filter(
    lambda keys: any(value is not None for value in keys.values())
)


def _files(
    keys: st.SearchStrategy[Row], modes: Sequence[Mode] = (Mode.UPSERT, Mode.CREATE_ONLY, Mode.UPDATE_ONLY)
) -> st.SearchStrategy[list[tuple[Mode, list[Row]]]]:
    row = st.builds(lambda key, values: key | values, keys, _values)
    return st.lists(st.tuples(st.sampled_from(modes), st.lists(row, min_size=1, max_size=8)), min_size=1, max_size=3)


_bounded = settings(
    max_examples=examples(20),
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example empties the account first
)


_briefly = settings(_bounded, max_examples=12)


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID) -> Bench:
    """An account with three identifiers and a property for each rule."""
    made = Bench(database, account)
    types = {"tags": PropertyType.LIST, "labels": PropertyType.LIST, "points": PropertyType.INTEGER}
    types["revenue"] = PropertyType.NUMBER
    await made.define(
        *(Property(name=name, type=PropertyType.TEXT, is_identifier=True) for name in IDENTIFIERS),
        *(Property(name=name, type=types.get(name, PropertyType.TEXT)) for name in RULES),
    )
    return made


@pytest.fixture(params=["split", "first"])
def strategy(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The usual way, and the way of an empty account taken even by the smallest file."""
    monkeypatch.setattr(merge_first, "LEAST_ROWS", 1 if request.param == "first" else 10**9)
    return str(request.param)


@given(files=_files(st.fixed_dictionaries({"customer": _one})))
@_bounded
async def test_one_identifier_merges_as_the_model(
    bench: Bench, strategy: str, files: list[tuple[Mode, list[Row]]]
) -> None:
    await _compare(bench, ("customer",), files)


@given(files=_files(_keys))
@_bounded
async def test_several_identifiers_merge_as_the_model(
    bench: Bench, strategy: str, files: list[tuple[Mode, list[Row]]]
) -> None:
    await _compare(bench, IDENTIFIERS, files)


@given(files=_files(_keys), finding=st.sampled_from([("customer",), ("email", "customer")]))
@_briefly
async def test_identifiers_that_are_set_and_not_looked_up_merge_as_the_model(
    bench: Bench, strategy: str, finding: tuple[str, ...], files: list[tuple[Mode, list[Row]]]
) -> None:
    claimed = tuple(name for name in IDENTIFIERS if name not in finding)
    named = [(mode, [row for row in rows if any(row[name] for name in finding)]) for mode, rows in files]
    await _compare(bench, finding, [(mode, rows) for mode, rows in named if rows], claimed)


@given(files=_files(_keys, (Mode.ALWAYS_CREATE,)), claimed=st.sampled_from([(), ("phone",), ("email", "phone")]))
@_briefly
async def test_rows_without_identifiers_merge_as_the_model(
    bench: Bench, strategy: str, claimed: tuple[str, ...], files: list[tuple[Mode, list[Row]]]
) -> None:
    await _compare(bench, (), files, claimed)


@given(
    files=_files(
        st.fixed_dictionaries({"place": st.integers(0, 4), "email": _some, "phone": _some}), (Mode.UPDATE_ONLY,)
    )
)
@_briefly
async def test_system_ids_merge_as_the_model(bench: Bench, files: list[tuple[Mode, list[Row]]]) -> None:
    await bench.empty()
    for group in (1, 2):
        await bench.merge(import_goal(("customer",)), [{"customer": name} for name in "ab"], group=group)
    async with bench.database.account(bench.account) as tx:
        found = await tx.connection.fetch(
            f"SELECT id, domain_group FROM {tx.schema}.profiles ORDER BY domain_group, id"
        )
    # Two of this group, two of another, and one of nobody.
    ids = [*(row["id"] for row in found), 0]
    rules = {"email": MergeRule.SET, "phone": MergeRule.SET, **RULES}
    model = Model(("system_id",), rules, SUMS, ("email", "phone"))
    model.profiles = [dict.fromkeys(rules) | {"system_id": row["id"]} for row in found if row["domain_group"] == 1]
    for mode, rows in files:
        numbered = [row | {"system_id": ids[row["place"]]} for row in rows]
        expected = model.merge(numbered, mode)
        merged = await bench.merge(import_goal(("system_id",), rules, mode=mode), numbered)
        assert _outcome(merged) == replace(expected, by_row={})
        assert _by_member(merged) == _expected_by_member(expected, len(rows))
        stored = await bench.profiles(*rules)
        assert stored == [{name: profile[name] for name in rules} for profile in model.profiles]


async def _compare(
    bench: Bench, identifiers: tuple[str, ...], files: list[tuple[Mode, list[Row]]], claimed: tuple[str, ...] = ()
) -> None:
    await bench.empty()
    rules = RULES | dict.fromkeys(claimed, MergeRule.SET)
    model = Model(identifiers, rules, SUMS, claimed)
    for mode, rows in files:
        expected = model.merge(rows, mode)
        merged = await bench.merge(import_goal(identifiers, rules, mode=mode), rows)
        assert _outcome(merged) == replace(expected, by_row={})
        assert _by_member(merged) == _expected_by_member(expected, len(rows))
        assert await _stored(bench, (*identifiers, *claimed)) == _sorted(model.profiles, (*identifiers, *claimed))


def _outcome(merged: Merged) -> Outcome:
    skipped = sum(merged.skipped_by_reason.values())
    counted = merged.created + merged.updated + merged.unchanged + skipped + len(merged.late_rejects)
    assert counted == merged.rows_staged, "the counts must add up"
    return Outcome(
        created=merged.created,
        updated=merged.updated,
        unchanged=merged.unchanged,
        skipped=skipped,
        affected=merged.profiles_affected,
        rejected={reject.record_number: reject.code.value for reject in merged.late_rejects},
    )


def _by_member(merged: Merged) -> list[dict[str, int]]:
    """What became of the rows of each file of the archive; nothing of what became of none."""
    plain = ({name: getattr(each, name) for name in ("created", "updated", "unchanged")} for each in merged.members)
    skipped = ({"skipped": sum(each.skipped_by_reason.values())} for each in merged.members)
    late = (each.late_rejects_by_code for each in merged.members)
    found = [became | left_out | rejected for became, left_out, rejected in zip(plain, skipped, late, strict=True)]
    return [{what: rows for what, rows in each.items() if rows} for each in found]


def _expected_by_member(expected: Outcome, rows: int) -> list[dict[str, int]]:
    became = expected.by_row | expected.rejected
    starts = starts_of(rows)
    return [
        Counter(became[number] for number in range(start, end))
        for start, end in zip(starts, (*starts[1:], rows + 1), strict=True)
    ]


async def _stored(bench: Bench, identifiers: tuple[str, ...]) -> list[Any]:
    return _sorted(await bench.profiles(*identifiers, *RULES), identifiers)


def _sorted(profiles: list[Row], identifiers: tuple[str, ...]) -> list[Any]:
    names = (*identifiers, *RULES)
    return sorted(({name: profile[name] for name in names} for profile in profiles), key=repr)
