"""How a file is packed, in what it is written, and what processors make of it, on the whole road."""

import io
import tarfile
import zipfile
from typing import Any

import pytest

from tests.integration.road.place import Tenant, goal

ARCHIVE = {"pattern": {"wildcard": "*"}, "readiness": {"strategy": "rename"}}


def zipped(**members: str) -> bytes:
    """A zip of text files; `__` in a name stands for a dot."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "."), text)
    return made.getvalue()


def tarred(**members: str) -> bytes:
    """A gzipped tar of text files; `__` in a name stands for a dot."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, text in members.items():
            facts = tarfile.TarInfo(name.replace("__", "."))
            facts.size = len(text.encode())
            archive.addfile(facts, io.BytesIO(text.encode()))
    return made.getvalue()


@pytest.mark.parametrize("pack", [zipped, tarred])
async def test_an_archive_is_one_run_whose_members_are_told_apart(tenant: Tenant, pack: Any) -> None:
    mapping = [{"field": "points", "property": "points", "rule": "sum"}]
    await tenant.save(goal(source=ARCHIVE, unpack={"members": "*.csv"}, mapping=mapping))
    content = pack(
        b__csv="email,points\na@b.example,x\nb@b.example,3\n",
        a__csv=f"email,points\na@b.example,2\nc@b.example,{2**63 - 1}\n",
        c__csv="email,points\nc@b.example,1\nd@b.example,4\n",
        readme__txt="Nothing to import.",
    )
    run = await tenant.imported("packed", content)
    receipt = run["receipt"]
    assert (run["state"], receipt["rows_read"], receipt["created"]) == ("completed_with_rejects", 6, 3), receipt
    assert receipt["rejects_by_code"] == {"not_an_integer": 1, "out_of_range": 2}
    members = receipt["file"]["members"]
    assert [(each["name"], each["first_record"], each["rows_read"], each["rejected"]) for each in members] == [
        ("a.csv", 1, 2, 1), ("b.csv", 3, 2, 1), ("c.csv", 5, 2, 1),
    ]  # fmt: skip  # a table
    assert sorted(await tenant.rejects(run)) == [
        (2, "not_an_integer", "points"), (2, "out_of_range", "points"), (3, "out_of_range", "points"),
    ]  # fmt: skip  # a table
    assert (await tenant.profile("a@b.example"))["points"] == 2


async def test_members_with_other_columns_fail_the_archive(tenant: Tenant) -> None:
    await tenant.save(goal(source=ARCHIVE))
    run = await tenant.imported(
        "packed.zip", zipped(a__csv="email,name\na@b.example,A\n", b__csv="name,email\nB,b@b.example\n")
    )
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", "header_changed")


async def test_an_unsafe_archive_is_refused_by_name_and_nothing_is_written(tenant: Tenant) -> None:
    await tenant.save(goal(source=ARCHIVE))
    run = await tenant.imported("packed.zip", zipped(**{"../a__csv": "email,name\na@b.example,A\n"}))
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", "member_name_outward")


async def test_the_encoding_is_found_out_of_the_whole_file(tenant: Tenant) -> None:
    await tenant.save(goal(dialect={"encoding": "auto"}))
    names = ["Müller", "Schröder", "Jäger", "Krüger", "Groß", "Möller", "Köhler", "Bäcker", "Schäfer", "Böhm"] * 20
    rows = "".join(f"p{number}@b.example,{name}\n" for number, name in enumerate(names))
    run = await tenant.imported("found.csv", f"email,name\n{rows}".encode("cp1252"))
    assert (run["state"], run["receipt"]["file"]["encoding"]) == ("completed", "cp1252"), run["receipt"]
    assert (await tenant.profile("p1@b.example"))["name"] == "Schröder"


async def test_processors_change_rows_before_they_are_mapped_and_rejects_hold_the_original(tenant: Tenant) -> None:
    processors = [
        {"kind": "trim", "fields": "all"},
        {"kind": "normalize_email", "field": "E-mail"},
        {"kind": "drop_rows", "where": {"field": "Country", "in": ["XX"]}},
        {"kind": "join", "fields": ["First", "Last"], "into": "Name"},
        {"kind": "deduplicate", "fields": ["E-mail"], "keep": "last"},
    ]
    await tenant.save(
        goal(
            processors=processors,
            identifiers=[{"field": "E-mail", "property": "email"}],
            mapping=[{"field": "Name", "property": "name"}, {"field": "Points", "property": "points"}],
        )
    )
    run = await tenant.imported(
        "clean.csv",
        "E-mail,First,Last,Country,Points\n"
        " A@B.Example ,Ann,Old,NL,1\n"
        "x@b.example,Xavier,X,XX,1\n"
        "a@b.example, Ann ,New,NL,2\n"
        "b@b.example,Bob,B,NL, many \n",
    )
    receipt = run["receipt"]
    assert receipt["skipped_by_reason"] == {"duplicate": 1, "filtered": 1}, receipt
    assert (receipt["rows_read"], receipt["created"], receipt["rejected"]) == (4, 1, 1)
    found = await tenant.profile("a@b.example")
    assert (found["name"], found["points"]) == ("Ann New", 2)
    assert await tenant.raw_rejects(run) == [("b@b.example", "Bob", "B", "NL", " many ")]


async def test_a_processor_on_a_column_that_the_file_lacks_fails_the_file(tenant: Tenant) -> None:
    await tenant.save(goal(processors=[{"kind": "trim", "field": "Nickname"}]))
    run = await tenant.imported("lacks.csv", "email,name\na@b.example,A\n")
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("failed", "header_changed")
