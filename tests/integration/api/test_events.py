"""Event types, messages and events: made, told, looked up; and what is refused, each event for itself."""

from typing import Any

import pytest

from tests.integration.api.asking import Client

ANY = {"If-Match": "*"}
AT = "2026-03-01T06:00:00Z"
ANN = {"email": "ann@shop.example"}


@pytest.fixture
async def shop(owner: Client) -> Client:
    """An account whose profiles have an e-mail address and a number; Ann and Bob are there."""
    for name, kind in (("email", "email"), ("customer", "text")):
        await owner.ask("POST", "/v1/properties", 201, json={"name": name, "type": kind, "identifier": True})
    return owner


@pytest.fixture
async def people(shop: Client, tools: Any, account: Any) -> dict[str, str]:
    """The ids of Ann and Bob."""
    async with tools.database.account(account) as tx:
        rows = await tx.connection.fetch(
            f"INSERT INTO {tx.schema}.profiles (domain_group, p_email, k_email, p_customer, k_customer)"
            " VALUES (1, 'Ann@shop.example', 'ann@shop.example', 'C1', 'C1'),"
            " (1, 'bob@shop.example', 'bob@shop.example', 'C2', 'C2') RETURNING id"
        )
    return {"ann": str(rows[0]["id"]), "bob": str(rows[1]["id"])}


async def _tell(shop: Client, *told: dict[str, Any]) -> list[tuple[str, str | None, str | None]]:
    """State, code and pointer of each event."""
    events = [{"type": "order", "identifiers": ANN, "occurred_at": AT} | each for each in told]
    taken = await shop.ask("POST", "/v1/events", 200, json={"events": events})
    found = [(each["state"], each["error"]) for each in taken["events"]]
    for state in ("created", "updated", "unchanged", "refused"):
        assert taken[state] == [each for each, _ in found].count(state)
    return [(state, error and error["code"], error and error["pointer"]) for state, error in found]


def _states(told: list[tuple[str, str | None, str | None]]) -> list[str]:
    return [state for state, _, _ in told]


async def test_types_are_made_grow_and_go_unless_something_relies_on_them(shop: Client, people: dict[str, str]) -> None:
    shown = (await shop.ask("GET", "/v1/event-types", 200))["items"]
    assert {each["name"] for each in shown} >= {"order", "bounced", "sms_failed", "interaction_seen"}
    assert all(each["built_in"] for each in shown)
    for method, body in (("PATCH", {"label": "x"}), ("DELETE", None)):
        await shop.ask(method, "/v1/event-types/order", 409, headers=ANY, json=body)
    for name, code in (("order", "event_type_is_built_in"), ("visit", "already_exists")):
        if name == "visit":
            made = await shop.post(
                "/v1/event-types", json={"name": name, "properties": [{"name": "n", "type": "text"}]}
            )
            assert made.status_code == 201, made.text
        assert (await shop.ask("POST", "/v1/event-types", 409, json={"name": name}))["code"] == code
    path, tag = made.headers["Location"], {"If-Match": made.headers["ETag"]}
    first, more = {"name": "n", "type": "text"}, {"name": "floor", "type": "integer"}
    for lost in ([], [{"name": "n", "type": "integer"}], [first, first]):
        await shop.ask("PATCH", path, 422, headers=tag, json={"properties": lost})
    grown = await shop.patch(path, headers=tag, json={"properties": [first, more], "label": "Visit"})
    assert [each["name"] for each in grown.json()["properties"]] == ["n", "floor"]
    await shop.ask("PATCH", path, 412, headers=tag, json={"label": "late"})
    assert _states(await _tell(shop, {"type": "visit", "properties": {"floor": 2}})) == ["created"]
    assert (await shop.ask("DELETE", path, 409, headers=ANY))["code"] == "event_type_in_use"
    other = (await shop.post("/v1/event-types", json={"name": "call"})).headers["Location"]
    await shop.ask("DELETE", other, 204, headers=ANY)
    await shop.ask("GET", other, 404)


async def test_messages_are_found_by_reference_and_made_by_the_events_that_name_them(
    shop: Client, people: dict[str, str]
) -> None:
    made = await shop.post("/v1/messages", json={"kind": "mailing", "reference": " spring ", "name": "Spring"})
    spring = made.json()
    assert (made.status_code, spring["reference"]) == (201, "spring")
    await shop.ask("POST", "/v1/messages", 409, json={"kind": "mailing", "reference": "spring"})
    told = [
        {"type": "opened", "message": {"reference": "spring"}},
        {"type": "opened", "message": {"number": spring["number"]}},
        {"type": "clicked", "message": {"reference": "summer"}},
        {"type": "sms_sent", "message": {"reference": "spring"}},
        {"type": "sms_sent", "message": {"number": spring["number"]}},
        {"type": "order", "message": {"reference": "spring"}},
        {"type": "opened", "message": {"number": 987}, "identifiers": {"email": "nobody@shop.example"}},
    ]
    assert [code for _, code, _ in await _tell(shop, *told)] == [
        None, None, None, None, "unknown_message", "message_not_allowed", "unknown_profile"
    ]  # fmt: skip
    shown = (await shop.ask("GET", "/v1/messages", 200))["items"]
    assert [(each["kind"], each["reference"]) for each in shown] == [
        ("mailing", "spring"), ("mailing", "summer"), ("sms", "spring")
    ]  # fmt: skip
    query = {"kind": "mailing", "reference": "spring"}
    assert (await shop.ask("GET", "/v1/messages", 200, params=query))["items"] == [spring]
    path = made.headers["Location"]
    changed = await shop.ask("PATCH", path, 200, headers=ANY, json={"sent_at": AT})
    assert (changed["name"], changed["sent_at"], changed["version"]) == ("Spring", AT, 2)
    of_spring = await shop.ask("GET", "/v1/events", 200, params={"message_number": spring["number"]})
    assert [each["type"] for each in of_spring["items"]] == ["opened", "opened"]


async def test_an_id_makes_the_same_event_one_event(shop: Client, people: dict[str, str]) -> None:
    order = {"id": "17", "properties": {"total": "12.50", "status": " new "}, "items": {"products": [{"sku": "A"}, {}]}}
    same = {"id": " 17", "properties": {"total": 12.5, "status": " new ", "store": None}, "items": order["items"]}
    shipped = order | {"properties": {"status": "shipped"}}
    assert _states(await _tell(shop, order)) == ["created"]
    assert _states(await _tell(shop, same, shipped, same, same)) == ["unchanged", "updated", "updated", "unchanged"]
    assert _states(await _tell(shop, {"type": "opened", "id": "17"}, {}, {})) == ["created"] * 3
    await _tell(shop, shipped | {"identifiers": {"customer": "C2"}, "occurred_at": "2026-03-02T06:00:00+01:00"})
    (shown,) = (await shop.ask("GET", "/v1/events", 200, params={"id": "17", "type": "order"}))["items"]
    assert shown["profile_id"] == people["bob"]
    assert shown["occurred_at"] == "2026-03-02T05:00:00Z"
    assert (shown["properties"], shown["items"]) == ({"status": "shipped"}, {"products": [{"sku": "A"}]})


async def test_a_profiles_events_are_shown_newest_first(shop: Client, people: dict[str, str]) -> None:
    days = [{"id": f"{day}", "occurred_at": f"2026-03-0{day}T06:00:00Z"} for day in (2, 1, 3)]
    own = {"system_id": people["ann"], "email": "ANN@SHOP.example"}
    await _tell(shop, *days, {"type": "sent", "identifiers": own}, {"identifiers": {"customer": "C2"}})
    path = f"/v1/profiles/{people['ann']}/events"
    seen, cursor = [], {}
    while cursor is not None:
        page = await shop.ask("GET", path, 200, params={"type": "order", "limit": 2} | cursor)
        seen += [each["id"] for each in page["items"]]
        cursor = {"cursor": page["next_cursor"]} if page["next_cursor"] else None
    assert seen == ["3", "2", "1"]
    period = {"since": "2026-03-02T06:00:00Z", "until": "2026-03-03T06:00:00Z"}
    for where in (path, f"/v1/events?profile_id={people['ann']}"):
        found = await shop.ask(
            "GET", where, 200, params=dict(period) | ({"profile_id": people["ann"]} if "?" in where else {})
        )
        assert [each["id"] for each in found["items"]] == ["2"]
    for nobody in ("0", "999999", str(2**63)):
        await shop.ask("GET", f"/v1/profiles/{nobody}/events", 404)


_REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "holiday"}, "unknown_event_type", "/type"),
    ({"identifiers": {"name": "Ann"}}, "not_an_identifier", "/identifiers/name"),
    ({"identifiers": ANN | {"customer": "C2"}}, "identifier_conflict", "/identifiers"),
    ({"identifiers": ANN | {"customer": "C9"}}, "unknown_profile", "/identifiers"),
    ({"identifiers": {"system_id": "9" * 30}}, "unknown_profile", "/identifiers"),
    ({"identifiers": {"system_id": "-1"}}, "unknown_profile", "/identifiers"),
    ({"identifiers": {"email": "x" * 1000}}, "unknown_profile", "/identifiers"),
    ({"properties": {"colour": "red"}}, "unknown_field", "/properties/colour"),
    ({"items": {"gifts": [{"sku": "A"}]}}, "unknown_field", "/items/gifts"),
    ({"items": {"products": [{"sku": "A"}, {"price": "1,5"}]}}, "not_a_number", "/items/products/1/price"),
    ({"properties": {"total": "1" * 29}}, "out_of_range", "/properties/total"),
    ({"properties": {"total": 1e300}}, "out_of_range", "/properties/total"),
    ({"properties": {"total": "0.12345678901"}}, "too_precise", "/properties/total"),
    ({"properties": {"total": "NaN"}}, "not_a_number", "/properties/total"),
    ({"properties": {"total": True}}, "wrong_type", "/properties/total"),
    ({"properties": {"status": {"a": [1]}}}, "wrong_type", "/properties/status"),
    ({"properties": {"status": ["a"]}}, "wrong_type", "/properties/status"),
    ({"properties": {"status": 7}}, "wrong_type", "/properties/status"),
    ({"type": "bounced", "properties": {"kind": "softish"}}, "unknown_choice", "/properties/kind"),
    ({"type": "clicked", "properties": {"url": "javascript:alert(1)"}}, "not_a_url", "/properties/url"),
    ({"type": "sms_sent", "properties": {"parts": 2.5}}, "not_an_integer", "/properties/parts"),
    ({"type": "sms_sent", "properties": {"parts": str(2**63)}}, "out_of_range", "/properties/parts"),
]


async def test_each_event_is_refused_for_itself(shop: Client, people: dict[str, str]) -> None:
    told = [event for event, _, _ in _REFUSED]
    expected = [("refused", code, f"/events/{place}{at}") for place, (_, code, at) in enumerate(_REFUSED)]
    assert await _tell(shop, *told, {"id": "good"}) == [*expected, ("created", None, None)]
    assert len((await shop.ask("GET", "/v1/events", 200))["items"]) == 1


async def test_values_of_every_type_come_back_exactly(shop: Client, people: dict[str, str]) -> None:
    said = {
        "text": " as it stands ", "integer": 9_007_199_254_740_993, "number": "1234567890123456789012345678.0123456789",
        "boolean": "No", "date": "2024-02-29", "datetime": "2024-02-29T23:30:00.250+01:00", "email": "Ann@Shop.example",
        "phone": "+31 20 624 1111", "url": "https://shop.example/?a=1", "single_choice": "b",
        "multi_choice": ["b", "a", "b"], "list": [" x|y ", "", "é"],
    }  # fmt: skip
    properties = [
        {"name": f"a_{kind}", "type": kind} | ({"choices": ["a", "b"]} if "choice" in kind else {}) for kind in said
    ]
    await shop.ask("POST", "/v1/event-types", 201, json={"name": "all", "properties": properties})
    told = {"type": "all", "properties": {f"a_{kind}": value for kind, value in said.items()}}
    assert _states(await _tell(shop, told)) == ["created"]
    (shown,) = (await shop.ask("GET", "/v1/events", 200, params={"type": "all"}))["items"]
    assert {name.removeprefix("a_"): value for name, value in shown["properties"].items()} == said | {
        "integer": "9007199254740993", "boolean": False, "datetime": "2024-02-29T22:30:00.25+00:00",
        "phone": "+31206241111", "multi_choice": ["b", "a"], "list": ["x|y", "é"],
    }  # fmt: skip


_NO_EVENTS: list[dict[str, Any]] = [
    {"occurred_at": "yesterday"}, {"occurred_at": 1}, {"occurred_at": "10000-01-01T00:00:00Z"}, {"id": ""},
    {"id": " "}, {"id": "é" * 501}, {"identifiers": {}}, {"message": {}}, {"type": ""}, {"colour": "red"},
    {"message": {"number": 1, "reference": "a"}}, {"properties": {"status": "a\0b"}},
    {"items": {"products": [{}] * 1001}},
]  # fmt: skip


async def test_what_is_no_event_refuses_the_request(shop: Client, people: dict[str, str]) -> None:
    event = {"type": "order", "identifiers": ANN, "occurred_at": AT}
    for broken in _NO_EVENTS:
        await shop.ask("POST", "/v1/events", 422, json={"events": [event, event | broken]})
    deep: Any = "x"
    for _ in range(70):
        deep = [deep]
    problem = await shop.ask("POST", "/v1/events", 422, json={"events": [event | {"properties": {"status": deep}}]})
    assert problem["errors"][0]["code"] == "nested_too_deep"
    assert (await shop.ask("GET", "/v1/events", 200))["items"] == []


async def test_a_batch_is_bounded(shop: Client, people: dict[str, str]) -> None:
    event = {"type": "order", "identifiers": ANN, "occurred_at": AT}
    thousand = [event | {"id": str(number)} for number in range(1000)]
    await shop.ask("POST", "/v1/events", 422, json={"events": [*thousand, event]})
    await shop.ask("POST", "/v1/events", 422, json={"events": []})
    assert (await shop.ask("POST", "/v1/events", 200, json={"events": thousand}))["created"] == 1000
    long = event | {"properties": {"status": "x" * 1024 * 1024}}
    await shop.ask("POST", "/v1/events", 413, json={"events": [long]})


async def test_what_events_say_of_suppression_reaches_the_profile(shop: Client, people: dict[str, str]) -> None:
    hard = {"type": "bounced", "id": "1", "properties": {"kind": "hard"}}
    await _tell(shop, hard, {"type": "bounced", "identifiers": {"customer": "C2"}})
    path = f"/v1/profiles/{people['ann']}"
    shown = await shop.ask("GET", path, 200)
    assert (shown["opt_in"], shown["suppression"]) == (None, {"reason": "bounced", "at": AT})
    assert (await shop.ask("GET", f"/v1/profiles/{people['bob']}", 200))["suppression"] is None
    await _tell(shop, {"type": "unsubscribed"}, hard)
    shown = await shop.ask("GET", path, 200)
    assert (shown["opt_in"], shown["consent"]) == (False, {"at": AT, "source": "api"})
    assert shown["suppression"]["reason"] == "unsubscribed"


IMPORT: dict[str, Any] = {
    "kind": "import_events",
    "name": "Visits",
    "source": {"pattern": {"wildcard": "*.csv"}},
    "identifiers": [{"field": "E-mail", "property": "email"}],
    "event": {
        "type": "visit",
        "id": {"field": "Id"},
        "occurred_at": {"field": "At"},
        "mapping": [{"field": "Seats", "property": "seats"}],
    },
}
_FLAWS: list[tuple[dict[str, Any], str, str]] = [
    ({"type": "holiday"}, "unknown_event_type", "/event/type"),
    ({"type": {"field": "What", "types": {"a": "visit", "b": "holiday"}}}, "unknown_event_type", "/event/type/types"),
    ({"message": {"field": "Mailing"}}, "message_not_allowed", "/event/message"),
    ({"occurred_at": {"field": "At", "dateFormat": "YY"}}, "invalid_date_pattern", "/event/occurred_at/dateFormat"),
    ({"mapping": [{"field": "a", "property": "rows"}]}, "unknown_property", "/event/mapping/0/property"),
    ({"mapping": [{"constant": "x", "property": "seats"}]}, "invalid_constant", "/event/mapping/0/constant"),
    (
        {"items": [{"kind": "guests", "mapping": [{"field": "a", "property": "b"}]}]},
        "unknown_property",
        "/event/items/0/mapping/0/property",
    ),
    (
        {"type": {"field": "What", "types": {"a": "visit", "b": "sms_sent", "c": "other"}}},
        "other_type",
        "/event/mapping/0/property",
    ),
]
_NO_GOALS: list[dict[str, Any]] = [
    {"id": None, "items": [{"kind": "guests", "mapping": [{"field": "a", "property": "b"}]}]},
    {"mapping": [{"field": "a", "property": "seats"}, {"field": "b", "property": "seats"}]},
    {"mapping": [{"field": "a", "constant": "1", "property": "seats"}]},
    {"mapping": [{"field": "a", "property": "seats", "rule": "sum"}]},
    {"type": {"field": "What", "types": {}}},
]


async def test_an_import_of_events_is_a_goal_that_fits_its_event_types(shop: Client) -> None:
    connection = {
        "name": "Partner",
        "place": {"transport": "sftp", "host": "files.partner.example", "username": "shop"},
    }
    path = f"/v1/connections/{(await shop.ask('POST', '/v1/connections', 201, json=connection))['id']}/goals"
    for name, kind in (("visit", "integer"), ("other", "text")):
        await shop.ask(
            "POST", "/v1/event-types", 201, json={"name": name, "properties": [{"name": "seats", "type": kind}]}
        )
    for event, code, pointer in _FLAWS:
        problem = await shop.ask("POST", path, 422, json=IMPORT | {"event": IMPORT["event"] | event})
        assert [(each["code"], each["pointer"]) for each in problem["errors"]] == [(code, pointer)]
    for event in _NO_GOALS:
        await shop.ask("POST", path, 422, json=IMPORT | {"event": IMPORT["event"] | event})
    for more in ({"identifiers": []}, {"identifiers": [{"field": "a", "property": "first"}]}, {"mode": "upsert"}):
        await shop.ask("POST", path, 422, json=IMPORT | more)
    made = await shop.post(path, json=IMPORT)
    assert made.status_code == 201, made.text
    shown = made.json()
    assert {**IMPORT["event"], "message": None, "items": []}.keys() == shown["event"].keys()
    changed = await shop.ask("PATCH", f"/v1/goals/{shown['id']}", 200, headers=ANY, json={"event": {"id": None}})
    assert (changed["version"], changed["event"]["id"], changed["event"]["type"]) == (2, None, "visit")
    assert (await shop.ask("GET", path, 200, params={"kind": "import_events"}))["items"] == [changed]
    assert (await shop.ask("DELETE", "/v1/event-types/visit", 409, headers=ANY))["code"] == "event_type_in_use"
    by_column = {"type": {"field": "What", "types": {"v": "visit", "c": "visit"}}}
    await shop.ask("PATCH", f"/v1/goals/{shown['id']}", 200, headers=ANY, json={"event": by_column})
    await shop.ask("DELETE", "/v1/event-types/visit", 409, headers=ANY)
    await shop.ask("DELETE", f"/v1/goals/{shown['id']}", 204, headers=ANY)
    await shop.ask("DELETE", "/v1/event-types/visit", 204, headers=ANY)
