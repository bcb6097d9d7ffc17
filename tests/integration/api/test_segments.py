"""Segments: saved where their conditions fit what the account has, asked, changed, and kept while they are used."""

from typing import Any
from uuid import UUID, uuid4

from shared.domain.segment import MAX_LEAVES, MAX_WITHIN
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, Client, set_up

ANY = {"If-Match": "*"}


async def _made(client: Client, name: str, condition: dict[str, Any]) -> str:
    return str((await client.ask("POST", "/v1/segments", 201, json={"name": name, "condition": condition}))["id"])


async def _refused(client: Client, condition: Any, path: str = "/v1/segments", method: str = "POST") -> list[Any]:
    sent = {"condition": condition} if method == "PATCH" else {"name": "n", "condition": condition}
    problem = await client.ask(method, path, 422, json=sent, headers=ANY if method == "PATCH" else {})
    return [(each["pointer"], each["code"]) for each in problem["errors"]]


async def test_a_segment_is_made_found_counted_sampled_changed_and_deleted(
    owner: Client, database: Database, account: UUID
) -> None:
    await set_up(owner)
    await owner.ask("POST", "/v1/domain-groups", 201, json={"name": "outlet"})
    async with database.account(account) as tx:
        table = f"{tx.schema}.profiles (domain_group, p_first_name, p_email, opt_in)"
        for group, name, opt_in in ((1, "Ann", True), (1, "Bob", True), (1, "Ann", None), (2, "Ann", True)):
            row = f"INSERT INTO {table} VALUES ($1, $2, $3, $4)"
            await tx.connection.execute(row, group, name, f"{name}@shop.example", opt_in)
    condition = {"all": [{"property": "first_name", "equals": "ann", "ignore_case": True}, {"consent": "opted_in"}]}
    sent = {"name": " Fans ", "description": "Who likes us", "condition": condition}
    answer = await owner.post("/v1/segments", json=sent)
    made, path = answer.json(), answer.headers["Location"]
    assert (made["name"], made["description"]) == ("Fans", "Who likes us")
    assert made["condition"] == condition, "as it was sent"
    assert await owner.ask("GET", path, 200) == made
    other = await _made(owner, "Bobs", {"property": "first_name", "equals": "Bob"})
    page = await owner.ask("GET", "/v1/segments", 200, params={"limit": 1})
    rest = await owner.ask("GET", "/v1/segments", 200, params={"limit": 1, "cursor": page["next_cursor"]})
    assert ([each["id"] for each in page["items"] + rest["items"]], rest["next_cursor"]) == ([other, made["id"]], None)
    assert (await owner.ask("GET", "/v1/segments", 200, params={"name": "Fans"}))["items"] == [made]

    assert (await owner.ask("POST", f"{path}/count", 200))["profiles"] == 2
    assert (await owner.ask("POST", f"{path}/count", 200, json={"domain_group": "outlet"}))["profiles"] == 1
    sample = await owner.ask("POST", f"{path}/sample", 200, json={"limit": 1, "properties": ["first_name", "language"]})
    (one,) = sample["items"]
    assert (one["domain_group"], one["properties"]) == ("default", {"first_name": "Ann", "language": None})
    plain = await owner.ask("POST", f"{path}/sample", 200, json={"domain_group": "outlet"})
    assert [each["properties"] for each in plain["items"]] == [{"email": "Ann@shop.example"}]
    for body, pointer in (
        ({"properties": ["first_name", "age"]}, "/properties/1"),
        ({"domain_group": "x"}, "/domain_group"),
    ):
        problem = await owner.ask("POST", f"{path}/sample", 422, json=body)
        assert [each["pointer"] for each in problem["errors"]] == [pointer]

    assert (await owner.ask("PATCH", path, 409, json={"name": "Bobs"}, headers=ANY))["code"] == "already_exists"
    etag = {"If-Match": answer.headers["ETag"]}
    changed = await owner.patch(path, json={"condition": {"not": condition}, "description": None}, headers=etag)
    assert (changed.json()["description"], changed.json()["condition"]) == ("", {"not": condition})
    assert (await owner.ask("POST", f"{path}/count", 200))["profiles"] == 2
    await owner.ask("DELETE", path, 412, headers=etag)
    await owner.ask("DELETE", path, 204, headers={"If-Match": changed.headers["ETag"]})
    await owner.ask("GET", path, 404)
    await owner.ask("POST", f"{path}/count", 404)


async def test_a_condition_that_does_not_fit_the_account_is_refused_where_it_does_not(owner: Client) -> None:
    await set_up(owner)
    nothing = str(uuid4())
    condition = {
        "any": [
            {"property": "first_name", "at_least": 10},
            {"property": "last_name", "empty": True},
            {"not": {"field": "E-mail", "empty": True}},
            {"list": 99},
            {"segment": nothing},
            {"group": {"type": "company"}},
            {"event": {"type": "parade", "within_days": 3}},
        ]
    }
    assert await _refused(owner, condition) == [
        ("/condition/any/0/at_least", "invalid_comparison"),
        ("/condition/any/1/property", "unknown_property"),
        ("/condition/any/2/not/field", "not_of_profiles"),
        ("/condition/any/3/list", "unknown_list"),
        ("/condition/any/4/segment", "unknown_segment"),
        ("/condition/any/5/group/type", "unknown_group_type"),
        ("/condition/any/6/event/type", "unknown_event_type"),
    ]
    for hostile in (
        {"event": {"type": "order", "within_days": 1, "next_days": 1}},
        {"list": True},
        {"consent": "maybe"},
    ):
        assert {pointer[:10] for pointer, _ in await _refused(owner, hostile)} == {"/condition"}


async def test_a_segment_never_asks_for_itself_nor_for_too_much(owner: Client) -> None:
    leaf = {"consent": "unknown"}
    names = [await _made(owner, "0", {"any": [leaf] * 150})]
    for number in range(1, MAX_WITHIN):
        names.append(await _made(owner, str(number), {"not": {"segment": names[-1]}}))
    assert await _refused(owner, {"segment": names[-1]}) == [("/condition", "segment_too_large")]
    path = f"/v1/segments/{names[1]}"
    for inner in (names[1], names[3]):
        condition = {"all": [leaf, {"segment": inner}]}
        assert await _refused(owner, condition, path, "PATCH") == [("/condition/all/1/segment", "segment_cycle")]
    several = {"any": [{"segment": names[0]}] * (MAX_LEAVES // 150 + 1)}
    assert await _refused(owner, several) == [("/condition", "segment_too_large")]
    # What it would make of another one that asks for it counts as well: the last is now the sixth.
    deeper = {"segment": await _made(owner, "a", {"segment": await _made(owner, "b", leaf)})}
    assert await _refused(owner, deeper, path, "PATCH") == [("/condition", "segment_too_large")]


async def test_what_a_segment_or_a_goal_uses_stays(owner: Client) -> None:
    made = await set_up(owner)
    by_number = await owner.ask("POST", "/v1/lists", 201, json={"name": "a"})
    by_id = await owner.ask("POST", "/v1/lists", 201, json={"name": "b"})
    inner = await _made(owner, "inner", {"any": [{"list": by_number["number"]}, {"not": {"list": by_id["id"]}}]})
    outer = await _made(owner, "outer", {"segment": inner})
    for each in (by_number, by_id):
        problem = await owner.ask("DELETE", f"/v1/lists/{each['id']}", 409, headers=ANY)
        assert (problem["code"], inner in problem["detail"]) == ("list_in_use", True)
    problem = await owner.ask("DELETE", f"/v1/segments/{inner}", 409, headers=ANY)
    assert (problem["code"], outer in problem["detail"]) == ("segment_in_use", True)
    # Rows of a file have columns and no segments.
    goal = {**IMPORT_GOAL, "processors": [{"kind": "drop_rows", "where": {"not": {"segment": inner}}}]}
    problem = await owner.ask("POST", f"/v1/connections/{made['connection']['id']}/goals", 422, json=goal)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("/processors/0/where/not/segment", "invalid_processor")
    ]
    path = f"/v1/connections/{made['connection']['id']}/goals"
    problem = await owner.ask("POST", path, 422, json={**EXPORT_GOAL, "segment": str(uuid4())})
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/segment", "unknown_segment")]
    nothing = str(uuid4())
    asks = {"kind": "keep_rows", "where": {"not": {"segment": nothing}}}
    wrong = {"columns": [{"segments": [outer, nothing]}, {"property": "email"}], "processors": [asks]}
    problem = await owner.ask("POST", path, 422, json=EXPORT_GOAL | wrong)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("/columns/0/segments/1", "unknown_segment"),
        ("/processors/0/where/not/segment", "invalid_processor"),
    ]
    asks = {"kind": "keep_rows", "where": {"not": {"segment": outer}}}
    uses: list[dict[str, Any]] = [{"segment": outer}, {"columns": [{"segments": [outer]}]}, {"processors": [asks]}]
    for use in uses:
        goal = await owner.ask("POST", path, 201, json=EXPORT_GOAL | use)
        problem = await owner.ask("DELETE", f"/v1/segments/{outer}", 409, headers=ANY)
        assert (problem["code"], goal["id"] in problem["detail"]) == ("segment_in_use", True)
        await owner.ask("DELETE", f"/v1/goals/{goal['id']}", 204, headers=ANY)
    for gone in (f"segments/{outer}", f"segments/{inner}", f"lists/{by_id['id']}"):
        await owner.ask("DELETE", f"/v1/{gone}", 204, headers=ANY)


async def test_no_name_of_a_segment_makes_files_of_two_goals_meet(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    few, many = [await _made(owner, name, {"consent": "opted_in"}) for name in ("Few", "A many")]

    async def export(directory: str, name: str, **changes: Any) -> str:
        body = EXPORT_GOAL | {"target": {"directory": directory, "file_name": name}} | changes
        return str((await owner.ask("POST", path, 201, json=body))["id"])

    async def refused(name: str) -> list[tuple[str, str, bool]]:
        problem = await owner.ask("PATCH", f"/v1/segments/{many}", 422, json={"name": name}, headers=ANY)
        return [(each["pointer"], each["code"], one in each["detail"]) for each in problem["errors"]]

    one = await export("out", "{segment}.csv", segment=many)
    other = await export("out", "{segment}.csv", segment=few)
    await export("else", "{segment}.csv", segment=few)
    await export("out", "fixed.csv", active=False)
    # No file name can hold a colon, so that both come to the same one.
    await owner.ask("PATCH", f"/v1/segments/{few}", 200, json={"name": "Few:"}, headers=ANY)
    assert await refused("Few?") == [("/name", "same_file_name", True)]
    taking = {**IMPORT_GOAL, "name": "Taking", "source": {"directory": "out", "pattern": {"wildcard": "in_*.csv"}}}
    await owner.ask("POST", path, 201, json=taking)
    assert await refused("in_") == [("/name", "export_watched", True)]
    await owner.ask("PATCH", f"/v1/segments/{many}", 200, json={"name": "fixed"}, headers=ANY)
    await owner.ask("DELETE", f"/v1/goals/{other}", 204, headers=ANY)
    await owner.ask("PATCH", f"/v1/segments/{many}", 200, json={"name": "Few?"}, headers=ANY)


async def test_events_are_asked_for_as_they_were_told(owner: Client, database: Database, account: UUID) -> None:
    await owner.ask("POST", "/v1/properties", 201, json={"name": "email", "type": "email", "identifier": True})
    async with database.account(account) as tx:
        for name in ("ann@shop.example", "bob@shop.example"):
            row = f"INSERT INTO {tx.schema}.profiles (domain_group, p_email, k_email) VALUES (1, $1, $1)"
            await tx.connection.execute(row, name)
    says = {"stars": "integer", "price": "number", "paid": "boolean", "day": "date", "at": "datetime", "tags": "list"}
    kinds = [{"name": name, "type": kind} for name, kind in says.items()]
    await owner.ask("POST", "/v1/event-types", 201, json={"name": "review", "properties": kinds})
    told = {"stars": 5, "price": "10.50", "paid": True, "day": "2026-02-28", "at": "2026-02-28T01:00:00+01:00"}
    event = {"type": "review", "occurred_at": "2026-03-01T06:00:00Z", "properties": {**told, "tags": ["a", "b"]}}
    other = {"type": "order", "occurred_at": "2026-03-01T06:00:00Z", "properties": {"total": "3", "status": "ten"}}
    events = [
        each | {"identifiers": {"email": f"{name}@shop.example"}} for each, name in ((event, "ann"), (other, "bob"))
    ]
    assert (await owner.ask("POST", "/v1/events", 200, json={"events": events}))["created"] == 2
    wheres: list[tuple[dict[str, Any], int]] = [
        ({"property": "stars", "in": [4, 5]}, 1),
        ({"property": "price", "equals": "10.5"}, 1),
        ({"property": "price", "less": "10.5"}, 0),
        ({"property": "paid", "equals": True}, 1),
        ({"property": "day", "between": ["2026-02-28", "2026-03-01"]}, 1),
        ({"property": "at", "at_most": "2026-02-28T00:00:00Z"}, 1),
        ({"property": "tags", "contains": "b"}, 1),
        ({"property": "tags", "contains": "B", "ignore_case": True}, 1),
        ({"not": {"property": "tags", "empty": False}}, 0),
    ]
    path = ""
    for number, (where, count) in enumerate(wheres):
        path = f"/v1/segments/{await _made(owner, str(number), {'event': {'type': 'review', 'where': where}})}"
        assert (await owner.ask("POST", f"{path}/count", 200))["profiles"] == count, where
    wrong = {"any": [{"property": "stars", "equals": "*"}, {"property": "total", "empty": True}]}
    assert await _refused(owner, {"event": {"type": "review", "where": wrong}}) == [
        ("/condition/event/where/any/0/equals", "invalid_comparison"),
        ("/condition/event/where/any/1/property", "unknown_property"),
    ]
    await owner.ask("POST", "/v1/event-types", 201, json={"name": "visit"})
    visitors = await _made(owner, "Never here", {"event": {"type": "visit", "at_most": 0}})
    assert (await owner.ask("POST", f"/v1/segments/{visitors}/count", 200))["profiles"] == 2
    problem = await owner.ask("DELETE", "/v1/event-types/visit", 409, headers=ANY)
    assert (problem["code"], visitors in problem["detail"]) == ("event_type_in_use", True)
