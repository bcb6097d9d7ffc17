"""Rejects that come back: what was mended is imported, once, and its run is linked to the one that had rejected it."""

from typing import Any
from uuid import UUID, uuid4

from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal
from tests.unit.formats.workbooks import t, workbook

MAPPING = [{"field": "p", "property": "points", "rule": "sum"}]
OURS = "_row,_code,_field,_message,_run"


async def rejects_file(tenant: Tenant, run: dict[str, Any], name: str = "rejects.csv") -> str:
    async with gateway_of(tenant) as gateway:
        answer = await gateway.get(f"/v1/runs/{run['run_id']}/{name}")
    return answer.content.decode()


def told(run: dict[str, Any]) -> list[str]:
    return [each["code"] for each in run["receipt"]["warnings"]]


async def test_mended_rows_alone_are_imported_and_their_run_is_linked_to_its_parent(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING))
    first = await tenant.imported("first.csv", "email,p\na@b.example,7\nb@b.example,many\n")
    as_it_was = await rejects_file(tenant, first)
    second = await tenant.imported("second.csv", as_it_was)
    assert (second["receipt"]["rejected"], second["parent_run_id"], told(second)) == (1, first["run_id"], [])
    again = await rejects_file(tenant, second)
    assert again.splitlines()[0] == f"email,p,{OURS}"
    assert again.splitlines()[1].endswith(str(second["run_id"]))
    third = await tenant.imported("third.csv", as_it_was.replace("many,", "5,"))
    assert (third["state"], third["receipt"]["rows_read"], third["receipt"]["mends"]) == (
        "completed",
        1,
        str(first["run_id"]),
    )
    assert told(third) == []
    assert [(await tenant.profile(f"{name}@b.example"))["points"] for name in "ab"] == [7, 5]
    fourth = await tenant.imported("fourth.csv", as_it_was.replace("many,", "6,"))
    assert (told(fourth), (await tenant.profile("b@b.example"))["points"]) == (["mended_before"], 11)
    async with gateway_of(tenant) as gateway:
        parent = await gateway.ask("GET", f"/v1/runs/{first['run_id']}", 200)
        child = await gateway.ask("GET", f"/v1/runs/{third['run_id']}", 200)
    assert (parent["mends"], parent["mended_by"]) == (None, [str(run["run_id"]) for run in (second, third, fourth)])
    assert (child["mends"], child["mended_by"]) == (str(first["run_id"]), [])


async def test_what_names_no_run_of_the_goal_or_several_is_linked_to_none_and_imported(tenant: Tenant) -> None:
    other = {"pattern": {"wildcard": "*.txt"}, "readiness": {"strategy": "rename"}}
    await tenant.save(goal(mapping=MAPPING))
    await tenant.save(goal(name="Other", mapping=MAPPING, source=other))
    runs = [await tenant.imported(name, "email,p\na@b.example,x\n") for name in ("1.csv", "1.txt")]
    runs.append(await tenant.imported("2.csv", "email,p\nb@b.example,y\n"))
    mine, foreign, also_mine = (str(run["run_id"]) for run in runs)
    cases = [
        ([foreign], None, ["mends_unknown_run"]),
        ([str(uuid4()), "x" * 50, ""], None, ["mends_unknown_run"]),
        ([mine, also_mine], None, ["mends_several_runs"]),
        ([mine, foreign, "\N{SNOWMAN}"], mine, []),
    ]
    for number, (named, parent, warnings) in enumerate(cases):
        rows = "".join(f"n{number}{place}@b.example,1,,,,,{run}\n" for place, run in enumerate(named))
        run = await tenant.imported(f"case{number}.csv", f"email,p,{OURS}\n{rows}")
        assert (run["state"], run["receipt"]["created"], told(run)) == ("completed", len(named), warnings)
        assert run["parent_run_id"] == (parent and UUID(parent))


async def test_rejects_without_a_header_come_back_too(tenant: Tenant) -> None:
    identifiers = [{"position": 0, "property": "email"}]
    mapping = [{"position": 1, "property": "points", "rule": "sum"}]
    await tenant.save(goal(dialect={"header": False}, identifiers=identifiers, mapping=mapping))
    first = await tenant.imported("first.csv", "a@b.example,7\nb@b.example,many\nc@b.example,more\n")
    content = await rejects_file(tenant, first)
    second = await tenant.imported("second.csv", content.replace("many,", "5,"))
    assert (second["parent_run_id"], second["receipt"]["created"], told(second)) == (first["run_id"], 1, [])
    again = await rejects_file(tenant, second)
    assert again == content.splitlines(keepends=True)[1].replace(str(first["run_id"]), str(second["run_id"])).replace(
        ",3,", ",2,"
    )


async def test_neither_a_file_nor_its_mended_rejects_are_imported_twice_because_others_came_between(
    tenant: Tenant,
) -> None:
    await tenant.save(goal(mapping=MAPPING))
    file = "email,p\na@b.example,7\nb@b.example,many\n"
    first = await tenant.imported("first.csv", file)
    mended = (await rejects_file(tenant, first)).replace("many,", "5,")
    assert (await tenant.imported("mended.csv", mended))["state"] == "completed"
    again = await tenant.imported("again.csv", file)
    assert (again["state"], again["reason_code"]) == ("waiting", "duplicate_content")
    assert (await tenant.imported("other.csv", "email,p\nc@b.example,1\n"))["state"] == "completed"
    mended_again = await tenant.imported("mended_again.csv", mended)
    assert (mended_again["state"], mended_again["reason_code"]) == ("waiting", "duplicate_content")
    assert [(await tenant.profile(f"{name}@b.example"))["points"] for name in "abc"] == [7, 5, 1]


async def test_what_a_mended_file_does_not_say_clears_nothing(tenant: Tenant) -> None:
    mapping = [
        {"field": "p", "property": "points", "on_bad_value": "reject_value"},
        {"field": "b", "property": "born", "on_bad_value": "reject_value", "empty_allowed": False},
        {"field": "m", "property": "member"},
        {"field": "n", "property": "name"},
    ]
    await tenant.save(goal(mapping=mapping, default_rule="set_or_clear"))
    rows = "a@b.example,7,x,true,Ann\nb@b.example,many,2000-01-01,true,Bob\nc@b.example,1,2001-01-01,maybe,Cem\n"
    first = await tenant.imported("first.csv", f"email,p,b,m,n\n{rows}c@b.example,1,2001-01-01,no,Cem\n")
    assert first["receipt"]["values_rejected_by_code"] == {"not_a_date": 1, "not_an_integer": 1}
    values = await rejects_file(tenant, first, "value-rejects.csv")
    assert values.splitlines()[0] == "email,p,b,_row,_code,_field,_message,_values_of_run"
    second = await tenant.imported("values.csv", values.replace(",x,", ",1999-12-31,").replace(",many,", ",5,"))
    assert (second["state"], second["parent_run_id"], told(second)) == ("completed", first["run_id"], [])
    assert second["receipt"]["values_rejected_by_code"] == {}
    found = [await tenant.profile(f"{name}@b.example") for name in "ab"]
    assert [(each["points"], str(each["born"]), each["name"]) for each in found] == [
        (7, "1999-12-31", "Ann"),
        (5, "2000-01-01", "Bob"),
    ]
    # A whole row says what it says, but for a column that somebody took out.
    rows = (await rejects_file(tenant, first)).replace(",1,2001-01-01,maybe,Cem,", ",,2001-01-01,yes,")
    third = await tenant.imported("rows.csv", rows.replace("m,n,", "m,"))
    assert (third["state"], third["parent_run_id"]) == ("completed", first["run_id"])
    cem = await tenant.profile("c@b.example")
    assert (cem["points"], cem["member"], cem["name"]) == (None, True, "Cem")


async def test_rejects_of_workbooks_and_json_come_back_by_the_same_way(tenant: Tenant) -> None:
    mapping = [{"field": "p", "property": "points", "on_bad_value": "reject_value"}, {"field": "t", "property": "tags"}]
    for kind in ("xlsx", "jsonl"):
        source = {"pattern": {"wildcard": f"*.{kind}"}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(name=kind, source=source, format=kind, mapping=mapping))
    sheet = workbook([t("email"), t("p"), t("t")], [t("a@b.example"), t("many"), t("x|y")])
    first = await tenant.imported("first.xlsx", sheet)
    values = await rejects_file(tenant, first, "value-rejects.csv")
    again = await tenant.imported("values.xlsx", values.replace("many", "5"))
    assert (again["state"], again["parent_run_id"]) == ("completed", first["run_id"]), again["receipt"]
    first = await tenant.imported("first.jsonl", '{"p":1,"email":["b@b.example", []],"t":["x","y"]}\n')
    rows = await rejects_file(tenant, first)
    # What cannot be told of a row stands behind it as a field too many, until somebody has looked at it.
    assert rows.splitlines()[1].endswith(f"{first['run_id']},")
    mended = rows.replace('"[""b@b.example"",[]]"', "b@b.example").replace(f"{first['run_id']},", str(first["run_id"]))
    again = await tenant.imported("mended.jsonl", mended)
    assert (again["state"], again["parent_run_id"]) == ("completed", first["run_id"]), again["receipt"]
    found = [await tenant.profile(f"{name}@b.example") for name in "ab"]
    assert [(each["points"], each["tags"]) for each in found] == [(5, ["x", "y"]), (1, ["x", "y"])]
