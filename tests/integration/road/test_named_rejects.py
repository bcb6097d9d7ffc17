"""Whom rejected rows name, on the whole road: what the merge can ask when the file has been read."""

from typing import Any

import pytest

from services.importer import run as road
from shared.domain.goal import ImportGoal
from shared.storage.merge_work import Work
from shared.storage.staging import Staged
from tests.integration.road.place import Tenant, goal
from tests.integration.storage.merging import named


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Goals ask, and here is what each merge could have been told: profiles named, and rows that name nobody."""
    told: list[Any] = []
    merge = road.merge

    async def watched(
        tx: Any, run: Any, staged: Staged, goal: ImportGoal, properties: Any, group: int, *, heard_at: Any
    ) -> Any:
        merged = await merge(tx, run, staged, goal, properties, group, heard_at=heard_at)
        work = Work(tx, run.id, staged, goal.mode, group, tuple(properties), (goal.name, heard_at))
        told.append(([record for record, _ in await named(work)], staged.nameless_rejects))
        return merged

    monkeypatch.setattr(ImportGoal, "wants_named_rejects", property(lambda _: True))
    monkeypatch.setattr(road, "merge", watched)
    return told


async def test_rejected_rows_name_their_profiles_whatever_rejected_them(tenant: Tenant, asked: list[Any]) -> None:
    mapping = [{"field": "points", "property": "points", "rule": "sum"}]
    processors = [
        {"kind": "reformat_number", "field": "balance"},
        {"kind": "normalize_email", "field": "email", "on_failure": "keep"},
    ]
    await tenant.save(goal(mapping=mapping, processors=processors))
    names = "abcdefg"
    await tenant.imported("known.csv", "email,points,balance\n" + "".join(f"{name}@b.example,1,1\n" for name in names))
    run = await tenant.imported(
        "rejects.csv",
        "email,points,balance\n"
        "A@b.example,1,much\n"
        "b@b.example,many,1\n"
        "c@b.example,1\n"
        ",1,1\n"
        "nobody@b.example,many,1\n"
        f"d@b.example,{2**63 - 1},1\n"
        "not an address,1,1\n"
        "e@b.example,1,1\n",
    )
    assert run["receipt"]["rejects_by_code"] == {
        "no_identifier": 1, "not_a_number": 1, "not_an_email": 1, "not_an_integer": 2, "out_of_range": 1,
        "too_few_fields": 1,
    }  # fmt: skip  # a table
    # Row 3 cannot be read, row 4 has no address and row 7 none that is one; row 5 names a person who does not exist.
    assert asked == [([], 0), ([1, 2, 6], 3)]
