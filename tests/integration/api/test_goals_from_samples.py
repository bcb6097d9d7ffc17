"""Goals made from a sample, and samples as goals would read them."""

from typing import Any

from tests.integration.api.asking import EXPORT_GOAL, Client, set_up

FILE = {"Content-Type": "application/octet-stream"}
_TAGS, _COUNTRIES = ("red|blue", "blue|green", "red|green|blue"), ("NL", "BE")
_ROWS = [
    f" p{number}@shop.example;P {number};{28 - number}.02.2024;{_COUNTRIES[number % 2]};{_TAGS[number % 3]}\n"
    for number in range(12)
]
CONTACTS = "".join(["E-mail;Given name;Joined;Country;Tags\n", *_ROWS]).encode("cp1252")
OWN = {
    "name": "Nightly contacts",
    "source": {"pattern": {"wildcard": "contacts_*.csv"}},
    "opt_in": {"declaration": "undefined"},
}


async def _sample(client: Client, content: bytes = CONTACTS) -> Any:
    return await client.ask("POST", "/v1/samples?name=contacts.csv", 201, content=content, headers=FILE)


async def _goal(client: Client, sample: Any, status: int = 201, **more: Any) -> Any:
    path = f"/v1/connections/{(await client.ask('GET', '/v1/connections', 200))['items'][0]['id']}/goals"
    return await client.ask("POST", path, status, json={**OWN, "from_sample": sample["id"], **more})


async def _define(client: Client, sample: Any) -> None:
    for each in sample["goal"]["properties"]:
        await client.ask("POST", "/v1/properties", 201, json=each)


async def test_a_goal_is_made_from_a_sample_and_says_so(owner: Client) -> None:
    await set_up(owner)
    sample = await _sample(owner)
    assert sample["settled"], sample["findings"]["questions"]
    problem = await _goal(owner, sample, 422)
    assert {each["code"] for each in problem["errors"]} == {"unknown_property"}, "nothing is created in silence"
    await _define(owner, sample)
    made = await _goal(owner, sample)
    assert made["made_from"] == {"sample_id": sample["id"]}
    assert (made["name"], made["source"]["pattern"]["wildcard"]) == ("Nightly contacts", "contacts_*.csv")
    assert {name: made["dialect"][name] for name in ("delimiter", "dateFormat", "listDelimiter")} == {
        "delimiter": ";", "dateFormat": "DD.MM.YYYY", "listDelimiter": "|",
    }  # fmt: skip
    assert [each["field"] for each in made["identifiers"]] == ["E-mail"]
    assert [each["field"] for each in made["mapping"]] == ["Given name", "Joined", "Country", "Tags"]
    assert made["expected"]["header"] == ["E-mail", "Given name", "Joined", "Country", "Tags"]
    # A sample ends; what a goal says of it stays, and a change of the goal does not ask for it again.
    await owner.ask("DELETE", f"/v1/samples/{sample['id']}", 204)
    changed = await owner.ask(
        "PATCH", f"/v1/goals/{made['id']}", 200, json={"name": "Other"}, headers={"If-Match": "*"}
    )
    assert changed["made_from"] == {"sample_id": sample["id"]}
    await _goal(owner, sample, 404)


async def test_proposed_properties_are_made_where_the_goal_says_so_and_only_those_it_names(owner: Client) -> None:
    await set_up(owner)
    sample = await _sample(owner)
    said = {"create_properties": True, "mapping": [{"field": "Tags", "property": "tags", "rule": "add"}]}
    await _goal(owner, sample, **said)
    defined = {each["name"]: each["type"] for each in (await owner.ask("GET", "/v1/properties", 200))["items"]}
    assert defined["tags"] in ("list", "multi_choice")
    assert not {"joined", "country", "given_name"} & defined.keys()
    # The proposal is as old as the sample.
    await owner.ask("POST", "/v1/properties", 201, json={"name": "joined", "type": "text"})
    problem = await _goal(owner, sample, 422, create_properties=True)
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/mapping/1/property", "other_type")]
    assert "country" not in {each["name"] for each in (await owner.ask("GET", "/v1/properties", 200))["items"]}


async def test_what_the_client_says_stands_over_what_was_found(owner: Client) -> None:
    await set_up(owner)
    sample = await _sample(owner)
    said = {
        "dialect": {"timezone": "Europe/Amsterdam", "quoteChar": None},
        "identifiers": [{"field": "E-mail", "property": "email"}],
        "mapping": [{"field": "Given name", "property": "first_name", "rule": "set_if_empty"}],
        "mode": "create_only",
    }
    made = await _goal(owner, sample, **said)
    dialect = made["dialect"]
    assert (dialect["delimiter"], dialect["timezone"], dialect["quoteChar"]) == (";", "Europe/Amsterdam", None)
    assert [(each["property"], each["rule"]) for each in made["mapping"]] == [("first_name", "set_if_empty")]
    assert made["mode"] == "create_only"
    plain = await _sample(owner, b"E-mail;Points\nann@shop.example;1\nbob@shop.example;2\n")
    columns = ["E-mail", "Points"]
    assert plain["goal"]["expected"] == {"encoding": "utf-8", "header": columns}
    for name, dialect, expected in (
        ("a", {"encoding": "windows-1252"}, {"encoding": "cp1252", "header": columns}),
        ("b", {"encoding": "auto"}, {"encoding": None, "header": columns}),
        ("c", {"delimiter": "|", "encoding": "UTF8"}, {"encoding": "utf-8", "header": []}),
    ):
        assert (await _goal(owner, plain, name=name, mapping=[], dialect=dialect))["expected"] == expected
    own = {"encoding": "utf-16", "header": ["E-mail"]}
    made = await _goal(owner, plain, name="d", mapping=[], dialect={"encoding": "auto"}, expected=own)
    assert made["expected"] == own
    problem = await _goal(owner, sample, 422, **said, colour="red")
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [("/colour", "unknown_field")]


async def test_no_goal_is_made_of_a_sample_of_which_anything_is_open(owner: Client) -> None:
    await set_up(owner)
    sample = await _sample(owner, b"id;email;born\n1;canary@shop.example;01/02/2003\n2;b@shop.example;03/04/2005\n")
    problem = await _goal(owner, sample, 422)
    questions = sample["findings"]["questions"]
    assert problem["code"] == "questions_open"
    assert {(each["pointer"], each["code"]) for each in problem["errors"]} == {("/from_sample", "open_question")}
    assert len(problem["errors"]) == len(questions)
    assert all(each["code"] in told["detail"] for each, told in zip(questions, problem["errors"], strict=True))
    assert "canary" not in str(problem)
    broken = await _sample(owner, b"\x00" * 5000)
    assert (await _goal(owner, broken, 422))["code"] == "questions_open"


async def test_a_preview_shows_rows_before_and_after_each_processor_and_as_they_would_be_merged(owner: Client) -> None:
    await set_up(owner)
    sample = await _sample(owner, CONTACTS + b"nobody;Nobody;01.01.2024;NL;\ntoo;few\n")
    await _define(owner, await _sample(owner))
    processors = [{"kind": "trim"}, {"kind": "keep_rows", "where": {"field": "Country", "in": ["NL"]}}]
    goal = await _goal(owner, await _sample(owner), processors=processors)
    path = f"/v1/goals/{goal['id']}/preview"
    seen = await owner.ask("POST", path, 200, json={"sample_id": sample["id"], "rows": 14})
    assert seen["trouble"] is None
    assert seen["columns"] == ["E-mail", "Given name", "Joined", "Country", "Tags"]
    assert (len(seen["rows"]), seen["rows"][0]["values"][0]) == (13, " p0@shop.example")
    assert [(each["row"], each["code"]) for each in seen["unreadable"]] == [(14, "too_few_fields")]
    trim, keep = seen["steps"]
    assert (trim["kind"], len(trim["rows"]), trim["rows"][0]["values"][0]) == ("trim", 13, "p0@shop.example")
    assert (keep["kind"], len(keep["rows"]), keep["skipped"]) == ("keep_rows", 7, 6)
    assert [each["row"] for each in keep["rows"]] == [1, 3, 5, 7, 9, 11, 13]
    assert [(each["property"], each["type"]) for each in seen["mapped_columns"]][2] == ("joined", "date")
    first = seen["mapped_rows"][0]
    assert first["row"] == 1
    assert (first["values"]["joined"], first["values"]["tags"]) == ("2024-02-28", ["red", "blue"])
    assert [(each["row"], each["field"], each["code"]) for each in seen["rejects"]] == [(13, "E-mail", "not_an_email")]


async def test_a_preview_tries_changes_that_are_not_saved_and_tells_what_would_fail(owner: Client) -> None:
    made = await set_up(owner)
    sample = await _sample(owner)
    path = f"/v1/goals/{made['goal']['id']}/preview"
    seen = await owner.ask("POST", path, 200, json={"sample_id": sample["id"], "rows": 3})
    assert seen["trouble"]["code"] == "header_changed"
    assert len(seen["rows"]) == 3, "what was seen before stays"
    changes = {"identifiers": [{"field": "E-mail", "property": "email"}], "mapping": []}
    seen = await owner.ask("POST", path, 200, json={"sample_id": sample["id"], "rows": 2, "changes": changes})
    assert (seen["trouble"], [each["row"] for each in seen["mapped_rows"]]) == (None, [1, 2])
    assert await owner.ask("GET", f"/v1/goals/{made['goal']['id']}", 200) == made["goal"]
    await owner.ask("POST", path, 422, json={"sample_id": sample["id"], "changes": {"colour": "red"}})
    await owner.ask("POST", path, 422, json={"sample_id": sample["id"], "rows": 101})
    export = await owner.ask("POST", f"/v1/connections/{made['connection']['id']}/goals", 201, json=EXPORT_GOAL)
    await owner.ask("POST", f"/v1/goals/{export['id']}/preview", 409, json={"sample_id": sample["id"]})
