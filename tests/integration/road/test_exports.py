"""Exports: all profiles, in a dialect, under a name of the run's own, never half-written."""

from typing import Any

from shared.domain.export_goal import ExportProfiles
from tests.integration.road.place import Tenant, goal


def _export(**changes: Any) -> ExportProfiles:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": "All",
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": [{"property": "email", "header": "E-mail"}, {"property": "balance"}, {"property": "tags"}],
    }
    return ExportProfiles.model_validate({**plain, **changes})


MAPPING = [
    {"field": "balance", "property": "balance"},
    {"field": "tags", "property": "tags", "rule": "add"},
    {"field": "born", "property": "born"},
]
FILE = "email,balance,tags,born\nann@example.com,1234.50,a|b,2026-11-22\nbob@example.com,,,\n"


async def test_profiles_are_written_in_the_goals_dialect(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING, language={"fixed": "nl-be"}))
    await tenant.imported("in.csv", FILE)
    dialect = {
        "delimiter": ";",
        "decimalChar": ",",
        "listDelimiter": "+",
        "dateFormat": "DD/MM/YY",
        "nullSequence": "-",
        "encoding": "utf-16",
    }
    columns = [{"property": name} for name in ("email", "balance", "tags", "born", "language")]
    run = await tenant.exported(await tenant.save(_export(dialect=dialect, columns=columns)))
    assert (run["state"], run["receipt"]["rows_exported"]) == ("completed", 2), run["receipt"]
    text = (tenant.directory / "out" / "all.csv").read_bytes().decode("utf-16")
    assert text == (
        "email;balance;tags;born;language\nann@example.com;1234,5;a+b;22/11/26;nl-BE\nbob@example.com;-;-;-;nl-BE\n"
    )


async def test_a_fixed_name_is_replaced_and_nothing_else_is_left(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING))
    export = await tenant.save(_export())
    await tenant.exported(export)
    await tenant.imported("in.csv", FILE)
    run = await tenant.exported(export)
    assert [file.name for file in (tenant.directory / "out").iterdir()] == ["all.csv"]
    assert (tenant.directory / "out" / "all.csv").read_text().count("\n") == 3
    assert run["receipt"]["file"]["size_bytes"] == (tenant.directory / "out" / "all.csv").stat().st_size


async def test_a_name_with_a_time_is_a_new_file_each_time(tenant: Tenant) -> None:
    target = {"directory": "out", "file_name": "all_{requested_at:YYYY-MM-DDTHHmmssSSS}.csv"}
    export = await tenant.save(_export(target=target))
    names = [(await tenant.exported(export))["receipt"]["file"]["name"] for _ in range(2)]
    assert sorted(names) == sorted(f"out/{file.name}" for file in (tenant.directory / "out").iterdir())
    assert len(set(names)) == 2


async def test_what_the_dialect_cannot_say_fails_and_leaves_no_file(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("in.csv", 'email,name\nann@example.com,"a,b"\n')
    columns = [{"property": "name"}, {"property": "email"}]
    run = await tenant.exported(await tenant.save(_export(dialect={"quoteChar": None}, columns=columns)))
    assert (run["state"], run["reason_code"]) == ("failed", "unwritable_value")
    assert not (tenant.directory / "out").exists()
