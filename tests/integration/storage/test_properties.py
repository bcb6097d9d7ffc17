"""Properties become columns, profiles are found by them, and staging leaves nothing behind."""

import asyncio
from datetime import date
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from shared.domain.built_in import OFFERED
from shared.domain.failures import (
    AlreadyExists,
    InvalidGoal,
    InvalidRequest,
    NotFound,
    PropertyIsBuiltIn,
    TooManyProperties,
)
from shared.domain.merge import MergeRule
from shared.domain.property import MAX_PROPERTIES, Property, PropertyType
from shared.storage import domain_groups, profiles, properties, staging
from shared.storage.database import Database
from shared.storage.errors import TransactionConflict
from shared.storage.merge_profiles import BLOCKS
from tests.builders import claimed_run, import_goal
from tests.integration.storage.merging import Bench

EMAIL = Property(name="email", type=PropertyType.EMAIL, is_identifier=True)
SQL_WORDS = ("select", "order", "user", "group", "system", "ctid", "id", "target", "rows")


def _text(name: str) -> Property:
    return Property(name=name, type=PropertyType.TEXT)


async def test_names_that_are_sql_words_are_names(database: Database, account: UUID) -> None:
    bench = Bench(database, account)
    longest = "l" + "o" * 48 + "g"
    await bench.define(
        Property(name="order", type=PropertyType.TEXT, is_identifier=True),
        Property(name=longest, type=PropertyType.TEXT, is_identifier=True),
        *(_text(name) for name in SQL_WORDS if name != "order"),
    )
    rules = {name: MergeRule.SET for name in SQL_WORDS if name != "order"}
    row = {"order": "1", longest: "2", **dict.fromkeys(rules, "value")}
    for identifiers in (("order",), ("order", longest)):
        merged = await bench.merge(import_goal(identifiers, rules), [row, row])
        assert merged.created + merged.updated + merged.unchanged == 2
    assert await bench.profiles(*SQL_WORDS) == [{**dict.fromkeys(rules, "value"), "order": "1"}]


async def test_a_property_is_defined_once(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        await properties.define(tx, EMAIL)
    with pytest.raises(AlreadyExists):
        async with database.account(account) as tx:
            await properties.define(tx, _text("email"))
    async with database.account(account) as tx:
        assert await properties.list_all(tx) == [EMAIL, *OFFERED]


async def test_the_number_of_a_profile_is_nobodys_to_define(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        with pytest.raises(PropertyIsBuiltIn):
            await properties.define(tx, _text("system_id"))
        with pytest.raises(PropertyIsBuiltIn):
            await properties.ensure(tx, [_text("other"), _text("system_id")])
        with pytest.raises(NotFound):
            await properties.get(tx, "system_id")


async def test_there_is_room_for_so_many_properties_and_no_more(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        for number in range(MAX_PROPERTIES - 1):
            await properties.define(tx, _text(f"n{number}"))
        # A column that is gone counts too: PostgreSQL never gives its place back.
        await tx.connection.execute(f"ALTER TABLE {tx.schema}.profiles ADD gone int")
        await tx.connection.execute(f"ALTER TABLE {tx.schema}.profiles DROP gone")
        with pytest.raises(TooManyProperties):
            await properties.define(tx, _text("one_more"))


async def test_an_identifier_can_be_added_when_there_are_profiles(database: Database, account: UUID) -> None:
    bench = Bench(database, account)
    await bench.define(EMAIL)
    await bench.merge(import_goal(), [{"email": "ann@x.example"}, {"email": "bob@x.example"}])
    await bench.define(Property(name="customer", type=PropertyType.TEXT, is_identifier=True))
    merged = await bench.merge(import_goal(("email", "customer")), [{"email": "ann@x.example", "customer": "c1"}])
    assert merged.updated == 1


async def test_a_definition_gives_way_to_a_merge_instead_of_stopping_readers(database: Database, account: UUID) -> None:
    async with database.account(account) as reading:
        await reading.connection.fetch(f"SELECT id FROM {reading.schema}.profiles")
        with pytest.raises(TransactionConflict):
            async with database.account(account) as tx:
                await properties.define(tx, EMAIL)


async def test_a_profile_is_found_whatever_the_spelling(database: Database, account: UUID) -> None:
    bench = Bench(database, account)
    await bench.define(
        EMAIL,
        Property(name="customer", type=PropertyType.TEXT, is_identifier=True),
        Property(name="revenue", type=PropertyType.NUMBER),
        Property(name="born", type=PropertyType.DATE),
    )
    mapping = {"revenue": MergeRule.SET, "born": MergeRule.SET}
    row = {"email": "Ann@X.example", "customer": "C1", "revenue": "12345678901234567890.1", "born": "1980-02-29"}
    await bench.merge(import_goal(("email", "customer"), mapping), [row, {"email": "bob@x.example"}])
    async with database.account(account) as tx:
        ann = await profiles.find(tx, bench.properties, 1, {"email": " ann@x.EXAMPLE "})
        assert ann is not None
        assert ann.values == {
            "email": "Ann@X.example",
            "customer": "C1",
            "revenue": Decimal("12345678901234567890.1"),
            "born": date(1980, 2, 29),
        }
        assert await profiles.get(tx, bench.properties, ann.id) == ann
        assert await profiles.find(tx, bench.properties, 1, {"email": "bob@x.example", "customer": "C1"}) is None
        assert await profiles.find(tx, bench.properties, 1, {"customer": "c1"}) is None
        assert await profiles.find(tx, bench.properties, 2, {"customer": "C1"}) is None
        assert [each.id for each in await profiles.page(tx, bench.properties, after_id=ann.id, limit=5)] != []
        assert await profiles.count(tx) == 2
        with pytest.raises(InvalidRequest):
            await profiles.find(tx, bench.properties, 1, {"revenue": "1"})


async def test_domain_groups_have_profiles_of_their_own(database: Database, account: UUID) -> None:
    bench = Bench(database, account)
    await bench.define(EMAIL)
    async with database.account(account) as tx:
        other = (await domain_groups.create(tx, "other")).number
    for group in (1, other):
        assert (await bench.merge(import_goal(), [{"email": "ann@x.example"}], group=group)).created == 1
    assert len(await bench.profiles("email", group=other)) == 1


async def test_a_goal_that_names_what_is_not_there_is_refused(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        with pytest.raises(InvalidGoal):
            await staging.create(tx, claimed_run(account), import_goal(), [])


async def test_what_any_token_of_a_run_staged_is_dropped_and_nothing_else(database: Database, account: UUID) -> None:
    run, other = claimed_run(account), claimed_run(account)
    async with database.account(account) as tx:
        await properties.define(tx, EMAIL)
        for each in (run, run.model_copy(update={"token": 2}), other):
            await staging.create(tx, each, import_goal(), [EMAIL])
        assert await staging.drop_all_of(tx, run.id) == 2
        assert await staging.drop_all_of(tx, run.id) == 0
        assert await staging.drop_all_of(tx, other.id) == 1


async def test_a_merge_leaves_no_working_table(database: Database, account: UUID) -> None:
    bench = Bench(database, account)
    await bench.define(EMAIL, Property(name="customer", type=PropertyType.TEXT, is_identifier=True))
    row = {"email": "ann@x.example", "customer": "c1"}
    await bench.merge(import_goal(("email", "customer")), [row, row])
    async with database.account(account) as tx:
        tables = await tx.connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = $1", tx.schema[1:-1])
    # What was staged, and beside it whom the run touched and what only the merge could reject: all go with the run.
    names = sorted(row["tablename"] for row in tables if row["tablename"].startswith("s_"))
    assert names == [names[0], names[0] + BLOCKS, names[0] + staging.LATE]


async def test_two_runs_that_need_one_property_make_it_once(database: Database, account: UUID) -> None:
    first, second = uuid4(), uuid4()

    async def ensure(run_id: UUID, *names: str) -> list[str]:
        async with database.account(account) as tx:
            return [each.name for each in await properties.ensure(tx, [_text(name) for name in names], made_by=run_id)]

    made = await asyncio.gather(ensure(first, "a", "b"), ensure(second, "b", "c"))
    assert sorted([*made[0], *made[1]]) == ["a", "b", "c"]
    async with database.account(account) as tx:
        assert [await properties.made_by(tx, run) for run in (first, second)] == [sorted(made[0]), sorted(made[1])]
        assert await properties.ensure(tx, [_text("a")]) == []


async def test_properties_are_not_made_while_the_profiles_are_in_use(database: Database, account: UUID) -> None:
    async with database.account(account) as busy:
        await busy.connection.execute(f"LOCK TABLE {busy.schema}.profiles IN ROW EXCLUSIVE MODE")
        with pytest.raises(TransactionConflict):
            async with database.account(account) as tx:
                await properties.ensure(tx, [_text("a")])
    async with database.account(account) as tx:
        assert [each.name for each in await properties.ensure(tx, [_text("a")])] == ["a"]
