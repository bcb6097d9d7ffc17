"""Goals as they are saved: versions, what is refused with its field, and properties that a goal makes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from shared.domain.scope import Scope
from shared.storage.database import Database
from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, Client, set_up
from tests.integration.api.conftest import make_key


async def test_a_goal_comes_back_as_it_was_saved_and_every_change_is_a_version(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/goals/{made['goal']['id']}"
    answer = await owner.get(path)
    assert answer.json() == made["goal"]
    assert made["goal"]["version"] == 1
    assert made["goal"]["dialect"]["dateFormat"] == "DD.MM.YYYY"
    assert made["goal"]["source"]["readiness"]["strategy"] == "stable"
    # A property that came later, another match of a field, and one of a value.
    level = {"name": "level", "type": "single_choice", "choices": ["Gold", "Silver"]}
    await owner.ask("POST", "/v1/properties", 201, json=level)
    mapping = [
        {"field": "Given name", "property": "first_name"},
        {"field": "Level", "property": "level", "choices": {"1": "Gold"}},
    ]
    changed = {**IMPORT_GOAL, "name": "Hourly contacts", "mapping": mapping}
    await owner.ask("PUT", path, 428, json=changed)
    saved = await owner.ask("PUT", path, 200, json=changed, headers={"If-Match": answer.headers["ETag"]})
    assert (saved["version"], saved["name"]) == (2, "Hourly contacts")
    assert [(each["field"], each["property"], each["choices"]) for each in saved["mapping"]] == [
        ("Given name", "first_name", {}), ("Level", "level", {"1": "Gold"}),
    ]  # fmt: skip
    listed = await owner.ask("GET", f"/v1/connections/{made['connection']['id']}/goals", 200)
    assert listed["items"] == [saved]
    await owner.ask("DELETE", path, 412, headers={"If-Match": '"1"'})
    await owner.ask("DELETE", path, 204, headers={"If-Match": '"2"'})
    await owner.ask("GET", path, 404)


async def test_on_a_hosted_folder_the_end_of_the_upload_is_readiness(owner: Client) -> None:
    made = await set_up(owner, hosted=True)
    assert made["goal"]["source"]["readiness"]["strategy"] == "closed"


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"identifiers": [{"field": "E", "property": "mail"}]}, "/identifiers/0/property", "unknown_property"),
        (
            {"identifiers": [{"field": "E", "property": "first_name"}], "mapping": []},
            "/identifiers/0/property",
            "not_an_identifier",
        ),
        ({"mapping": [{"field": "F", "property": "first_name", "rule": "sum"}]}, "/mapping/0/rule", "rule_not_allowed"),
        (
            {"opt_in": {"declaration": "everyone", "resubscribe": "if_newer"}},
            "/opt_in/time",
            "consent_time_needed",
        ),
        ({"dialect": {"dateFormat": "DD.QQ"}}, "/dialect/dateFormat", "invalid_date_pattern"),
        ({"domain_group": "west"}, "/domain_group", "unknown_domain_group"),
        ({"frequency": "daily"}, "/frequency", "unknown_field"),
        ({"opt_in": None}, "/opt_in", "wrong_type"),
    ],
)
async def test_a_goal_that_cannot_work_is_refused_with_its_field(
    owner: Client, change: dict[str, Any], pointer: str, code: str
) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    problem = await owner.ask("POST", path, 422, json={**IMPORT_GOAL, **change})
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


async def test_opt_in_must_be_stated(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    without = {name: value for name, value in IMPORT_GOAL.items() if name != "opt_in"}
    problem = await owner.ask("POST", path, 422, json=without)
    assert problem["errors"][0] == {
        "pointer": "/opt_in",
        "code": "missing_field",
        "detail": "Field required.",
    }


async def test_goals_on_one_folder_must_agree_on_what_becomes_of_a_file(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    source = {"directory": "in", "pattern": {"wildcard": "*.csv"}, "afterwards": {"done": {"delete": True}}}
    problem = await owner.ask("POST", path, 422, json={**IMPORT_GOAL, "source": source})
    assert problem["errors"][0]["code"] == "conflicting_afterwards"
    source["pattern"] = {"wildcard": "orders_*.csv"}
    await owner.ask("POST", path, 201, json={**IMPORT_GOAL, "source": source})


async def test_an_export_needs_columns_that_exist(owner: Client) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    await owner.ask("POST", path, 201, json=EXPORT_GOAL)
    sent = {**EXPORT_GOAL, "columns": [{"property": "shoe_size"}]}
    problem = await owner.ask("POST", path, 422, json=sent)
    assert problem["errors"][0]["pointer"] == "/columns/0/property"


async def test_a_goal_lists_the_properties_that_are_missing_and_then_makes_them(
    owner: Client, connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    made = await set_up(owner)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    mapping = [{"field": "Points", "property": "points", "type": "integer"}, {"constant": "web", "property": "origin"}]
    body = IMPORT_GOAL | {"name": "Second", "mapping": mapping, "create_properties": True}
    checked = await owner.ask("POST", f"{path}/check", 200, json=body)
    expected = [{"name": "points", "type": "integer"}, {"name": "origin", "type": "text"}]
    assert checked == {"properties_to_create": expected, "file_names": []}
    without = await owner.ask("POST", f"{path}/check", 422, json=body | {"create_properties": False})
    assert [flaw["code"] for flaw in without["errors"]] == ["unknown_property"] * 2
    known = (await owner.ask("GET", "/v1/properties", 200))["items"]
    writer = connect(await make_key(database, account, frozenset({Scope.GOALS_WRITE})))
    assert (await writer.ask("POST", path, 403, json=body))["code"] == "scope_missing"
    assert (await owner.ask("GET", "/v1/properties", 200))["items"] == known
    await owner.ask("POST", path, 201, json=body)
    now = (await owner.ask("GET", "/v1/properties", 200))["items"]
    assert {(each["name"], each["type"]) for each in now[len(known) :]} == {("points", "integer"), ("origin", "text")}
