"""A million rows: of one profile they fold, or are handed back; of as many they make a list. In bounded memory."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import pytest

from shared.storage import rejects
from tests.eventually import eventually
from tests.faults.report import Table
from tests.integration.road.conftest import base, tenant  # noqa: F401 fixtures, found by their names here
from tests.integration.road.place import Tenant, goal
from tests.integration.road.untouched import rows_as_they_lie

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_200)]

ROWS = 1_000_000
GROWTH_LIMIT = 300 << 20
"""Of poller, importer, exporter and this test in one process; before, the rejects alone took 600 MB."""
LIMIT_SECONDS = 900.0


async def test_a_million_rows_of_one_profile_fold_into_it(tenant: Tenant, faults_table: Table) -> None:  # noqa: F811
    rules = {"name": "set", "points": "sum", "balance": "sum", "tags": "add"}
    mapping = [{"field": name, "property": name, "rule": rule} for name, rule in rules.items()]
    await tenant.save(goal(mapping=mapping))
    tenant.drop("one.csv", _file("name,points,balance,tags", "name {0},1,0.1,t{1}"))
    began = time.monotonic()
    with _memory() as memory:
        run = await _ended(tenant)
    receipt = run["receipt"]
    assert (receipt["created"], receipt["profiles_affected"], receipt["rejected"]) == (ROWS, 1, 0)
    found = await tenant.profile("ann@example.com")
    assert (found["name"], found["points"], found["balance"]) == (f"name {ROWS - 1}", ROWS, ROWS // 10)
    assert found["tags"] == [f"t{number}" for number in range(10)]
    assert memory["growth"] < GROWTH_LIMIT
    _tell(faults_table, "a million rows of one profile", "folded into one profile", memory, began)


async def test_a_million_rows_are_rejected_for_one_sum(tenant: Tenant, faults_table: Table) -> None:  # noqa: F811
    await tenant.save(goal(mapping=[{"field": "points", "property": "points", "rule": "sum"}]))
    tenant.drop("sum.csv", _file("points", str(2**62)))
    began = time.monotonic()
    with _memory() as memory:
        run = await _ended(tenant)
    receipt = run["receipt"]
    assert (receipt["rows_read"], receipt["rejects_by_code"]) == (ROWS, {"out_of_range": ROWS})
    async with tenant.base.database.account(tenant.account_id) as tx:
        last = await rejects.page(tx, run["run_id"], run["token"], after_record=ROWS - 2, limit=10)
    assert [(each.record_number, each.line_number, each.field) for each in last] == [
        (ROWS - 1, ROWS, "points"),
        (ROWS, ROWS + 1, "points"),
    ]
    assert {each.raw for each in last} == {("ann@example.com", str(2**62))}
    assert memory["growth"] < GROWTH_LIMIT
    _tell(faults_table, "a million rows of a sum that cannot be stored", "all handed back", memory, began)


async def test_a_list_of_a_million_profiles_does_not_rewrite_them(
    tenant: Tenant,  # noqa: F811
    faults_table: Table,
) -> None:
    people = "email,points\n" + "".join(f"p{number}@example.com,{number}\n" for number in range(ROWS))
    points = [{"field": "points", "property": "points"}]
    for pattern, changes in {"in*": {}, "new*": {"lists": {"create": {"name": "{file}"}}}}.items():
        source = {"pattern": {"wildcard": pattern}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(name=pattern, source=source, mapping=points, **changes))
    tenant.drop("in.csv", people)
    assert (await _ended(tenant))["receipt"]["created"] == ROWS
    before = await rows_as_they_lie(tenant)
    assert before[0] == ROWS
    tenant.drop("new.csv", people)
    began = time.monotonic()
    with _memory() as memory:
        run = await _ended(tenant, runs=2)
    (made,) = run["receipt"]["lists"]
    assert (run["receipt"]["unchanged"], made["added"]) == (ROWS, ROWS)
    assert await rows_as_they_lie(tenant) == before
    assert memory["growth"] < GROWTH_LIMIT
    _tell(faults_table, "a list of a million profiles", "made, no profile touched", memory, began)


def _file(header: str, values: str) -> bytes:
    lines = (f"ann@example.com,{values.format(number, number % 10)}\n" for number in range(ROWS))
    return f"email,{header}\n{''.join(lines)}".encode()


async def _ended(tenant: Tenant, runs: int = 1) -> dict[str, Any]:  # noqa: F811
    """The newest of so many runs, once it has ended."""
    found: list[dict[str, Any]] = []

    async def has_ended() -> bool:
        found[:] = await tenant.runs()
        return len(found) == runs and found[0]["state"] not in ("queued", "running")

    await eventually(has_ended, "the run to end", limit_seconds=LIMIT_SECONDS)
    return found[0]


@contextmanager
def _memory() -> Iterator[dict[str, int]]:
    """By how many bytes this process grows at most while inside."""
    process, stopping = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    found = {"growth": 0}

    def watch() -> None:
        while not stopping.wait(0.1):
            found["growth"] = max(found["growth"], process.memory_info().rss - before)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield found
    finally:
        stopping.set()
        watching.join(timeout=10)


def _tell(table: Table, case: str, outcome: str, memory: dict[str, int], began: float) -> None:
    seconds = time.monotonic() - began
    seen = f"{outcome}; {memory['growth'] >> 20} MB more memory, {seconds:.0f} s"
    table.add("large files", case, done="imported", seen=seen, seconds=None)
