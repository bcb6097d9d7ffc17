"""Columns of files as they come and go: taken all together, left out, moved, and told once."""

from typing import Any

from shared.storage import properties
from tests.integration.road.place import Tenant, goal
from tests.unit.formats.unpacking.packing import zipped


def told(run: dict[str, Any], code: str) -> list[str]:
    return [each["detail"] for each in run["receipt"]["warnings"] if each["code"] == code]


async def test_all_columns_are_taken_but_for_those_that_the_goal_leaves_out(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "Full name", "property": "name"}], map_all={"rule": "set"}, ignore=["x"]))
    run = await tenant.imported("all.csv", "Points,x,Full name,email,Tags,Zip\n7,?,Ann,a@b.example,p|q,1234\n")
    assert run["state"] == "completed", run["receipt"]
    assert [each["code"] for each in run["receipt"]["warnings"]] == ["columns_ignored"]
    assert told(run, "columns_ignored")[0].startswith("1 columns")
    found = await tenant.profile("a@b.example")
    assert (found["name"], found["points"], found["tags"]) == ("Ann", 7, ["p", "q"])


async def test_columns_are_told_once_by_the_run_that_sees_them_first_and_succeeds(tenant: Tenant) -> None:
    await tenant.save(goal(ignore=["quiet"], duplicate_content="import"))
    first = await tenant.imported("1.csv", "email,name,old\na@b.example,Ann,1\n")
    assert [each["code"] for each in first["receipt"]["warnings"]] == ["columns_ignored"]
    failed = await tenant.imported("2.csv", "email,old,new\na@b.example,1,2\n")
    assert (failed["state"], failed["reason_code"]) == ("failed", "header_changed")
    moved = "new,name,quiet,email,old\n2,Ann,?,a@b.example,1\n"
    third = await tenant.imported("3.csv", moved)
    assert told(third, "columns_new") == [
        "Columns that files of this goal did not have before: 'new'. 1 of them were ignored."
    ]
    assert (await tenant.imported("4.csv", "email,name\na@b.example,Ann\n"))["receipt"]["warnings"] == []
    assert (await tenant.imported("5.csv", moved))["receipt"]["warnings"] == []


async def test_keys_that_an_archives_later_files_have_are_told_once(tenant: Tenant) -> None:
    wanted = goal(format="jsonl", source={"pattern": {"wildcard": "*.zip"}, "readiness": {"strategy": "rename"}})
    await tenant.save(wanted.model_copy(update={"duplicate_content": "import"}))
    archive = zipped(
        {"1.jsonl": b'{"email":"a@b.example","name":"A"}\n', "2.jsonl": b'{"email":"b@b.example","z":1}\n'}
    )
    run = await tenant.imported("1.zip", archive)
    assert (told(run, "columns_new"), run["receipt"]["file"]["further_columns"]) == (
        ["Columns that files of this goal did not have before: 'z'. 1 of them were ignored."],
        ["z"],
    )
    assert (await tenant.imported("2.zip", archive))["receipt"]["warnings"] == []


async def test_a_run_makes_the_properties_that_its_file_needs_and_tells_them(tenant: Tenant) -> None:
    shop = {"prefix": "shop_", "rule": "set_if_empty"}
    await tenant.save(goal(map_all=shop, create_properties=True, mapping=[{"constant": "web", "property": "name"}]))
    run = await tenant.imported("new.csv", "email,Größe,Zip\na@b.example,XL,1234\nb@b.example,,9\n")
    assert (run["state"], run["receipt"]["created"]) == ("completed", 2), run["receipt"]
    assert run["receipt"]["properties_created"] == ["shop_grosse", "shop_zip"]
    assert [each["code"] for each in run["receipt"]["warnings"]] == ["properties_created"]
    async with tenant.base.database.account(tenant.account_id) as tx:
        tenant.properties = await properties.list_all(tx)
    a, b = await tenant.profile("a@b.example"), await tenant.profile("b@b.example")
    assert (a["shop_grosse"], a["shop_zip"], a["name"]) == ("XL", "1234", "web")
    assert (b["shop_grosse"], b["shop_zip"], b["name"]) == (None, "9", "web")
    again = await tenant.imported("known.csv", "email,Größe,Zip\na@b.example,S,1\nc@b.example,S,\n")
    assert (again["receipt"]["properties_created"], again["receipt"]["warnings"]) == ([], [])
    assert (again["receipt"]["created"], again["receipt"]["unchanged"]) == (1, 1)


async def test_more_properties_than_an_account_can_have_stop_the_run_before_any_is_made(tenant: Tenant) -> None:
    await tenant.save(goal(map_all={"max_new": 400}, create_properties=True, mapping=[]))
    header = ",".join(["email", *(f"x{number}" for number in range(400))])
    run = await tenant.imported("wide.csv", f"{header}\na@b.example{',' * 400}\n")
    assert (run["state"], run["reason_code"]) == ("failed", "too_many_properties")
    async with tenant.base.database.account(tenant.account_id) as tx:
        assert not any(each.name.startswith("x") for each in await properties.list_all(tx))


async def test_a_constant_is_summed_for_every_row(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"constant": "2", "property": "points", "rule": "sum"}]))
    await tenant.imported("visits.csv", "email\na@b.example\nb@b.example\na@b.example\n")
    assert [(await tenant.profile(f"{name}@b.example"))["points"] for name in "ab"] == [4, 2]


async def test_a_lost_header_is_not_shown_as_columns(tenant: Tenant) -> None:
    position = {"identifiers": [{"position": 0, "property": "email"}], "mapping": [{"position": 1, "property": "name"}]}
    await tenant.save(goal(**position))
    await tenant.imported("1.csv", "email,name,old\na@b.example,Ann,1\n")
    run = await tenant.imported("2.csv", "bob@b.example,Bob,Builder\na@b.example,Ann,1\n")
    assert told(run, "columns_new") == [
        "Columns that files of this goal did not have before: all of them. 1 of them were ignored."
    ]


async def test_what_a_run_made_stays_and_is_told_even_where_the_run_fails(tenant: Tenant) -> None:
    await tenant.save(goal(map_all={}, create_properties=True, mapping=[]))
    run = await tenant.imported("bad.csv", 'email,extra\n"a@b.example,1\n')
    assert (run["state"], run["reason_code"]) == ("failed", "no_usable_rows")
    assert run["receipt"]["properties_created"] == ["extra"]
    async with tenant.base.database.account(tenant.account_id) as tx:
        assert (await properties.get(tx, "extra")).property.label == "extra"
