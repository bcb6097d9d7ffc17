"""Exports: all profiles, in a dialect, under a name of the run's own, never half-written."""

from hashlib import sha256
from typing import Any

from shared.domain.export_goal import ExportProfiles
from shared.domain.segment import Segment
from shared.runtime.export_preview import export_preview
from shared.storage import lists, segments
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
        "quoteChar": "'",
        "decimalChar": ",",
        "listDelimiter": "+",
        "dateFormat": "DD/MM/YY",
        "nullSequence": "-",
        "encoding": "utf-16",
    }
    columns = [{"property": name} for name in ("email", "balance", "tags", "born")]
    columns.append({"property": "language", "header": 'It\'s; "language"'})
    run = await tenant.exported(await tenant.save(_export(dialect=dialect, columns=columns)))
    assert (run["state"], run["receipt"]["rows_exported"]) == ("completed", 2), run["receipt"]
    text = (tenant.directory / "out" / "all.csv").read_bytes().decode("utf-16")
    assert text == (
        "email;balance;tags;born;'It''s; \"language\"'\n"
        "ann@example.com;1234,5;a+b;22/11/26;nl-BE\nbob@example.com;-;-;-;nl-BE\n"
    )


AWKWARD = (
    "email,name,points,balance,member,born,seen,tags\n"
    'ann@example.com,"a\tb\\n ""c""\\\nd",-9223372036854775808,-9999999999999999999999999999.9999999999,no,0001-01-01,'
    '0001-01-01T00:00:00Z,"x y|N\\A|""q""|NULL|a,b|{}"\n'
    "bob@example.com, é\u2028,9223372036854775807,0.0000000001,yes,9999-12-31,9999-12-31T23:59:59.999999Z,plain|z\n"
    "cas@example.com,,,,,,,\n"
)


async def test_awkward_values_come_out_as_they_went_in(tenant: Tenant) -> None:
    names = [name for name in AWKWARD.partition("\n")[0].split(",") if name != "email"]
    rules = {"tags": "add"}
    mapping = [{"field": name, "property": name, "rule": rules.get(name, "set")} for name in names]
    await tenant.save(goal(mapping=mapping))
    assert (await tenant.imported("in.csv", AWKWARD))["receipt"]["rejected"] == 0
    columns = [{"property": name} for name in ("email", *names)]
    run = await tenant.exported(await tenant.save(_export(dialect={"dateFormat": "YYYY-MM-DD"}, columns=columns)))
    assert run["state"] == "completed", run["reason_detail"]
    written = (tenant.directory / "out" / "all.csv").read_text()
    assert written == (
        AWKWARD.replace(",no,", ",false,")
        .replace(",yes,", ",true,")
        .replace("T00:00:00Z", "T00:00:00+00:00")
        .replace(".999999Z", ".999999+00:00")
    )


async def test_processors_shape_the_file_and_what_they_cannot_do_is_held_back(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "name", "property": "name"}, {"field": "points", "property": "points"}]))
    people = ("ann,Ann,1", "bob,Bob,2", "cas,Ann,3", "dan,,4", "eve,Eve,5")
    lines = ("@example.com,".join(each.split(",", 1)) for each in people)
    await tenant.imported("in.csv", "\n".join(["email,name,points", *lines, ""]))
    processors = [
        {"kind": "drop_rows", "where": {"field": "Points", "type": "number", "equals": 5}},
        {"kind": "deduplicate", "fields": ["name"], "keep": "last"},
        {"kind": "value_map", "field": "name", "values": {"Ann": "A", "Eve": "E"}},
        {"kind": "rename_columns", "columns": [{"field": "name", "to": "Initial"}]},
        {"kind": "constant", "into": "Source", "value": "us"},
    ]
    columns = [{"property": "email"}, {"property": "name"}, {"property": "points", "header": "Points"}]
    export = _export(processors=processors, columns=columns, dialect={"nullSequence": "-"})
    run = await tenant.exported(await tenant.save(export))
    assert run["state"] == "completed", run["reason_detail"]
    content = (tenant.directory / "out" / "all.csv").read_bytes()
    assert content == (b"email,Initial,Points,Source\ncas@example.com,A,3,us\ndan@example.com,-,4,us\n")
    receipt = run["receipt"]
    assert (receipt["rows_exported"], receipt["profiles_exported"]) == (2, 2)
    assert receipt["held_back"] == {"value_not_mapped": 1}
    assert receipt["left_out"] == {"duplicate": 1, "filtered": 1}
    assert receipt["files"] == [
        {"name": "out/all.csv", "rows": 2, "size_bytes": len(content), "sha256": sha256(content).hexdigest()}
    ]


async def test_columns_show_what_every_profile_has_its_lists_and_fixed_texts(tenant: Tenant) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = [await lists.create(tx, name) for name in ("News", "Trial", "Left")]
    mapping = [{"field": "name", "property": "name"}, {"field": "seen", "property": "seen"}]
    for number, each in enumerate(made[:2]):
        declared = {"declaration": "everyone"} if number else {"declaration": "unsubscribe_everyone"}
        pattern = {"wildcard": f"{number}_*.csv"}
        source = {"pattern": pattern, "readiness": {"strategy": "rename"}}
        changes = {"name": each.name, "lists": {"add_to": [each.number]}, "opt_in": declared, "source": source}
        await tenant.save(goal(mapping=mapping, **changes))
    await tenant.imported(
        "0_a.csv", "email,name,seen\nann@example.com,=1+1,2026-11-22T05:00:00.25Z\nbob@example.com,@x,\n"
    )
    await tenant.imported("1_a.csv", "email,name,seen\nbob@example.com,,\ncas@example.com,-5,\n")
    columns = [
        {"property": "system_id", "header": "=id"},
        {"property": "email"},
        {"property": "name"},
        {"property": "seen"},
        {"property": "opt_in"},
        {"property": "suppression"},
        {"lists": "all", "header": "on"},
        {"lists": [made[1].number, str(made[2].id)], "header": "some"},
        {"text": "us; $1"},
    ]
    dialect = {"delimiter": ";"}
    await tenant.exported(await tenant.save(_export(columns=columns, dialect=dialect)))
    assert (tenant.directory / "out" / "all.csv").read_text() == (
        "=id;email;name;seen;opt_in;suppression;on;some;text\n"
        '1;ann@example.com;=1+1;1795323600250;false;unsubscribed;1;;"us; $1"\n'
        '2;bob@example.com;@x;;false;unsubscribed;1|2;2;"us; $1"\n'
        '3;cas@example.com;-5;;true;;2;2;"us; $1"\n'
    )
    named = _export(columns=columns, dialect=dialect, ids_as_names=True, defuse_formulas=True)
    await tenant.exported(await tenant.save(named))
    assert (tenant.directory / "out" / "all.csv").read_text() == (
        "'=id;email;name;seen;opt_in;suppression;on;some;text\n"
        '1;ann@example.com;\'=1+1;1795323600250;false;unsubscribed;News;;"us; $1"\n'
        '2;bob@example.com;\'@x;;false;unsubscribed;News|Trial;Trial;"us; $1"\n'
        '3;cas@example.com;\'-5;;true;;Trial;Trial;"us; $1"\n'
    )


async def test_columns_show_segments_and_interactions_and_the_preview_shows_the_file(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("in.csv", "email,name\nann@example.com,Ann\nbob@example.com,Bob\n")
    async with tenant.base.database.account(tenant.account_id) as tx:
        conditions = {"Anns": {"property": "name", "equals": "Ann"}, "All": {"property": "email", "empty": False}}
        made = {
            name: (await segments.create(tx, Segment.model_validate({"name": name, "condition": condition}))).id
            for name, condition in conditions.items()
        }
        await tx.connection.execute(
            f"""INSERT INTO {tx.schema}.events (domain_group, event_type, profile_id, occurred_at, properties)
            SELECT 1, 'interaction_seen', 2, now(), jsonb_build_object('name', name)
            FROM unnest(ARRAY['popup', 'Banner', 'popup', 'ask|twice']) name"""
        )
    columns = [
        {"property": "email"},
        {"segments": "all"},
        {"segments": [str(made["Anns"])], "header": "chosen"},
        {"interactions": True},
    ]
    named = _export(columns=columns, ids_as_names=True, dialect={"listDelimiter": ";"})
    goal_id = await tenant.save(named)
    run = await tenant.exported(goal_id)
    assert run["state"] == "completed", run["reason_detail"]
    content = (tenant.directory / "out" / "all.csv").read_text()
    assert content == (
        "email,segments,chosen,interactions\n"
        "ann@example.com,All;Anns,Anns,\n"
        "bob@example.com,All,,Banner;ask|twice;popup\n"
    )
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        shown = await export_preview(tx, named, rows=5)
        (whole,) = shown.files
        assert (whole.name, whole.text, whole.columns) == ("all.csv", content, tuple(content.split("\n")[0].split(",")))
        assert whole.rows[0] == ("ann@example.com", "All;Anns", "Anns", None)
        packed = _export(columns=columns, split={"rows": 1}, packing={"compression": "gzip"})
        (first,) = (await export_preview(tx, packed, rows=1)).files
        assert first.name == "all_001.csv.gz"
        assert first.rows == (("ann@example.com", f"{made['All']}|{made['Anns']}", str(made["Anns"]), None),)
        shown = await export_preview(tx, _export(columns=columns), rows=2)
        assert shown.trouble is not None
        assert shown.trouble.code == "unwritable_value"


async def test_who_lacks_the_identifier_is_held_back_and_counted(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "number", "property": "number"}]))
    await tenant.imported("in.csv", "email,number\nann@example.com,A1\nbob@example.com,\ncas@example.com,\n")
    columns = [{"property": "number"}]
    run = await tenant.exported(await tenant.save(_export(identifier="number", columns=columns)))
    receipt = run["receipt"]
    assert (receipt["rows_exported"], receipt["profiles_exported"]) == (1, 1)
    assert receipt["held_back"] == {"no_identifier": 2}
    assert (tenant.directory / "out" / "all.csv").read_text() == "number\nA1\n"


async def test_a_fixed_name_is_replaced_and_nothing_else_is_left(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING))
    export = await tenant.save(_export())
    await tenant.exported(export)
    await tenant.imported("in.csv", FILE)
    run = await tenant.exported(export)
    assert [file.name for file in (tenant.directory / "out").iterdir()] == ["all.csv"]
    assert (tenant.directory / "out" / "all.csv").read_text().count("\n") == 3
    assert run["receipt"]["file"]["size_bytes"] == (tenant.directory / "out" / "all.csv").stat().st_size
    # Unless changes alone are asked for, each run tells everybody, whatever was told before.
    again = await tenant.exported(export)
    assert (again["receipt"]["rows_exported"], again["receipt"]["file"]) == (2, run["receipt"]["file"])


async def test_a_name_with_a_time_is_a_new_file_each_time(tenant: Tenant) -> None:
    """Within a day, whose name they would share: the one that takes it first keeps it."""
    target = {"directory": "out", "file_name": "all_{requested_at:YYYYMMDD}.csv"}
    export = await tenant.save(_export(target=target))
    names = [(await tenant.exported(export))["receipt"]["file"]["name"] for _ in range(3)]
    assert sorted(names) == sorted(f"out/{file.name}" for file in (tenant.directory / "out").iterdir())
    day = names[0].removeprefix("out/all_").removesuffix(".csv")
    assert names[1:] == [f"out/all_{day}_2.csv", f"out/all_{day}_3.csv"]


async def test_what_the_dialect_cannot_say_fails_and_leaves_no_file(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("in.csv", 'email,name\nann@example.com,"a,b"\n')
    columns = [{"property": "name"}, {"property": "email"}]
    run = await tenant.exported(await tenant.save(_export(dialect={"quoteChar": None}, columns=columns)))
    assert (run["state"], run["reason_code"]) == ("failed", "unwritable_value")
    assert not (tenant.directory / "out").exists()
