"""515 strings that break things, as values, identifiers, names of columns, files, properties and goals.

Each comes back as it was, or is refused with a code; none is changed in silence, and none is a mistake of ours.
"""

import csv
import io
import json
import unicodedata
from typing import Any

import pytest

from shared.domain.names import shown
from shared.domain.property import MAX_PROPERTIES
from shared.domain.trimmed import TRIMMED
from tests.corpora.folder import content, needed
from tests.corpora.importing import LIMIT_SECONDS, Importing
from tests.eventually import eventually
from tests.integration.api.asking import Client
from tests.integration.road.place import Tenant

pytestmark = [needed, pytest.mark.timeout(600)]

COLUMNS = MAX_PROPERTIES - 10
IMPORTED_NAMES = 40


def strings() -> list[str]:
    found: list[str] = json.loads(content("blns", "blns.json"))
    assert len(found) > 500
    return found


def _file(*rows: object) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)  # type: ignore[arg-type]  # rows of text
    return text.getvalue().encode()


async def test_as_values_and_identifiers_they_come_back_as_they_were(importing: Importing) -> None:
    values = strings()
    for name, is_identifier in (("key", True), ("string", True), ("value", False)):
        await importing.define(name, is_identifier=is_identifier)
    await importing.define("entries", "list")
    answer = await importing.save(
        "values.csv",
        identifiers=[{"field": "n", "property": "key"}],
        mapping=[{"field": "value", "property": "value"}, {"field": "value", "property": "entries"}],
        dialect={"listDelimiter": "\x01\x02\x03\x04"},
    )
    assert answer.status_code == 201, answer.text
    answer = await importing.save(
        "identifiers.csv",
        identifiers=[{"field": "value", "property": "string"}],
        mapping=[{"field": "value", "property": "value"}],
    )
    assert answer.status_code == 201, answer.text
    run = (await importing.runs({"values.csv": _file(("n", "value"), *enumerate(values))}))["values.csv"]
    assert (run["state"], run["receipt"]["created"]) == ("completed", len(values))
    for each in await importing.all("/v1/profiles"):
        found, value = each["properties"], values[int(each["properties"]["key"])]
        assert found["value"] == (value if value.strip(TRIMMED) else None)
        # This one string has the list's delimiter in it.
        items = [part.strip(TRIMMED) for part in value.split("\x01\x02\x03\x04")]
        assert found["entries"] == ([item for item in items if item] or None)

    run = (await importing.runs({"identifiers.csv": _file(("value",), *((each,) for each in values))}))[
        "identifiers.csv"
    ]
    keys = {unicodedata.normalize("NFC", value.strip(TRIMMED)): value for value in values if value.strip(TRIMMED)}
    # A line of white space is a row without a value; a line without a character is none.
    assert run["receipt"]["rejects_by_code"] == {"no_identifier": sum(not value.strip(TRIMMED) for value in values)}
    assert run["receipt"]["profiles_affected"] == len(keys)
    for value in keys.values():
        answer = await importing.gateway.ask("GET", "/v1/profiles", 200, params={"string": value})
        assert [each["properties"]["value"] for each in answer["items"]] == [value]


async def test_as_names_of_columns_they_are_found_and_shown_as_they_were(importing: Importing) -> None:
    names = list({unicodedata.normalize("NFC", each.strip(TRIMMED)): each for each in strings()}.values())
    mapped = [name for name in names if name.strip(TRIMMED)]
    await importing.define("key", is_identifier=True)
    for number in range(COLUMNS):
        await importing.define(f"p{number}")
    files = {}
    for start in range(0, len(mapped), COLUMNS):
        chosen = mapped[start : start + COLUMNS]
        answer = await importing.save(
            f"{start}.csv",
            identifiers=[{"field": "the key", "property": "key"}],
            mapping=[{"field": name, "property": f"p{number}"} for number, name in enumerate(chosen)],
        )
        assert answer.status_code == 201, answer.text
        assert [each["field"] for each in answer.json()["mapping"]] == chosen
        files[f"{start}.csv"] = _file(["the key", *names], [start, *(f"v{n}" for n, _ in enumerate(names))])
    runs = await importing.runs(files)
    profiles = {each["properties"]["key"]: each["properties"] for each in await importing.all("/v1/profiles")}
    for start in range(0, len(mapped), COLUMNS):
        run = runs[f"{start}.csv"]
        assert (run["state"], run["receipt"]["created"]) == ("completed", 1), run
        shown = await importing.gateway.ask("GET", f"/v1/runs/{run['id']}", 200)
        assert shown["receipt"]["file"]["columns"] == ["the key", *names]
        for number, name in enumerate(mapped[start : start + COLUMNS]):
            assert profiles[str(start)][f"p{number}"] == f"v{names.index(name)}"


async def test_as_names_of_files_they_are_seen_as_they_are(tenant: Tenant, importing: Importing) -> None:
    await importing.define("key", is_identifier=True)
    answer = await importing.save("*.csv", identifiers=[{"field": "key", "property": "key"}])
    assert answer.status_code == 201, answer.text
    # The others are names that no file system has.
    possible = [each for each in dict.fromkeys(strings()) if "/" not in each and 0 < len(each.encode()) <= 240]
    names = [each for each in possible if each not in (".", "..")]
    assert len(names) > 300
    imported = [f"{name}.csv" for name in names[:: len(names) // IMPORTED_NAMES] if not name.startswith(".")]
    for number, name in enumerate([*names, *imported]):
        (tenant.directory / name).write_text(f"key\n{number}\n")

    seen: dict[str, dict[str, Any]] = {}
    runs: dict[str, dict[str, str]] = {}

    async def are_seen() -> bool:
        await importing.look()
        seen.update({each["path"]: each for each in await importing.all("/v1/arrivals")})
        runs.update({each["path"]: each for each in await importing.all("/v1/runs")})
        is_ended = all(run["state"] not in ("queued", "running") for run in runs.values())
        return len(seen) == len(names) + len(imported) and is_ended

    await eventually(are_seen, "all files to be seen and those of the goal to be imported", limit_seconds=LIMIT_SECONDS)
    assert set(seen) == {shown(name) for name in [*names, *imported]}
    assert {name: run["state"] for name, run in runs.items()} == dict.fromkeys(map(shown, imported), "completed")


async def test_as_names_of_properties_and_goals_they_are_kept_or_refused_by_code(
    importing: Importing, gateway: Client
) -> None:
    await importing.define("key", is_identifier=True)
    accepted = []
    for name in strings():
        answer = await gateway.post("/v1/properties", json={"name": name, "type": "text", "label": name})
        assert answer.status_code in (201, 422), name
        if answer.status_code == 201:
            assert (answer.json()["name"], answer.json()["label"]) == (name, name)
            accepted.append(name)
        else:
            assert answer.json()["code"] == "invalid_request"
            assert answer.json()["errors"]
    shown = {each["name"]: each["label"] for each in (await gateway.ask("GET", "/v1/properties", 200))["items"]}
    assert {name: shown[name] for name in accepted} == {name: name for name in accepted}

    for name in strings()[::5]:
        answer = await importing.save(name, identifiers=[{"field": "key", "property": "key"}])
        if answer.status_code == 201:
            found = await gateway.ask("GET", f"/v1/goals/{answer.json()['id']}", 200)
            assert (found["name"], found["source"]["pattern"]["wildcard"]) == (name, name)
        else:
            assert answer.status_code == 422, name
            assert answer.json()["errors"], name
