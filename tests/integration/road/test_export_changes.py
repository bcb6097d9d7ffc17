"""Exports of what changed: each tells what the one before did not see, whatever was under way then."""

import csv
import random
from typing import Any
from uuid import UUID

from shared.domain.export_goal import ExportProfiles
from shared.domain.segment import Segment
from shared.storage import decisions, goals, lists, segments
from tests.integration.road.place import Tenant, goal

COLUMNS = [{"property": "email"}, {"property": "points"}]


def _export(**changes: Any) -> ExportProfiles:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": "Changes",
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": COLUMNS,
        "changed_only": True,
    }
    return ExportProfiles.model_validate({**plain, **changes})


async def _told(tenant: Tenant, export: UUID, name: str = "all.csv") -> list[dict[str, str]]:
    run = await tenant.exported(export)
    assert run["state"] == "completed", run["receipt"]
    with (tenant.directory / "out" / name).open(newline="") as file:
        return list(csv.DictReader(file))


async def _change(tenant: Tenant, people: dict[str, int]) -> None:
    content = "email,points\n" + "".join(f"{name}@example.com,{points}\n" for name, points in people.items())
    run = await tenant.imported(f"in{random.randrange(10**9)}.csv", content)
    assert run["state"] == "completed", run["receipt"]


async def _remembered(tenant: Tenant) -> tuple[int, int]:
    """How much the account's exports remember: moments, and blocks of people."""
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        tables = (f"{tx.schema}.export_marks", f"{tx.schema}.export_sets")
        marks, sets = [await tx.connection.fetchval(f"SELECT count(*) FROM {table}") for table in tables]
    return marks, sets


async def _brought(tenant: Tenant, name: str) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(
            f"UPDATE {tx.schema}.profiles SET changed_xid = (pg_current_xact_id()::text::bigint + 1000000)::text::xid8 "
            "WHERE p_email = $1",
            f"{name}@example.com",
        )


def _names(rows: list[dict[str, str]]) -> set[str]:
    return {row["email"].partition("@")[0] for row in rows}


async def test_only_what_changed_is_told_and_a_new_version_tells_everything(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await _change(tenant, {"ann": 1, "bob": 2, "cem": 3})
    export = await tenant.save(_export())

    run = await tenant.exported(export)
    assert [each["code"] for each in run["receipt"]["warnings"]] == ["full_export"]
    assert run["receipt"]["rows_exported"] == 3
    assert await _told(tenant, export) == []
    # A row that was brought here from another cluster names a transaction that is yet to come: it is no news, and an
    # import that finds it goes on.
    await _brought(tenant, "cem")
    assert await _told(tenant, export) == []
    # What is not touched by a file, because it says nothing new, is no news either.
    await _change(tenant, {"ann": 1, "bob": 5, "cem": 3, "dan": 4})
    assert _names(await _told(tenant, export)) == {"bob", "dan"}
    await _change(tenant, {"cem": 7})
    assert _names(await _told(tenant, export)) == {"cem"}

    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.update(tx, export, _export(name="Changes of all"))
    run = await tenant.exported(export)
    assert (run["receipt"]["rows_exported"], run["receipt"]["warnings"][0]["code"]) == (4, "full_export")

    assert await _remembered(tenant) == (1, 1)
    async with tenant.base.database.account(tenant.account_id) as tx:
        await goals.delete(tx, export)
    assert await _remembered(tenant) == (0, 0)
    # One that is deleted while it runs leaves nothing behind either.
    export = await tenant.save(_export())
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.run_now(tx, export)
        await goals.delete(tx, export)
    assert (await tenant.ended(lambda each: each["goal_id"] == export))["state"] == "completed"
    assert await _remembered(tenant) == (0, 0)


async def test_who_comes_into_a_segment_is_told_and_who_leaves_it_is_told_apart(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await _change(tenant, {"ann": 10, "bob": 2, "cem": 30})
    database = tenant.base.database
    async with database.account(tenant.account_id) as tx:
        made = await lists.create(tx, "Buyers")
        segment = await segments.create(tx, _segment(made.number))
    export = await tenant.save(_export(segment=str(segment.id), leavers=True))

    await _put(tenant, made.number, ["ann", "bob"])
    assert _names(await _told(tenant, export)) == {"ann", "bob"}
    await _put(tenant, made.number, ["cem"])
    await _put(tenant, made.number, ["ann"], on=False)
    assert _names(await _told(tenant, export)) == {"cem"}
    with (tenant.directory / "out" / "all_left.csv").open(newline="") as file:
        assert _names(list(csv.DictReader(file))) == {"ann"}
    assert await _told(tenant, export) == []
    assert (tenant.directory / "out" / "all_left.csv").read_text() == "email,points\n"
    await _put(tenant, made.number, ["ann"])
    assert _names(await _told(tenant, export)) == {"ann"}


async def test_what_a_column_shows_of_lists_and_segments_is_news_when_it_changes(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await _change(tenant, {"ann": 10, "bob": 2})
    async with tenant.base.database.account(tenant.account_id) as tx:
        shown, hidden = await lists.create(tx, "Buyers"), await lists.create(tx, "Readers")
        segment = await segments.create(tx, _segment(shown.number))
    by_list = await tenant.save(_export(columns=[*COLUMNS, {"lists": [shown.number]}]))
    by_segment = await tenant.save(
        _export(
            columns=[*COLUMNS, {"segments": [str(segment.id)]}],
            target={"directory": "out", "file_name": "segments.csv"},
        )
    )
    for export, name in ((by_list, "all.csv"), (by_segment, "segments.csv")):
        await _told(tenant, export, name)
    await _put(tenant, shown.number, ["ann"])
    [row] = await _told(tenant, by_segment, "segments.csv")
    assert row == {"email": "ann@example.com", "points": "10", "segments": str(segment.id)}
    assert _names(await _told(tenant, by_list)) == {"ann"}
    await _put(tenant, hidden.number, ["bob"])
    assert await _told(tenant, by_segment, "segments.csv") == []
    assert await _told(tenant, by_list) == []
    await _put(tenant, shown.number, ["ann"], on=False)
    [row] = await _told(tenant, by_segment, "segments.csv")
    assert row["segments"] == ""


async def test_a_list_or_segment_that_is_taken_away_is_news_of_whoever_was_in_it(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await _change(tenant, {"ann": 10, "bob": 2, "cem": 3})
    few = await tenant.segment({"property": "points", "at_most": 2}, "Few")
    await tenant.segment({"property": "points", "at_least": 10}, "Many")
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = await lists.create(tx, "Buyers")
    await _put(tenant, made.number, ["ann", "cem"])
    changes = {"columns": [{"property": "email"}, {"lists": "all"}, {"segments": "all"}], "ids_as_names": True}
    export = await tenant.save(_export(**changes))
    assert [tuple(row.values())[1:] for row in await _told(tenant, export)] == [
        ("Buyers", "Many"),
        ("", "Few"),
        ("Buyers", ""),
    ]
    async with tenant.base.database.account(tenant.account_id) as tx:
        await segments.begin_saving(tx)
        await segments.delete(tx, await segments.lock(tx, few))
    assert [tuple(row.values()) for row in await _told(tenant, export)] == [("bob@example.com", "", "")]
    async with tenant.base.database.account(tenant.account_id) as tx:
        await lists.delete(tx, await lists.lock(tx, made.id))
    assert [tuple(row.values()) for row in await _told(tenant, export)] == [
        ("ann@example.com", "", "Many"),
        ("cem@example.com", "", ""),
    ]
    assert await _told(tenant, export) == []


async def test_a_new_name_of_a_list_or_a_segment_is_news_where_names_are_shown(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await _change(tenant, {"ann": 10, "bob": 2, "cem": 1})
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = await lists.create(tx, "Buyers")
        segment = await segments.create(tx, _segment(made.number))
    await _put(tenant, made.number, ["ann", "bob"])
    await _put(tenant, made.number, ["bob"], on=False)
    by_list = await tenant.save(_export(columns=[*COLUMNS, {"lists": "all"}], ids_as_names=True))
    by_segment = await tenant.save(_export(columns=[*COLUMNS, {"segments": "all"}], ids_as_names=True))
    by_number = await tenant.save(_export(columns=[*COLUMNS, {"lists": "all"}, {"segments": "all"}]))
    for export in (by_list, by_segment, by_number):
        assert len(await _told(tenant, export)) == 3
        assert await _told(tenant, export) == []
    async with tenant.base.database.account(tenant.account_id) as tx:
        await lists.rename(tx, await lists.lock(tx, made.id), "Clients")
        await segments.begin_saving(tx)
        held = await segments.lock(tx, segment.id)
        await segments.change(tx, held, held.segment.model_copy(update={"name": "On it"}))
    assert [(row["email"], row["lists"]) for row in await _told(tenant, by_list)] == [("ann@example.com", "Clients")]
    [row] = await _told(tenant, by_segment)
    assert (row["email"], row["segments"]) == ("ann@example.com", "On it")
    for export in (by_list, by_segment, by_number):
        assert await _told(tenant, export) == []


async def test_what_was_not_delivered_was_not_told(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "points", "property": "points"}]))
    await _change(tenant, {"ann": 1, "bob": 2})
    export = await tenant.save(_export())
    await _told(tenant, export)
    await _change(tenant, {"bob": 3})

    (tenant.directory / "out" / "all.csv").unlink()
    (tenant.directory / "out" / "all.csv").mkdir()
    run = await tenant.exported(export)
    assert run["state"] == "failed", run["receipt"]
    (tenant.directory / "out" / "all.csv").rmdir()
    assert _names(await _told(tenant, export)) == {"bob"}


def _segment(number: int) -> Segment:
    return Segment.model_validate({"name": "Buyers", "condition": {"list": number}})


_PUT = (
    "INSERT INTO {schema}.list_members (list_number, profile_id) SELECT $1, id FROM {schema}.profiles "
    "WHERE p_email = ANY ($2::text[]) ON CONFLICT (list_number, profile_id) DO UPDATE "
    "SET removed_at = CASE WHEN $3 THEN NULL ELSE now() END, changed_xid = pg_current_xact_id()"
)


async def _put(tenant: Tenant, number: int, names: list[str], *, on: bool = True) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        emails = sorted(f"{name}@example.com" for name in names)
        await tx.connection.execute(_PUT.replace("{schema}", tx.schema), number, emails, on)
