"""Exports of groups, and of what profiles have of theirs."""

import csv
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from shared.domain.failures import GroupTypeInUse
from shared.domain.goal import Goal
from shared.domain.group import GroupType
from shared.domain.identifier import key_of
from shared.domain.property import Property, PropertyType, RecordType
from shared.storage import goals, group_members, group_types, groups, properties
from shared.storage.database import Tx
from tests.integration.road.place import Tenant, goal

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)
_OF_GROUPS = [
    Property(name="code", type=PropertyType.TEXT, is_identifier=True),
    Property(name="size", type=PropertyType.NUMBER),
    Property(name="since", type=PropertyType.DATE),
    Property(name="trades", type=PropertyType.LIST),
]


async def _types(tenant: Tenant) -> dict[str, int]:
    """Two types of groups, with properties; their numbers."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        for each in _OF_GROUPS:
            await properties.define(tx, each, RecordType.GROUP)
        names = ("company", "household")
        return {name: (await group_types.create(tx, GroupType(name=name, identifier="code"))).number for name in names}


async def _group(tx: Tx, kind: int, code: str, **values: Any) -> int:
    said = {"p_code": code, "k_code": key_of(code, PropertyType.TEXT)} | {f"p_{name}": v for name, v in values.items()}
    return await groups.create(tx, kind, 1, said, ["k_code"])


async def _save(tenant: Tenant, **changes: Any) -> UUID:
    about = {} if changes.get("kind", "export_groups") != "export_groups" else {"group_type": "company"}
    plain: dict[str, Any] = {
        "kind": "export_groups",
        "name": "Groups",
        **about,
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": [{"property": "code"}, {"fact": "members"}],
    }
    return await tenant.save(_GOAL.validate_python({**plain, **changes}))


async def _told(tenant: Tenant, export: UUID, *, code: str | None = None) -> list[tuple[str, ...]]:
    """The rows that an export delivers."""
    run = await tenant.exported(export)
    assert run["state"] == "completed", run["receipt"]
    assert [each["code"] for each in run["receipt"]["warnings"]] == ([] if code is None else [code])
    with (tenant.directory / "out" / "all.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    return [tuple(row) for row in rows]


async def test_groups_are_told_with_their_members_and_again_only_with_cause(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("in.csv", "email,name\nann@example.com,\nbob@example.com,\n")
    kinds, database = await _types(tenant), tenant.base.database
    async with database.account(tenant.account_id) as tx:
        acme = await _group(tx, kinds["company"], "Acme", size="12.50", trades=["a", "b|c"])
        await _group(tx, kinds["household"], "Elm Street 1", size="3")
        zeta = await _group(tx, kinds["company"], "=Zeta")
        await group_members.add(tx, acme, [1, 2])

    shown = [{"property": "code", "header": "Firm"}, {"property": "size"}, {"property": "trades"}, {"fact": "members"}]
    shown += [{"text": "us"}, {"property": "system_id"}]
    dialect = {"decimalChar": ",", "delimiter": ";", "listDelimiter": "+"}
    run = await tenant.exported(await _save(tenant, columns=shown, dialect=dialect, defuse_formulas=True))
    assert (tenant.directory / "out" / "all.csv").read_text() == (
        f"Firm;size;trades;members;text;system_id\nAcme;12,5;a+b|c;2;us;{acme}\n'=Zeta;;;0;us;{zeta}\n"
    )
    assert (run["receipt"]["rows_exported"], run["receipt"]["profiles_exported"]) == (2, 0)

    counting = await _save(tenant, changed_only=True)
    plain = await _save(tenant, changed_only=True, columns=[{"property": "code"}, {"property": "size"}])
    for export in (counting, plain):
        assert len(await _told(tenant, export, code="full_export")) == 2
        assert await _told(tenant, export) == []
    async with database.account(tenant.account_id) as tx:
        await group_members.remove(tx, acme, [2])
        await group_members.add(tx, await _group(tx, kinds["household"], "Elm Street 2"), [2])
    assert (await _told(tenant, counting), await _told(tenant, plain)) == ([("Acme", "1")], [])
    async with database.account(tenant.account_id) as tx:
        held = await groups.lock(tx, [], zeta)
        await groups.change(tx, held, {"p_size": "7"}, [])
        await _group(tx, kinds["company"], "New")
    assert await _told(tenant, counting) == [("=Zeta", "0"), ("New", "0")]
    assert await _told(tenant, plain) == [("=Zeta", "7"), ("New", "")]
    async with database.account(tenant.account_id) as tx:
        for one in (acme, zeta):
            await groups.delete(tx, await groups.lock(tx, [], one))
    assert (await _told(tenant, counting), await _told(tenant, plain)) == ([], [])


async def test_columns_show_what_profiles_have_of_their_groups_and_changes_of_that_are_news(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("in.csv", "email,name\nann@example.com,\nbob@example.com,\ncas@example.com,\n")
    kinds, database = await _types(tenant), tenant.base.database
    async with database.account(tenant.account_id) as tx:
        acme = await _group(tx, kinds["company"], "Acme", size="-12.50", since=date(2020, 1, 31), trades=["b", "a|c"])
        zeta = await _group(tx, kinds["company"], "Zeta", size="3", trades=["a|c", "d"])
        elm = await _group(tx, kinds["household"], "Elm Street 1", size="3")
        for group, members in ((zeta, [1]), (acme, [1, 2]), (elm, [3])):
            await group_members.add(tx, group, members)

    names = ("code", "size", "since", "trades", "system_id")
    shown = [{"group": {"type": "company", "property": name}} for name in names]
    shown += [{"group": {"type": "household", "property": "size"}, "header": "at home"}]
    plain = {"kind": "export_profiles", "columns": [{"property": "system_id"}, *shown]}
    dialect = {"decimalChar": ",", "delimiter": ";", "listDelimiter": "+", "dateFormat": "DD.MM.YY"}
    await tenant.exported(await _save(tenant, **plain, dialect=dialect, defuse_formulas=True))
    assert (tenant.directory / "out" / "all.csv").read_text() == (
        "system_id;company_code;company_size;company_since;company_trades;company_system_id;at home\n"
        f"1;Acme+Zeta;-12,5+3;31.01.20;b+a|c+d;{acme}+{zeta};\n"
        f"2;Acme;-12,5;31.01.20;b+a|c;{acme};\n3;;;;;;3\n"
    )

    code = {"group": {"type": "company", "property": "code"}}
    export = await _save(tenant, kind="export_profiles", columns=[{"property": "system_id"}, code], changed_only=True)
    assert len(await _told(tenant, export, code="full_export")) == 3
    async with database.account(tenant.account_id) as tx:
        await group_members.remove(tx, zeta, [1])
        await group_members.remove(tx, elm, [3])
        await groups.change(tx, await groups.lock(tx, [], elm), {"p_size": "4"}, [])
    assert await _told(tenant, export) == [("1", "Acme")]
    async with database.account(tenant.account_id) as tx:
        await groups.change(tx, await groups.lock(tx, [], acme), {"p_code": "ACME"}, [])
        await group_members.add(tx, zeta, [3])
    assert await _told(tenant, export) == [("1", "ACME"), ("2", "ACME"), ("3", "Zeta")]
    async with database.account(tenant.account_id) as tx:
        await groups.delete(tx, await groups.lock(tx, [], zeta))
    assert await _told(tenant, export) == [("3", "")]
    assert await _told(tenant, export) == []


async def test_a_type_of_groups_stays_while_a_goal_names_it(tenant: Tenant) -> None:
    await _types(tenant)
    about = await _save(tenant, group_type="household", columns=[{"property": "code"}])
    code = {"group": {"type": "household", "property": "code"}}
    shows = await _save(tenant, kind="export_profiles", columns=[{"property": "email"}, code], active=False)
    async with tenant.base.database.account(tenant.account_id) as tx:
        held = await group_types.lock(tx, "household")
        with pytest.raises(GroupTypeInUse) as refused:
            await group_types.delete(tx, held)
        assert all(str(each) in refused.value.detail for each in (about, shows))
        for each in (about, shows):
            await goals.delete(tx, each)
        await group_types.delete(tx, held)
        await group_types.delete(tx, await group_types.lock(tx, "company"))
