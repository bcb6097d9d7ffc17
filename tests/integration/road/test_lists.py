"""Imports into lists: given ones, none, and a new one for each file."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tests.integration.api.asking import IMPORT_GOAL, Client
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal
from tests.integration.road.untouched import rows_as_they_lie

MANY = 5_000
OFF = {"full_file": True, "absent": {"then": "remove_from_list"}}


@pytest_asyncio.fixture
async def gateway(tenant: Tenant) -> AsyncIterator[Client]:
    """The tenant's gateway."""
    async with gateway_of(tenant) as client:
        yield client


async def on_list(gateway: Client, list_id: str) -> list[str]:
    """E-mail addresses, or names where there are none, of who is on a list, two to a page."""
    found: list[str] = []
    cursor: dict[str, str] = {}
    while True:
        page = await gateway.ask("GET", f"/v1/lists/{list_id}/members", 200, params={"limit": 2, **cursor})
        for each in page["items"]:
            profile = await gateway.ask("GET", f"/v1/profiles/{each['profile_id']}", 200)
            assert list_id in [one["id"] for one in profile["lists"]]
            found.append(profile["properties"]["email"] or profile["properties"]["name"])
        if page["next_cursor"] is None:
            assert (await gateway.ask("GET", f"/v1/lists/{list_id}", 200))["members"] == len(found)
            return sorted(found)
        cursor = {"cursor": page["next_cursor"]}


def put(run: dict[str, Any]) -> list[tuple[str, int, int]]:
    """Of each list of a receipt: its name, who was added and who was on it already."""
    return [(each["name"], each["added"], each["already"]) for each in run["receipt"]["lists"]]


async def test_everybody_whom_a_file_names_is_put_on_the_goals_lists(tenant: Tenant, gateway: Client) -> None:
    regulars = await gateway.ask("POST", "/v1/lists", 201, json={"name": "Regulars"})
    friends = await gateway.ask("POST", "/v1/lists", 201, json={"name": "Friends"})
    mapping = [{"field": "name", "property": "name"}, {"field": "points", "property": "points"}]
    await tenant.save(goal(mapping=mapping, lists={"add_to": [friends["number"], regulars["id"]]}))
    run = await tenant.imported(
        "first.csv", "email,name,points\na@b.example,A,1\nB@B.example,B,1\na@b.example,A,2\nc@b.example,C,x\n"
    )
    assert (run["state"], put(run)) == ("completed_with_rejects", [("Regulars", 2, 0), ("Friends", 2, 0)])
    run = await tenant.imported(
        "second.csv", "email,name,points\na@b.example,A,2\nb@b.example,Bea,1\nc@b.example,C,1\nd@b.example,D,1\n"
    )
    receipt = run["receipt"]
    assert (receipt["unchanged"], receipt["updated"], receipt["created"]) == (1, 1, 2)
    assert put(run) == [("Regulars", 2, 2), ("Friends", 2, 2)]
    for one in (regulars, friends):
        assert await on_list(gateway, one["id"]) == ["a@b.example", "b@b.example", "c@b.example", "d@b.example"]


async def test_lists_are_made_and_filled_without_a_profile_being_touched(tenant: Tenant) -> None:
    people = "email,points\n" + "".join(f"p{number}@b.example,{number}\n" for number in range(MANY))
    points = [{"field": "points", "property": "points"}]
    for pattern, changes in {"in*": {}, "new*": {"lists": {"create": {"name": "{file}"}}}}.items():
        source = {"pattern": {"wildcard": pattern}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(name=pattern, source=source, mapping=points, **changes))
    await tenant.imported("in.csv", people)
    before = await rows_as_they_lie(tenant)
    for name, told in (("new_1.csv", people), ("new_2.csv", people.replace("\n", "\r\n"))):
        run = await tenant.imported(name, told)
        assert (run["receipt"]["unchanged"], put(run)) == (MANY, [(name, MANY, 0)])
    assert before == (MANY, before[1]) == await rows_as_they_lie(tenant)


async def test_who_is_skipped_is_put_on_no_list_and_who_several_identifiers_name_is(
    tenant: Tenant, gateway: Client
) -> None:
    both = [{"field": "number", "property": "number"}, {"field": "email", "property": "email"}]
    source = {"readiness": {"strategy": "rename"}}
    for name, changes in (
        ("all", {}),
        ("new", {"mode": "create_only", "identifiers": both}),
        ("known", {"mode": "update_only", "identifiers": both}),
        ("both", {"identifiers": both}),
    ):
        made = await gateway.ask("POST", "/v1/lists", 201, json={"name": name})
        source["pattern"] = {"wildcard": f"{name}_*.csv"}
        await tenant.save(goal(name=name, source=source, lists={"add_to": [made["number"]]}, **changes))
    run = await tenant.imported("all_.csv", "email,name\na@b.example,A\n")
    assert put(run) == [("all", 1, 0)]
    run = await tenant.imported("new_.csv", "number,email,name\n,a@b.example,X\n2,b@b.example,B\n2,,B2\n3,,C\n")
    assert (run["receipt"]["skipped_by_reason"], put(run)) == ({"existing": 1}, [("new", 2, 0)])
    run = await tenant.imported("known_.csv", "number,email,name\n1,a@b.example,A\n4,,D\n")
    assert (run["receipt"]["skipped_by_reason"], put(run)) == ({"unknown": 1}, [("known", 1, 0)])
    # 5 gives its first address up, 2 is found by either, and the last row is of two.
    rows = "5,e@b.example,E\n5,f@b.example,E\n,b@b.example,B\n2,,B\n3,a@b.example,?\n6,,F\n"
    run = await tenant.imported("both_.csv", f"number,email,name\n{rows}")
    assert (run["receipt"]["rejects_by_code"], put(run)) == ({"identifier_conflict": 1}, [("both", 3, 0)])
    found = (await gateway.ask("GET", "/v1/lists", 200))["items"]
    assert [await on_list(gateway, each["id"]) for each in found] == [
        ["a@b.example"],
        ["C", "b@b.example"],
        ["a@b.example"],
        ["F", "b@b.example", "f@b.example"],
    ]


async def test_whom_files_without_identifiers_or_by_our_own_number_name_is_put_on_lists(
    tenant: Tenant, gateway: Client
) -> None:
    listed = await gateway.ask("POST", "/v1/lists", 201, json={"name": "Listed"})
    lists: dict[str, Any] = {"add_to": [listed["number"]], "create": {"name": "{file}"}}
    for name, changes in (
        ("made", {"identifiers": [], "mode": "always_create"}),
        ("known", {"identifiers": [{"field": "id", "property": "system_id"}], "mode": "update_only", **OFF}),
    ):
        source = {"pattern": {"wildcard": f"{name}*.csv"}, "readiness": {"strategy": "rename"}}
        only = lists if name == "made" else {"add_to": lists["add_to"]}
        await tenant.save(goal(name=name, source=source, lists=only, **changes))
    run = await tenant.imported("made.csv", "name\nA\nB\nA\nC\n")
    assert put(run) == [("Listed", 4, 0), ("made.csv", 4, 0)]
    assert await on_list(gateway, listed["id"]) == ["A", "A", "B", "C"]
    ids = [each["profile_id"] for each in (await gateway.ask("GET", f"/v1/lists/{listed['id']}/members", 200))["items"]]
    run = await tenant.imported("known.csv", f"id,name\n{ids[0]},A\n{ids[3]},D\n987654321,?\n")
    assert (run["receipt"]["rejects_by_code"], put(run)) == ({"unknown_system_id": 1}, [("Listed", 0, 2)])
    assert run["receipt"]["absent"]["removed"] == 2
    assert await on_list(gateway, listed["id"]) == ["A", "D"]


async def test_each_file_has_a_list_of_its_own_where_the_goal_says_so(tenant: Tenant, gateway: Client) -> None:
    await gateway.ask("POST", "/v1/lists", 201, json={"name": "Of in week_1.csv"})
    await tenant.save(
        goal(
            name="Weekly",
            source={"directory": "in", "pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "rename"}},
            lists={"create": {"name": "Of in {file}"}},
        )
    )
    await tenant.save(goal(name="Daily", lists={"create": {"name": "{goal} {arrived_at:YYYY-MM-DD HH:MM}"}}))
    run = await tenant.imported("in/week_1.csv", "email,name\na@b.example,A\nb@b.example,B\n")
    assert put(run) == [("Of in week_1.csv (2)", 2, 0)]
    run = await tenant.imported("in/week_2.csv", "email,name\n")
    assert put(run) == [], "nobody would be on it"
    run = await tenant.imported("day.csv", "email,name\na@b.example,A\n")
    arrived = (await tenant.arrivals())["day.csv"]["seen_at"]
    assert put(run) == [(f"Daily {arrived:%Y-%m-%d %H:%M}", 1, 0)]
    made = (await gateway.ask("GET", "/v1/lists", 200))["items"][-1]
    assert (made["name"], made["created_by_run"]) == (put(run)[0][0], str(run["run_id"]))
    profile = (await gateway.ask("GET", "/v1/profiles", 200, params={"email": "a@b.example"}))["items"][0]
    assert [each["name"] for each in profile["lists"]] == [made["name"], "Of in week_1.csv (2)"]


async def test_a_list_that_is_named_is_there_or_is_told(tenant: Tenant, gateway: Client) -> None:
    wanted = IMPORT_GOAL | {"mapping": [], "lists": {"add_to": [77]}}
    path = f"/v1/connections/{tenant.connection_id}/goals"
    problem = await gateway.ask("POST", path, 422, json=wanted)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/lists/add_to/0", "unknown_list")]
    one = await gateway.ask("POST", "/v1/lists", 201, json={"name": "Regulars"})
    for reference in (one["id"], one["number"]):
        made = await gateway.ask("POST", path, 201, json=wanted | {"lists": {"add_to": [reference]}})
        answer = await gateway.ask("DELETE", f"/v1/lists/{one['id']}", 409, headers={"If-Match": "*"})
        assert (answer["code"], made["id"] in answer["detail"]) == ("list_in_use", True)
        await gateway.ask("DELETE", f"/v1/goals/{made['id']}", 204, headers={"If-Match": "*"})
    await gateway.ask("DELETE", f"/v1/lists/{one['id']}", 204, headers={"If-Match": "*"})
    # The run of a version that still names it.
    await tenant.save(goal(lists={"add_to": [one["id"]]}))
    run = await tenant.imported("late.csv", "email,name\na@b.example,A\n")
    assert (run["state"], run["reason_code"]) == ("failed", "list_missing")
    assert (await gateway.ask("GET", "/v1/profiles", 200))["items"] == []
