"""What a file comes to: how it is written, packed, named and marked."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.integration.road.place import Tenant, goal, packed


async def test_values_of_every_type_arrive_exactly(tenant: Tenant) -> None:
    mapping: list[dict[str, Any]] = [
        {"field": name, "property": name} for name in ("name", "points", "balance", "member", "born", "tags")
    ]
    mapping.append({"field": "seen", "property": "seen", "dateFormat": "DD.MM.YYYY HH:mm"})
    dialect = {
        "delimiter": ";",
        "decimalChar": ",",
        "groupChar": ".",
        "listDelimiter": "|",
        "dateFormat": "DD.MM.YY",
        "timezone": "Europe/Amsterdam",
        "nullSequence": ["NULL"],
    }
    await tenant.save(goal(mapping=mapping, dialect=dialect))
    run = await tenant.imported(
        "all.csv",
        "email;name;points;balance;member;born;seen;tags\r\n"
        ' Ann@Example.com ;"Ann; ""the first""";-9223372036854775808;1.234,5678901234;yes;29.02.68;'
        "01.07.2026 12:30;a|b|a\r\n"
        "bob@example.com;NULL;;;;01.01.69;;\r\n",
    )
    assert run["state"] == "completed", run["receipt"]
    ann = await tenant.profile("ann@example.com")
    assert ann == {
        "email": "Ann@Example.com",
        "number": None,
        "name": 'Ann; "the first"',
        "points": -(2**63),
        "balance": Decimal("1234.5678901234"),
        "member": True,
        "born": date(2068, 2, 29),
        "seen": datetime(2026, 7, 1, 10, 30, tzinfo=UTC),
        "tags": ["a", "b"],
    }
    bob = await tenant.profile("bob@example.com")
    assert bob["name"] is None
    assert bob["born"] == date(1969, 1, 1)


@pytest.mark.parametrize(
    ("changes", "content"),
    [
        ({}, "email,name\nann@example.com,Änn\n"),
        ({}, "\ufeffemail,name\nann@example.com,Änn\n"),
        ({}, packed("email,name\nann@example.com,Änn\n")),
        ({"dialect": {"encoding": "cp1252"}}, "email,name\nann@example.com,Änn\n".encode("cp1252")),
        ({"dialect": {"encoding": "utf-16"}}, "email,name\nann@example.com,Änn\n".encode("utf-16")),
        ({"dialect": {"quoteChar": "'", "escapeChar": "\\"}}, "name,x,email\n'Änn',',\\'',ann@example.com\n"),
        (
            {
                "dialect": {"header": False, "delimiter": "\t"},
                "identifiers": [{"position": 1, "property": "email"}],
                "mapping": [{"position": 0, "property": "name"}],
            },
            "Änn\tann@example.com\tand more\n",
        ),
    ],
    ids=["plain", "byte order mark", "gzip", "windows", "utf-16", "quotes and escapes", "by position"],
)
async def test_a_file_is_read_as_its_dialect_says(tenant: Tenant, changes: Any, content: Any) -> None:
    await tenant.save(goal(**changes))
    run = await tenant.imported("one.csv", content)
    assert (run["state"], run["receipt"]["created"]) == ("completed", 1), run["receipt"]
    assert (await tenant.profile("ann@example.com"))["name"] == "Änn"


async def test_every_bad_row_is_told_with_its_true_line(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[{"field": "name", "property": "name"}, {"field": "points", "property": "points"}]))
    content = (
        b"email,name,points\n"
        b'ann@example.com,"two\nlines",1\n'  # lines 2 and 3
        b"nobody,x,1\n"  # line 4
        b"bob@example.com,x\n"
        b"cem@example.com,x,1,2\n"
        b'dan@example.com,x"y,1\n'
        b"eve@example.com,\x00,1\n"
        b"fay@example.com,\xff,1\n"
        b"gus@example.com,x,1e3\n"
        b"han@example.com,x,9223372036854775808\n"
        b",x,1\n"
        b"ida@example.com,x,7\n"
    )
    run = await tenant.imported("bad.csv", content)
    assert run["state"] == "completed_with_rejects"
    assert await tenant.rejects(run) == [
        (4, "not_an_email", "email"),
        (5, "too_few_fields", None),
        (6, "too_many_fields", None),
        (7, "stray_quote", None),
        (8, "nul_byte", None),
        (9, "undecodable", None),
        (10, "not_an_integer", "points"),
        (11, "out_of_range", "points"),
        (12, "no_identifier", "email"),
    ]
    receipt = run["receipt"]
    assert (receipt["rows_read"], receipt["created"], receipt["rejected"]) == (11, 2, 9)
    assert sum(receipt["rows_by_path"].values()) == 11
    assert (await tenant.profile("ann@example.com"))["name"] == "two\nlines"


async def test_a_regular_file_takes_the_fast_path(tenant: Tenant) -> None:
    await tenant.save(goal())
    rows = "".join(f'person{number}@example.com,"a ""name"", {number}"\n' for number in range(5_000))
    run = await tenant.imported("regular.csv", "email,name\n" + rows)
    assert run["receipt"]["created"] == 5_000
    assert run["receipt"]["rows_by_path"]["fast"] >= 4_950


@pytest.mark.parametrize(
    ("content", "changes", "state", "code"),
    [
        (b"", {}, "failed", "empty_file"),
        (b"", {"allow_empty_file": True}, "completed", None),
        (b"email,name\n", {}, "completed", None),
        (b"email,name\nann@example.com\nbob\n", {}, "failed", "no_usable_rows"),
        (b"mail,name\nann@example.com,Ann\n", {}, "failed", "header_changed"),
        (b"\x81\xff\x82,name\n", {}, "failed", "undecodable_file"),
        (b"\xff\xfee\x00,\x00", {}, "failed", "encoding_changed"),
        (packed("email,name\nann@example.com,Ann\n")[:-9], {}, "failed", "damaged_archive"),
    ],
    ids=[
        "nothing",
        "nothing, allowed",
        "a header alone",
        "no row",
        "another header",
        "no text",
        "another encoding",
        "cut off",
    ],
)
async def test_a_file_that_gives_nothing_says_why(
    tenant: Tenant, content: bytes, changes: dict[str, Any], state: str, code: str | None
) -> None:
    await tenant.save(goal(**changes))
    run = await tenant.imported("odd.csv", content)
    assert (run["state"], run["reason_code"]) == (state, code), run["receipt"]
    if state == "completed":
        assert [warning["code"] for warning in run["receipt"]["warnings"]] == ["no_rows"]
    else:
        assert run["what_to_do"]
        assert (await tenant.settled("odd.csv"))["settled_path"] == "failed/odd.csv"
        assert (tenant.directory / "failed" / "odd.csv").read_bytes() == content


@pytest.mark.parametrize(
    ("done", "outcome", "path"),
    [
        ({"rename_suffix": ".seen"}, "renamed", "one.csv.seen"),
        ({"move_to": "archive/2026"}, "moved", "archive/2026/one.csv"),
        ({"delete": True}, "deleted", None),
        ({"leave": True}, "left", "one.csv"),
    ],
)
async def test_an_imported_file_is_marked_as_the_goal_says(
    tenant: Tenant, done: dict[str, Any], outcome: str, path: str | None
) -> None:
    source = {
        "pattern": {"wildcard": "*.csv"},
        "readiness": {"strategy": "rename"},
        "afterwards": {"done": done, "failed": {"leave": True}},
    }
    await tenant.save(goal(source=source))
    await tenant.imported("one.csv", "email,name\nann@example.com,Ann\n")
    arrival = await tenant.settled("one.csv")
    assert (arrival["settled_as"], arrival["settled_path"]) == (outcome, path)
    lying = sorted(str(file.relative_to(tenant.directory)) for file in tenant.directory.rglob("*") if file.is_file())
    assert lying == ([path] if path else [])
    assert len(await tenant.runs()) == 1


async def test_a_file_that_no_goal_takes_is_told_with_the_nearest_pattern(tenant: Tenant) -> None:
    await tenant.save(goal(source={"pattern": {"wildcard": "contacts_*.csv"}, "readiness": {"strategy": "rename"}}))
    tenant.drop("Contacts_1.csv", "email,name\n")
    await tenant.imported("contacts_1.csv", "email,name\nann@example.com,Ann\n")
    arrival = (await tenant.arrivals())["Contacts_1.csv"]
    assert (arrival["state"], arrival["reason_detail"]) == ("unmatched", "The nearest pattern is contacts_*.csv.")
    assert len(await tenant.runs()) == 1


async def test_two_goals_on_one_folder_both_take_the_file_and_it_is_marked_once(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.save(goal(name="Points", mapping=[{"field": "points", "property": "points", "rule": "sum"}]))
    await tenant.imported("both.csv", "email,name,points\nann@example.com,Ann,3\n")
    arrival = await tenant.settled("both.csv")
    assert arrival["settled_path"] == "both.csv.done"
    assert sorted(run["state"] for run in await tenant.runs()) == ["completed", "completed"]
    ann = await tenant.profile("ann@example.com")
    assert (ann["name"], ann["points"]) == ("Ann", 3)
