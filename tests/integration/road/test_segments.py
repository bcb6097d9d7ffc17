"""Segments on the road of an export: who is in one is written, and nobody else."""

from typing import Any

from shared.domain.export_goal import ExportProfiles
from shared.runtime.export_preview import export_preview
from shared.storage import decisions, segments
from tests.integration.road.place import Tenant, goal

FILE = "email,name,points\nann@example.com,Ann,1\nbob@example.com,Bob,2\ncas@example.com,,3\n"
MAPPING = [{"field": "name", "property": "name"}, {"field": "points", "property": "points"}]


def _export(**changes: Any) -> ExportProfiles:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": "Some",
        "target": {"directory": "out", "file_name": "some.csv"},
        "columns": [{"property": "email"}],
    }
    return ExportProfiles.model_validate({**plain, **changes})


async def test_segments_are_shown_and_choose_rows(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING))
    await tenant.imported("in.csv", FILE)
    few = await tenant.segment({"property": "points", "at_most": 2}, "Few")
    nameless = await tenant.segment({"not": {"property": "name", "empty": False}}, "A nameless")
    await tenant.segment({"property": "system_id", "less": 1}, "Nobody")
    columns = [
        {"property": "email"},
        {"segments": "all"},
        {"segments": [str(few)], "header": "few"},
        {"property": "name"},
    ]
    both = {"any": [{"segment": str(nameless)}, {"all": [{"segment": str(few)}, {"field": "name", "equals": "B."}]}]}
    processors = [
        {"kind": "replace_matching", "field": "name", "expression": "^(.).*$", "with": "$1."},
        {"kind": "drop_columns", "fields": ["email"]},
        {"kind": "keep_rows", "where": both},
    ]
    expected = {
        False: f"segments,few,name\n{few},{few},B.\n{nameless},,\n",
        True: "segments,few,name\nFew,Few,B.\nA nameless,,\n",
    }
    for by_name, text in expected.items():
        changes = {"ids_as_names": by_name, "columns": columns, "processors": processors}
        run = await tenant.exported(await tenant.save(_export(**changes)))
        assert run["state"] == "completed", run["reason_detail"]
        assert run["receipt"]["left_out"] == {"filtered": 1}
        assert (tenant.directory / "out" / "some.csv").read_text() == text


async def test_the_profiles_of_a_segment_are_exported(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING, lists={"create": {"name": "{file}"}}))
    await tenant.imported("in.csv", FILE)
    fans = await tenant.segment({"all": [{"list": 1}, {"property": "points", "at_least": 2}]}, "Fans")
    await tenant.imported("others.csv", "email,points\neve@example.com,9\n")
    nameless = await tenant.segment({"all": [{"segment": str(fans)}, {"not": {"property": "name", "equals": "Bob"}}]})
    for segment, expected in ((fans, ["bob@example.com", "cas@example.com"]), (nameless, ["cas@example.com"])):
        run = await tenant.exported(await tenant.save(_export(segment=segment)))
        assert (run["state"], run["receipt"]["rows_exported"]) == ("completed", len(expected)), run["reason_detail"]
        assert (tenant.directory / "out" / "some.csv").read_text().splitlines() == ["email", *expected]


async def test_a_file_is_named_after_its_segment_as_the_run_found_it(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING))
    await tenant.imported("in.csv", 'email,name,points\nann@example.com,"A,B",1\n')
    few = await tenant.segment({"property": "points", "at_most": 2}, "../Few: {all}")
    target = {"directory": "out", "file_name": "{segment}_{requested_at:YYYYMMDDHHmmssSSS}.csv"}
    plain = {"segment": few, "target": target, "columns": [{"property": "name"}], "dialect": {"quoteChar": None}}
    export = await tenant.save(_export(**plain))
    run = await tenant.exported(export)
    assert (run["state"], run["reason_code"]) == ("failed", "unwritable_value")
    # A repeat of the run has the run's name, whatever the segment is called by then; another run has the new one.
    await tenant.imported("in.csv", "email,name,points\nann@example.com,AB,1\n")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await segments.begin_saving(tx)
        held = await segments.lock(tx, few)
        await segments.change(tx, held, held.segment.model_copy(update={"name": "Many"}))
        await decisions.retry(tx, run["run_id"])
    await tenant.ended(lambda each: each["run_id"] == run["run_id"] and each["state"] == "completed")
    again = await tenant.exported(export)
    names = sorted(file.name for file in (tenant.directory / "out").iterdir())
    assert f"out/{names[0]}" == again["receipt"]["file"]["name"]
    assert [name.rpartition("_")[0] for name in names] == ["Many", "___Few_ _all_"]
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        (shown,) = (await export_preview(tx, _export(**plain), rows=1)).files
    assert shown.name.startswith("Many_")
