"""What can be asked of profiles beside their properties, against a plain oracle: lists, groups, events and so on.

The records are the same for all examples; the conditions are generated, nested, negated and mixed with properties.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from shared.domain.askable import Askable, GroupKind
from shared.domain.condition import Condition
from shared.domain.consent import Suppression
from shared.domain.failures import InvalidCondition, SegmentTooSlow
from shared.domain.property import Property, PropertyType
from shared.storage import properties, segment_profiles
from shared.storage.database import Database, Tx
from tests.eventually import eventually
from tests.examples import examples

CONDITION: TypeAdapter[Any] = TypeAdapter(Condition)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIST_IDS = {7: UUID(int=7), 8: UUID(int=8)}
SEGMENTS = {UUID(int=1): {"list": 7}, UUID(int=2): {"not": {"segment": str(UUID(int=1))}}}
IDENTIFIER = Property(name="code", type=PropertyType.TEXT, is_identifier=True)
SAID = {
    each.name: each
    for each in (
        Property(name="total", type=PropertyType.NUMBER),
        Property(name="shop", type=PropertyType.TEXT),
        Property(name="tags", type=PropertyType.LIST),
        Property(name="due", type=PropertyType.DATE),
    )
}
KNOWN = Askable(
    properties={"points": Property(name="points", type=PropertyType.INTEGER)},
    lists={**{number: number for number in LIST_IDS}, **{each: number for number, each in LIST_IDS.items()}},
    segments={each: CONDITION.validate_python(condition) for each, condition in SEGMENTS.items()},
    event_types={"order": SAID, "visit": {}},
    group_types={"company": GroupKind(1, IDENTIFIER), "household": GroupKind(2, IDENTIFIER)},
)


GROUPS = [("company", "a"), ("company", "b"), ("household", "a"), ("household", "b")]


@dataclass(frozen=True)
class _Event:
    type: str
    at: datetime
    says: dict[str, Any]


@dataclass(frozen=True)
class _Profile:
    points: int | None
    opt_in: bool | None
    suppression: str | None
    lists: frozenset[int] = frozenset()
    groups: tuple[tuple[str, str], ...] = ()
    """Type and identifier of those it belongs to."""
    events: tuple[_Event, ...] = field(default=())


def _order(days: int, **says: Any) -> _Event:
    return _Event("order", NOW + timedelta(days=days), says)


PROFILES = [
    _Profile(None, None, None),
    _Profile(5, True, None, frozenset({7}), (("company", "a"),), (_order(-1, total="10.50", shop="Gent", tags=["x"]),)),
    _Profile(7, False, "unsubscribed", frozenset({7, 8}), (("company", "b"), ("household", "a"))),
    _Profile(1, True, "bounced", frozenset({8}), (("household", "b"),), (_order(0), _order(3, due="2026-03-04"))),
    _Profile(9, False, "complained", events=tuple(_order(-day, total=str(day)) for day in range(1, 6))),
    _Profile(0, True, None, events=(_order(-30, total="1"), _Event("visit", NOW, {"total": "no number"}))),
    _Profile(5, None, "bounced", frozenset({7}), (), (_order(-10, tags=[], shop="gent"), _order(10, tags=["x", "y"]))),
]


@pytest_asyncio.fixture
async def tx(database: Database, account: UUID) -> AsyncIterator[Tx]:
    """A transaction in which the profiles are there; what is past and does not count any more, too."""
    async with database.account(account) as tx:
        await properties.define(tx, KNOWN.properties["points"])
        await tx.connection.execute(f'ALTER TABLE {tx.schema}.groups ADD COLUMN "k_code" text COLLATE "C"')
        for number, each in enumerate(PROFILES, start=1):
            await _write(tx, number, each)
        yield tx


async def _write(tx: Tx, number: int, profile: _Profile) -> None:
    suppressed_at = None if profile.suppression is None else NOW
    await tx.connection.execute(
        f"INSERT INTO {tx.schema}.profiles (id, domain_group, p_points, opt_in, suppression, suppressed_at)"
        " VALUES ($1, 1, $2, $3, $4, $5)",
        number, profile.points, profile.opt_in, profile.suppression, suppressed_at,
    )  # fmt: skip  # the columns' order
    for list_number in LIST_IDS:
        removed_at = None if list_number in profile.lists else NOW
        await tx.connection.execute(
            f"INSERT INTO {tx.schema}.list_members (list_number, profile_id, removed_at) VALUES ($1, $2, $3)",
            list_number, number, removed_at,
        )  # fmt: skip  # the columns' order
    for place, (group_type, code) in enumerate(
        (("company", "a"), ("company", "b"), ("household", "a"), ("household", "b"))
    ):
        await tx.connection.execute(
            f"INSERT INTO {tx.schema}.groups (id, group_type, domain_group, k_code) VALUES ($1, $2, 1, $3)"
            " ON CONFLICT (id) DO NOTHING",
            place, KNOWN.group_types[group_type].number, code,
        )  # fmt: skip  # the columns' order
        removed_at = None if (group_type, code) in profile.groups else NOW
        await tx.connection.execute(
            f"INSERT INTO {tx.schema}.group_members (group_id, profile_id, removed_at) VALUES ($1, $2, $3)",
            place, number, removed_at,
        )  # fmt: skip  # the columns' order
    for event in profile.events:
        await tx.connection.execute(
            f"INSERT INTO {tx.schema}.events (domain_group, event_type, profile_id, occurred_at, properties)"
            " VALUES (1, $1, $2, $3, $4)",
            event.type, number, event.at, event.says,
        )  # fmt: skip  # the columns' order


def _holds(condition: dict[str, Any], profile: _Profile) -> bool:
    match condition:
        case {"all": several}:
            return all(_holds(each, profile) for each in several)
        case {"any": several}:
            return any(_holds(each, profile) for each in several)
        case {"not": inner}:
            return not _holds(inner, profile)
        case {"property": "points", "at_least": least}:
            return profile.points is not None and profile.points >= least
        case {"list": reference}:
            return KNOWN.lists[reference if isinstance(reference, int) else UUID(reference)] in profile.lists
        case {"consent": consent}:
            return {"opted_in": True, "opted_out": False, "unknown": None}[consent] is profile.opt_in
        case {"suppression": "any"}:
            return profile.suppression is not None
        case {"suppression": reasons}:
            return profile.suppression in reasons
        case {"segment": segment}:
            return _holds(SEGMENTS[UUID(segment)], profile)
        case {"group": {"type": kind, **more}}:
            return any(each == kind and code in more.get("identifiers", [code]) for each, code in profile.groups)
        case {"event": event}:
            return _happened(event, profile)
    raise AssertionError(condition)


def _happened(event: dict[str, Any], profile: _Profile) -> bool:
    begin, end = NOW.replace(year=1), NOW.replace(year=9999)
    if "within_days" in event:
        begin, end = NOW - timedelta(days=event["within_days"]), NOW
    if "next_days" in event:
        begin, end = NOW, NOW + timedelta(days=event["next_days"])
    begin = datetime.fromisoformat(event["from"]) if "from" in event else begin
    end = datetime.fromisoformat(event["until"]) if "until" in event else end
    count = sum(
        each.type == event["type"] and begin <= each.at < end and _said(event.get("where", {}), each.says)
        for each in profile.events
    )
    least = event.get("at_least", 0 if "at_most" in event else 1)
    return bool(least <= count <= event.get("at_most", count))


def _said(where: dict[str, Any], says: dict[str, Any]) -> bool:
    match where:
        case {"all": several}:
            return all(_said(each, says) for each in several)
        case {"not": inner}:
            return not _said(inner, says)
        case {"property": "total", "at_least": least}:
            return "total" in says and Decimal(says["total"]) >= Decimal(least)
        case {"property": "shop", "equals": shop, **more}:
            return (says.get("shop") or "").lower() == shop.lower() if more else says.get("shop") == shop
        case {"property": "tags", "contains": tag}:
            return tag in says.get("tags", [])
        case {"property": "tags", "empty": wanted}:
            return wanted is not bool(says.get("tags"))
        case {"property": "due", "less": date}:
            return "due" in says and says["due"] < date
    return True


_comparisons = st.sampled_from(
    [
        {"property": "total", "at_least": 3},
        {"property": "total", "at_least": "10.5"},
        {"property": "shop", "equals": "Gent"},
        {"property": "shop", "equals": "GENT", "ignore_case": True},
        {"property": "tags", "contains": "x"},
        {"property": "tags", "empty": True},
        {"property": "tags", "empty": False},
        {"property": "due", "less": "2026-03-05"},
    ]
)
_wheres = st.one_of(
    _comparisons,
    _comparisons.map(lambda one: {"not": one}),
    st.lists(_comparisons, min_size=2, max_size=2).map(lambda several: {"all": several}),
)
_periods: list[dict[str, Any]] = [
    {},
    {"within_days": 1},
    {"within_days": 10},
    {"next_days": 3},
    {"next_days": 30},
    {"from": (NOW - timedelta(days=2)).isoformat()},
    {"from": "2026-02-20T13:00:00+01:00", "until": NOW.isoformat()},
]
_counts: list[dict[str, Any]] = [
    {},
    {"at_least": 2},
    {"at_most": 0},
    {"at_most": 1},
    {"at_least": 1, "at_most": 4},
    {"at_least": 5},
]


def _where(condition: dict[str, Any]) -> dict[str, Any]:
    return {"where": condition}


_events = st.one_of(
    st.tuples(
        st.sampled_from(_periods), st.sampled_from(_counts), _wheres.map(lambda one: {"where": one}) | st.just({})
    ).map(lambda parts: {"event": {"type": "order", **parts[0], **parts[1], **parts[2]}}),
    st.just({"event": {"type": "visit"}}),
)
_leaves = st.one_of(
    st.integers(0, 9).map(lambda least: {"property": "points", "at_least": least}),
    st.sampled_from([7, 8, str(LIST_IDS[8])]).map(lambda reference: {"list": reference}),
    st.sampled_from(["opted_in", "opted_out", "unknown"]).map(lambda consent: {"consent": consent}),
    st.one_of(
        st.just("any"), st.lists(st.sampled_from([each.value for each in Suppression]), min_size=1, max_size=4)
    ).map(lambda reasons: {"suppression": reasons}),
    st.sampled_from([str(each) for each in SEGMENTS]).map(lambda segment: {"segment": segment}),
    st.tuples(
        st.sampled_from(["company", "household"]),
        st.sampled_from([{}, {"identifiers": ["a"]}, {"identifiers": ["b", "c"]}]),
    ).map(lambda parts: {"group": {"type": parts[0], **parts[1]}}),
    _events,
    _events,
)
_trees = st.recursive(
    _leaves,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"all": several}),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: {"any": several}),
        inner.map(lambda one: {"not": one}),
    ),
    max_leaves=6,
)


async def _found(tx: Tx, condition: dict[str, Any]) -> list[int]:
    node = CONDITION.validate_python(condition)
    found = await segment_profiles.some(tx, node, KNOWN, [], now=NOW, domain_group=1, limit=100)
    assert await segment_profiles.count(tx, node, KNOWN, now=NOW, domain_group=None) == len(found)
    return [each.id for each in found]


@settings(
    max_examples=examples(80),
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # no example writes
)
@given(trees=st.lists(_trees, min_size=3, max_size=3))
async def test_the_database_finds_whom_the_oracle_finds(tx: Tx, trees: list[dict[str, Any]]) -> None:
    for tree in trees:
        expected = [number for number, each in enumerate(PROFILES, start=1) if _holds(tree, each)]
        assert await _found(tx, tree) == expected, tree


async def test_what_is_not_there_is_not_asked(tx: Tx) -> None:
    for condition in (
        {"list": 9},
        {"segment": str(UUID(int=9))},
        {"group": {"type": "team"}},
        {"event": {"type": "parade"}},
        {"event": {"type": "order", "where": {"list": 7}}},
        {"event": {"type": "order", "where": {"property": "points", "empty": True}}},
        {"field": "points", "empty": True},
    ):
        with pytest.raises(InvalidCondition):
            await _found(tx, condition)


async def test_a_question_that_takes_too_long_is_broken_off(tx: Tx, database: Database, account: UUID) -> None:
    node = CONDITION.validate_python({"list": 7})
    await segment_profiles.count(tx, node, KNOWN, now=NOW, domain_group=None)
    assert await tx.connection.fetchval("SHOW statement_timeout") == "20s"
    # The same cancellation as the limit's, without the wait for it.
    await tx.connection.execute(f"ALTER TABLE {tx.schema}.profiles RENAME TO slow_profiles")
    await tx.connection.execute(
        f"CREATE VIEW {tx.schema}.profiles AS SELECT p.* FROM {tx.schema}.slow_profiles p, pg_sleep(60)"
    )
    asked = asyncio.create_task(segment_profiles.count(tx, node, KNOWN, now=NOW, domain_group=None))
    async with database.account(account) as other:

        async def is_broken_off() -> bool:
            text = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
            text += " AND datname = current_database()"
            return bool(await other.connection.fetchval(text))

        await eventually(is_broken_off, "the question to run")
    with pytest.raises(SegmentTooSlow):
        await asked
