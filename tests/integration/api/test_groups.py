"""Groups: typed properties of their own, types, values that are judged, members; and that profiles know none of it."""

from typing import Any
from uuid import UUID

import pytest

from shared.storage.database import Database
from tests.integration.api.asking import IMPORT_GOAL, Client, set_up

ANY = {"If-Match": "*"}
COMPANY = {"name": "company", "label": "Company", "identifier": "code"}
PROPERTIES = {
    "code": "text", "vat": "text", "employees": "integer", "revenue": "number", "is_customer": "boolean",
    "founded": "date", "seen": "datetime", "sites": "list", "city": "text",
}  # fmt: skip  # a table
ACME = {
    "code": " DE-17 ", "employees": 12, "revenue": "10.50", "is_customer": True, "founded": "1999-12-31",
    "seen": "2026-03-01T06:00:00+01:00", "sites": ["Gent", "Gent", "Delft"],
}  # fmt: skip  # a table


@pytest.fixture
async def shop(owner: Client) -> Client:
    """An account with an import, and companies."""
    await set_up(owner)
    for name, kind in PROPERTIES.items():
        sent = {"record_type": "group", "name": name, "type": kind, "identifier": name in ("code", "vat")}
        await owner.ask("POST", "/v1/properties", 201, json=sent)
    await owner.ask("POST", "/v1/group-types", 201, json=COMPANY)
    return owner


async def _people(database: Database, account: UUID) -> list[str]:
    """Two in the default domain group, one in another."""
    async with database.account(account) as tx:
        text = f"INSERT INTO {tx.schema}.profiles (domain_group) VALUES (1), (1), (2) RETURNING id"
        return [str(row["id"]) for row in await tx.connection.fetch(text)]


async def test_properties_of_groups_never_stand_among_those_of_profiles(shop: Client) -> None:
    made = await set_up_goal_path(shop)
    for path, expected in (("", ["email", "first_name"]), ("?record_type=group", list(PROPERTIES))):
        listed = (await shop.ask("GET", f"/v1/properties{path}", 200))["items"]
        assert [each["name"] for each in listed if not each["built_in"]] == expected
    await shop.ask("GET", "/v1/properties/founded", 404)
    found = await shop.get("/v1/properties/founded?record_type=group")
    assert (found.json()["record_type"], found.json()["type"]) == ("group", "date")
    await shop.ask("PATCH", "/v1/properties/founded", 404, headers=ANY, json={"label": "x"})
    tag = {"If-Match": found.headers["ETag"]}
    changed = await shop.ask("PATCH", "/v1/properties/founded?record_type=group", 200, headers=tag, json={"label": "x"})
    assert changed["label"] == "x"
    await shop.ask("GET", "/v1/properties/language?record_type=group", 404)
    # The same name may mean two things.
    await shop.ask("POST", "/v1/properties", 201, json={"name": "city", "type": "list"})
    goals: list[tuple[dict[str, Any], str]] = [
        ({"mapping": [{"field": "F", "property": "founded"}]}, "/mapping/0/property"),
        ({"identifiers": [{"field": "C", "property": "code"}]}, "/identifiers/0/property"),
    ]
    for change, pointer in goals:
        problem = await shop.ask("POST", made, 422, json={**IMPORT_GOAL, **change})
        assert [each["pointer"] for each in problem["errors"]] == [pointer]
    export = {"kind": "export_profiles", "name": "n", "columns": [{"property": "founded"}]}
    await shop.ask("POST", made, 422, json=export)
    segment = {"name": "n", "condition": {"property": "founded", "empty": True}}
    await shop.ask("POST", "/v1/segments", 422, json=segment)
    assert (await shop.ask("GET", "/v1/profiles", 422, params={"code": "DE-17"}))["code"] == "invalid_request"
    # A goal that makes what it lacks makes a property of profiles.
    mapping = [{"field": "F", "property": "founded", "type": "text"}]
    await shop.ask("POST", made, 201, json={**IMPORT_GOAL, "mapping": mapping, "create_properties": True})
    assert (await shop.ask("GET", "/v1/properties/founded", 200))["type"] == "text"


async def set_up_goal_path(shop: Client) -> str:
    """Where goals are made."""
    (connection,) = (await shop.ask("GET", "/v1/connections", 200))["items"]
    return f"/v1/connections/{connection['id']}/goals"


async def test_a_type_says_what_names_its_groups_and_stays_while_it_is_used(shop: Client) -> None:
    for sent, code in (
        (COMPANY, "already_exists"),
        (COMPANY | {"name": "team", "identifier": "city"}, "invalid_request"),
        (COMPANY | {"name": "team", "identifier": "email"}, "invalid_request"),
        (COMPANY | {"name": "No team"}, "invalid_request"),
    ):
        assert (await shop.ask("POST", "/v1/group-types", 409 if code == "already_exists" else 422, json=sent))[
            "code"
        ] == code
    path = "/v1/group-types/company"
    before = await shop.get(path)
    changed = await shop.ask("PATCH", path, 200, json={"label": None}, headers={"If-Match": before.headers["ETag"]})
    assert changed == before.json() | {"label": "", "version": 2}
    group = await shop.ask("POST", "/v1/groups", 201, json={"type": "company", "properties": {"code": "a"}})
    assert (await shop.ask("DELETE", path, 409, headers=ANY))["code"] == "group_type_in_use"
    await shop.ask("DELETE", f"/v1/groups/{group['id']}", 204, headers=ANY)
    segment = {"name": "Businesses", "condition": {"group": {"type": "company", "identifiers": ["a"]}}}
    made = await shop.ask("POST", "/v1/segments", 201, json=segment)
    assert made["id"] in (await shop.ask("DELETE", path, 409, headers=ANY))["detail"]
    await shop.ask("DELETE", f"/v1/segments/{made['id']}", 204, headers=ANY)
    await shop.ask("DELETE", path, 204, headers=ANY)
    assert (await shop.ask("GET", "/v1/group-types", 200))["items"] == []


async def test_a_group_is_made_found_changed_and_deleted(shop: Client) -> None:
    await shop.ask("POST", "/v1/domain-groups", 201, json={"name": "outlet"})
    answer = await shop.post("/v1/groups", json={"type": "company", "properties": ACME})
    made, path = answer.json(), answer.headers["Location"]
    assert answer.status_code == 201, answer.text
    assert (made["type"], made["domain_group"], made["members"]) == ("company", "default", 0)
    assert made["properties"] == {
        "code": " DE-17 ", "vat": None, "employees": "12", "revenue": "10.5", "is_customer": True,
        "founded": "1999-12-31", "seen": "2026-03-01T05:00:00+00:00", "sites": ["Gent", "Delft"], "city": None,
    }  # fmt: skip  # a table
    taken = {"type": "company", "properties": {"code": "DE-17"}}
    assert (await shop.ask("POST", "/v1/groups", 409, json=taken))["code"] == "already_exists"
    other = await shop.ask("POST", "/v1/groups", 201, json=taken | {"domain_group": "outlet"})
    for query, expected in (
        ({"type": "company", "identifier": " DE-17", "domain_group": "default"}, [made]),
        ({"type": "company", "identifier": "DE-17"}, [made, other]),
        ({"domain_group": "outlet"}, [other]),
        ({"type": "company", "identifier": "DE-18"}, []),
    ):
        assert (await shop.ask("GET", "/v1/groups", 200, params=query))["items"] == expected
    first = await shop.ask("GET", "/v1/groups", 200, params={"limit": 1})
    second = await shop.ask("GET", "/v1/groups", 200, params={"limit": 1, "cursor": first["next_cursor"]})
    assert first["items"] + second["items"] == [made, other]
    for wrong in ({"identifier": "DE-17"}, {"type": "team"}, {"domain_group": "nothing"}):
        await shop.ask("GET", "/v1/groups", 422, params=wrong)

    tag = {"If-Match": answer.headers["ETag"]}
    changes = {"code": "DE-18", "employees": None, "city": "Gent"}
    changed = await shop.patch(path, json={"properties": changes}, headers=tag)
    assert changed.json()["properties"] == made["properties"] | changes
    await shop.ask("PATCH", path, 412, json={"properties": changes}, headers=tag)
    same = await shop.patch(path, json={"properties": changes}, headers=ANY)
    assert same.headers["ETag"] == changed.headers["ETag"], "what changes nothing is no version"
    await shop.ask("POST", "/v1/groups", 201, json=taken)
    assert (await shop.ask("PATCH", path, 409, json={"properties": {"code": "DE-17"}}, headers=ANY))[
        "code"
    ] == "already_exists"
    await shop.ask("DELETE", path, 412, headers=tag)
    await shop.ask("DELETE", path, 204, headers={"If-Match": changed.headers["ETag"]})
    for gone in (path, f"{path}/members", "/v1/groups/0", f"/v1/groups/{2**63}"):
        await shop.ask("GET", gone, 404)


async def test_values_are_judged_as_those_of_profiles(shop: Client) -> None:
    refused: list[tuple[dict[str, Any], str, str]] = [
        ({}, "/properties/code", "no_identifier"),
        ({"code": " \u00a0"}, "/properties/code", "no_identifier"),
        ({"code": "é" * 501}, "/properties/code", "identifier_too_long"),
        ({"code": "a", "size": 3}, "/properties/size", "unknown_field"),
        ({"code": "a", "employees": "twelve"}, "/properties/employees", "not_an_integer"),
        ({"code": "a", "revenue": "0.00000000001"}, "/properties/revenue", "too_precise"),
        ({"code": "a", "sites": "Gent"}, "/properties/sites", "wrong_type"),
        ({"code": "a", "city": {"x": 1}}, "/properties/city", "wrong_type"),
    ]
    for properties, pointer, code in refused:
        problem = await shop.ask("POST", "/v1/groups", 422, json={"type": "company", "properties": properties})
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [(pointer, code)]


async def test_profiles_belong_to_groups_and_segments_ask_for_it(
    shop: Client, database: Database, account: UUID
) -> None:
    await shop.ask("POST", "/v1/domain-groups", 201, json={"name": "outlet"})
    ann, bob, elsewhere = await _people(database, account)
    groups = [
        await shop.ask("POST", "/v1/groups", 201, json={"type": "company", "properties": {"code": code}})
        for code in ("a", "b")
    ]
    first, second = (f"/v1/groups/{each['id']}/members" for each in groups)
    for wrong in ([ann, elsewhere], [ann, "987654321"], [ann, "9" * 19]):
        problem = await shop.ask("POST", first, 422, json={"add": wrong})
        assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/add/1", "unknown_profile")]
    await shop.ask("POST", first, 422, json={"add": [ann], "remove": [ann]})
    assert await shop.ask("POST", first, 200, json={"add": [ann, bob, ann]}) == {"added": 2, "removed": 0}
    assert await shop.ask("POST", second, 200, json={"add": [ann]}) == {"added": 1, "removed": 0}
    assert await shop.ask("POST", first, 200, json={"add": [ann], "remove": [bob]}) == {"added": 0, "removed": 1}
    assert await shop.ask("POST", first, 200, json={"remove": [bob, elsewhere]}) == {"added": 0, "removed": 0}
    assert [each["profile_id"] for each in (await shop.ask("GET", first, 200))["items"]] == [ann]
    assert (await shop.ask("GET", f"/v1/groups/{groups[0]['id']}", 200))["members"] == 1
    belongs = (await shop.ask("GET", f"/v1/profiles/{ann}", 200))["groups"]
    assert [(each["type"], each["identifier"]) for each in belongs] == [("company", "b"), ("company", "a")]

    async def count(group: dict[str, Any]) -> int:
        name = str(group)[:300]
        made = await shop.ask("POST", "/v1/segments", 201, json={"name": name, "condition": {"group": group}})
        return int((await shop.ask("POST", f"/v1/segments/{made['id']}/count", 200))["profiles"])

    await shop.ask("POST", second, 200, json={"add": [bob]})
    assert await count({"type": "company"}) == 2
    assert await count({"type": "company", "identifiers": [" a"]}) == 1
    for gone in groups:
        await shop.ask("DELETE", f"/v1/groups/{gone['id']}", 204, headers=ANY)
    assert (await shop.ask("GET", f"/v1/profiles/{ann}", 200))["groups"] == []
    async with database.account(account) as tx:
        told = f"SELECT count(*) FROM {tx.schema}.group_members WHERE removed_at IS NOT NULL"
        assert await tx.connection.fetchval(told) == 4, "an export of what changed tells who was taken out"
