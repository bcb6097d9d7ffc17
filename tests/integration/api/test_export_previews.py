"""What an export would write is shown before it is saved or run: first rows, and a moment in a pattern and zone."""

from tests.integration.api.asking import EXPORT_GOAL, IMPORT_GOAL, Client, set_up


async def test_an_export_is_previewed_with_changes_that_are_not_saved(owner: Client) -> None:
    made = await set_up(owner, hosted=True)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    goal = await owner.ask("POST", path, 201, json=EXPORT_GOAL)
    preview = f"/v1/goals/{goal['id']}/preview"
    shown = await owner.ask("POST", preview, 200, json={"changes": {"dialect": {"delimiter": ";"}}})
    assert [each["text"] for each in shown["files"]] == ["E-mail;first_name\n"]
    assert (await owner.ask("GET", f"/v1/goals/{goal['id']}", 200))["dialect"]["delimiter"] == ","
    shown = await owner.ask("POST", preview, 200, json={"changes": {"columns": [{"property": "gone"}]}})
    assert (shown["files"], shown["trouble"]["code"]) == ([], "invalid_goal")
    await owner.ask("POST", preview, 422, json={"changes": IMPORT_GOAL | {"columns": None}})
    refused = await owner.ask("POST", f"/v1/goals/{made['goal']['id']}/preview", 422, json={})
    assert [each["pointer"] for each in refused["errors"]] == ["/sample_id"]


async def test_columns_that_there_are_not_are_refused_where_they_stand(owner: Client) -> None:
    made = await set_up(owner, hosted=True)
    path = f"/v1/connections/{made['connection']['id']}/goals"
    unknown = "00000000-0000-4000-8000-000000000000"
    columns = [{"property": "gone"}, {"lists": [unknown]}, {"segments": [unknown]}, {"property": "system_id"}]
    processors = [{"kind": "trim", "fields": ["first_name"]}]
    body = EXPORT_GOAL | {"columns": columns, "identifier": "first_name", "processors": processors}
    refused = await owner.ask("POST", path, 422, json=body)
    assert {each["pointer"]: each["code"] for each in refused["errors"]} == {
        "/columns/0/property": "unknown_property",
        "/columns/1/lists/0": "unknown_list",
        "/columns/2/segments/0": "unknown_segment",
        "/identifier": "not_an_identifier",
        "/processors/0": "invalid_processor",
    }
    refused = await owner.ask("POST", path, 422, json=EXPORT_GOAL | {"columns": [{"colour": "red"}]})
    assert refused["errors"][0]["pointer"] == "/columns/0"
    made_list = await owner.ask("POST", "/v1/lists", 201, json={"name": "News"})
    await owner.ask("POST", path, 201, json=EXPORT_GOAL | {"columns": [{"lists": [made_list["number"]]}]})
    in_use = await owner.ask("DELETE", f"/v1/lists/{made_list['id']}", 409, headers={"If-Match": '"1"'})
    assert in_use["code"] == "list_in_use"


async def test_a_moment_is_shown_in_a_pattern_and_a_zone(owner: Client) -> None:
    at = {"at": "2026-11-22T23:30:00.25Z"}
    assert await owner.ask("POST", "/v1/date-previews", 200, json=at) == {
        "datetime": "1795390200250",
        "date": "2026-11-22",
    }
    local = at | {"dateFormat": "DD.MM.YY HH:mm Z", "timezone": "Europe/Amsterdam"}
    assert await owner.ask("POST", "/v1/date-previews", 200, json=local) == {
        "datetime": "23.11.26 00:30 +01:00",
        "date": "22.11.26 00:00 +00:00",
    }
    for wrong, pointer in (
        ({"dateFormat": "QQ"}, "/dateFormat"),
        ({"timezone": "Mars/Olympus"}, "/timezone"),
        ({"timezone": "right/Europe/Amsterdam"}, "/timezone"),
        ({"at": "1950-01-01T00:00:00Z", "dateFormat": "DD.MM.YY"}, "/at"),
    ):
        refused = await owner.ask("POST", "/v1/date-previews", 422, json=at | wrong)
        assert [each["pointer"] for each in refused["errors"]] == [pointer]
