"""The connections between services and PostgreSQL break, or fall silent, at the worst moments of a run."""

import asyncio

import pytest

from tests.faults.outage import Recovery, assert_exactly_once, drop, shop_in
from tests.faults.outage_fixtures import Frail
from tests.faults.report import Table
from tests.real.proxy import Action, Fault

AREA = "PostgreSQL, connections"
COUNT = 3_000
SILENT_SECONDS = 30.0
COPYING = (b"FROM STDIN",)
# After its COPY a run commits twice on its own connection: once what the planner learned, then the merge.
MERGING = (b"FROM STDIN", b"COMMIT;", b"COMMIT;")
CLAIMING = (b"INTO tidegate.run_leases", b"COMMIT;")
SEEN = "imported exactly once"


CASES = {
    "lost in the middle of a COPY": Fault(COPYING, Action.CUT, after_bytes=40_000),
    "lost before the server saw the COMMIT of a merge": Fault(MERGING, Action.CUT),
    "lost after the COMMIT of a merge, before its answer": Fault(MERGING, Action.CUT_BEFORE_ANSWER),
}
SLOW_CASES = {
    "lost before the server saw the COMMIT of a claim": Fault(CLAIMING, Action.CUT),
    "lost after the COMMIT of a claim, before its answer": Fault(CLAIMING, Action.CUT_BEFORE_ANSWER),
    "silent in the middle of a COPY": Fault(COPYING, Action.BLACK_HOLE, after_bytes=40_000),
    "silent at the COMMIT of a merge": Fault(MERGING, Action.BLACK_HOLE),
    "silent at the COMMIT of a claim": Fault(CLAIMING, Action.BLACK_HOLE),
}


@pytest.mark.parametrize(
    ("case", "fault"),
    [*CASES.items(), *(pytest.param(*each, marks=pytest.mark.slow) for each in SLOW_CASES.items())],
    ids=[*CASES, *SLOW_CASES],
)
async def test_a_connection_that_breaks_in_a_run_costs_time_and_nothing_else(
    frail: Frail, case: str, fault: Fault, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {"contacts_a.csv": 3, "contacts_b.csv": 5}
    async with shop_in(frail.system, request) as shop:
        frail.to_database.cut_all()  # statements are sent as text on new connections only
        frail.to_database.arm(fault)
        await drop(shop, points, count=COUNT)
        assert await asyncio.to_thread(fault.struck.wait, 60), "the run never came to that moment"
        seconds = await assert_exactly_once(shop, points, Recovery(), count=COUNT)
    silence = "swallowed every packet from then on" if fault.action is Action.BLACK_HOLE else "reset the connection"
    faults_table.add(AREA, case, done=silence, seen=SEEN, seconds=seconds)


@pytest.mark.slow
async def test_a_database_that_falls_silent_is_worked_with_again_when_it_is_heard(
    frail: Frail, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    points = {f"contacts_{number}.csv": 2**number for number in range(4)}
    async with shop_in(frail.system, request) as shop:
        await drop(shop, points, count=COUNT)
        frail.to_database.black_hole()
        try:
            await asyncio.sleep(SILENT_SECONDS)  # the length of the outage, and not a wait for anything
        finally:
            frail.to_database.heal()
        seconds = await assert_exactly_once(shop, points, Recovery(), count=COUNT)
    done = f"swallowed every packet of every service for {SILENT_SECONDS:.0f} s, with runs in hand"
    faults_table.add(AREA, "silent for a while", done=done, seen=SEEN, seconds=seconds)
