"""What became of the rows of each file of an archive, on the whole road: in each mode, whatever befell them."""

from typing import Any

from tests.integration.road.place import Tenant, goal
from tests.integration.road.test_cleaning import zipped

OUTCOMES = ("rows_read", "created", "updated", "unchanged", "skipped", "rejected")
IDENTIFIERS = [{"field": "email", "property": "email"}, {"field": "number", "property": "number"}]
MAPPING = [{"field": "name", "property": "name"}, {"field": "points", "property": "points", "rule": "sum"}]
PROCESSORS = [
    {"kind": "drop_rows", "where": {"field": "name", "in": ["Nobody"]}},
    {"kind": "deduplicate", "fields": ["email", "name"], "keep": "last"},
    {"kind": "limit_text", "field": "name", "characters": 9, "on_longer": "reject"},
]
HEADER = "email,number,name,points\n"
FULL = 2**63 - 1

FILES = {
    "a__csv": HEADER
    + "old@b.example,,Old,\n"  # known, and as it was
    + "new@b.example,,New,\n"
    + "new@b.example,,Twice,\n"  # the same, once more here and twice in the last file: the latter are duplicates
    + "x@b.example,,Nobody,\n"  # filtered
    + "bad@b.example,,Bad,many\n",
    "b__csv": HEADER,
    "c__csv": HEADER
    + "changed@b.example,,Changed,1\n"
    + "too,few\n"
    + f"great@b.example,,Great,{FULL}\n"  # all rows of a sum that is too great, in two files
    + "old@b.example,2,Two,\n",  # two people
    "d__csv": HEADER
    + "changed@b.example,,Other,2\n"
    + "new@b.example,,Twice,\n"
    + "great@b.example,,Greater,1\n"
    + "long@b.example,,Far too long,\n"
    + ",,No one,\n",
}


def _told(run: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    receipt = run["receipt"]
    members = receipt["file"]["members"]
    for each in (receipt, *members):
        assert each["rows_read"] == sum(each[name] for name in OUTCOMES[1:])
    for name in OUTCOMES:
        assert receipt[name] == sum(each[name] for each in members)
    for name in ("skipped_by_reason", "rejects_by_code"):
        codes = {code for each in members for code in each[name]}
        assert receipt[name] == {code: sum(each[name].get(code, 0) for each in members) for code in codes}
    return {each["name"]: tuple(each[name] for name in OUTCOMES) for each in members}


async def test_every_row_of_an_archive_s_files_takes_its_profile_s_outcome(tenant: Tenant) -> None:
    for mode in ("upsert", "create_only", "update_only"):
        source = {"pattern": {"wildcard": f"{mode}_*"}, "readiness": {"strategy": "rename"}}
        rules = {"mode": mode, "identifiers": IDENTIFIERS, "mapping": MAPPING, "processors": PROCESSORS}
        await tenant.save(goal(name=mode, source=source, **rules))
    known = HEADER + "old@b.example,1,Old,\ntwo@b.example,2,Two,\nchanged@b.example,,Changed,1\n"
    run = await tenant.imported("upsert_known.zip", zipped(known__csv=known))
    assert _told(run) == {"known.csv": (3, 3, 0, 0, 0, 0)}

    run = await tenant.imported("update_only_1.zip", zipped(**FILES))
    assert _told(run) == {
        "a.csv": (5, 0, 0, 1, 3, 1),
        "b.csv": (0, 0, 0, 0, 0, 0),
        "c.csv": (4, 0, 1, 0, 1, 2),
        "d.csv": (5, 0, 1, 0, 2, 2),
    }
    first, _, third, last = run["receipt"]["file"]["members"]
    assert first["skipped_by_reason"] == {"duplicate": 1, "filtered": 1, "unknown": 1}
    assert third["rejects_by_code"] == {"identifier_conflict": 1, "too_few_fields": 1}
    assert last["skipped_by_reason"] == {"unknown": 2}
    assert last["rejects_by_code"] == {"no_identifier": 1, "text_too_long": 1}

    run = await tenant.imported("create_only_1.zip", zipped(**FILES))
    assert _told(run) == {
        "a.csv": (5, 1, 0, 0, 3, 1),
        "b.csv": (0, 0, 0, 0, 0, 0),
        "c.csv": (4, 0, 0, 0, 1, 3),
        "d.csv": (5, 1, 0, 0, 1, 3),
    }
    first, _, third, last = run["receipt"]["file"]["members"]
    assert first["skipped_by_reason"] == {"duplicate": 1, "existing": 1, "filtered": 1}
    assert third["rejects_by_code"] == {"identifier_conflict": 1, "out_of_range": 1, "too_few_fields": 1}
    assert last["rejects_by_code"] == {"no_identifier": 1, "out_of_range": 1, "text_too_long": 1}

    run = await tenant.imported("upsert_1.zip", zipped(**FILES))
    assert _told(run) == {
        "a.csv": (5, 0, 0, 2, 2, 1),
        "b.csv": (0, 0, 0, 0, 0, 0),
        "c.csv": (4, 0, 1, 0, 0, 3),
        "d.csv": (5, 0, 1, 1, 0, 3),
    }
    assert (await tenant.profile("changed@b.example"))["points"] == 7
