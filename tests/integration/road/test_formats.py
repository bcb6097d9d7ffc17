"""Files of other formats than text, and dates that the whole column tells."""

import json
from typing import Any

import pytest

from tests.integration.road.place import Tenant, goal
from tests.unit.formats.workbooks import n, packed, parts_of, sheet, t

MAPPING = [
    {"field": "name", "property": "name"},
    {"field": "points", "property": "points", "rule": "sum"},
    {"field": "born", "property": "born"},
]


def source(wildcard: str) -> dict[str, Any]:
    """Files of that name, complete when they appear."""
    return {"pattern": {"wildcard": wildcard}, "readiness": {"strategy": "rename"}}


async def test_a_sheet_is_imported_with_its_own_row_numbers(tenant: Tenant) -> None:
    await tenant.save(goal(source=source("*.xlsx"), format="xlsx", dialect={"sheetName": "People"}, mapping=MAPPING))
    people = sheet(
        [t("email"), t("name"), t("points"), t("born")],
        [t("a@b.example"), t("Ann"), n("7"), t("1999-12-31")],
        [t("b@b.example"), t("Bob"), t("many")],
        [t("c@b.example"), t("Cem"), n(str(2**53))],
    )
    content = packed(parts_of({"Notes": sheet([t("Nothing to import.")]), "People": people}))
    run = await tenant.imported("people.xlsx", content)
    assert (run["state"], run["receipt"]["created"]) == ("completed_with_rejects", 2), run["receipt"]
    assert await tenant.rejects(run) == [(3, "not_an_integer", "points")]
    assert (await tenant.profile("a@b.example"))["name"] == "Ann"


async def test_json_lines_are_imported_by_the_same_road(tenant: Tenant) -> None:
    await tenant.save(goal(source=source("*.jsonl"), format="jsonl", mapping=MAPPING))
    lines = [
        {"email": "a@b.example", "name": "Ann", "points": 9007199254740993},
        {"name": "Bob", "email": "b@b.example", "points": 2**63 - 1, "more": {"x": 1}},
        {"email": "b@b.example", "points": 1, "born": None},
    ]
    content = "\n".join(map(json.dumps, lines)) + "\nno object\n"
    run = await tenant.imported("people.jsonl", content)
    assert run["receipt"]["rejects_by_code"]["out_of_range"] == 2, run["receipt"]
    assert run["receipt"]["rejected"] == 3
    assert (await tenant.profile("a@b.example"))["points"] == 9007199254740993


async def test_a_file_of_another_type_fails_before_anything_is_written(tenant: Tenant) -> None:
    await tenant.save(goal(source=source("*.xlsx"), format="xlsx"))
    run = await tenant.imported("people.xlsx", "email,name\na@b.example,A\n")
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", "file_type_changed")


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        (("13/02/2024", "03/04/2024"), ("2024-02-13", "2024-04-03")),
        (("02/13/2024", "03/04/2024"), ("2024-02-13", "2024-03-04")),
        (("01/02/2024", "03/04/2024"), "ambiguous_dates"),
        (("13/02/2024", "02/13/2024"), "unreadable_dates"),
    ],
)
async def test_the_order_of_dates_is_told_by_the_whole_column_or_asked(
    tenant: Tenant, written: tuple[str, str], outcome: Any
) -> None:
    await tenant.save(goal(dialect={"dateFormat": "auto"}, mapping=[{"field": "born", "property": "born"}]))
    run = await tenant.imported("dates.csv", f"email,born\na@b.example,{written[0]}\nb@b.example,{written[1]}\n")
    if isinstance(outcome, str):
        assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", outcome)
        return
    found = [str((await tenant.profile(f"{name}@b.example"))["born"]) for name in "ab"]
    assert tuple(found) == outcome
    assert [each["code"] for each in run["receipt"]["warnings"]] == ["dates_found_out"]


async def test_times_that_the_clocks_skip_or_repeat_are_read_by_rule_and_counted(tenant: Tenant) -> None:
    dialect = {"dateFormat": "YYYY-MM-DD HH:mm", "timezone": "Europe/Amsterdam"}
    await tenant.save(goal(dialect=dialect, mapping=[{"field": "seen", "property": "seen"}]))
    run = await tenant.imported("clock.csv", "email,seen\na@b.example,2024-03-31 02:30\nb@b.example,2024-10-27 02:30\n")
    assert [each["code"] for each in run["receipt"]["warnings"]] == ["clock_changes"]
    found = [(await tenant.profile(f"{name}@b.example"))["seen"].isoformat() for name in "ab"]
    assert found == ["2024-03-31T01:30:00+00:00", "2024-10-27T00:30:00+00:00"]
