"""Every failpoint of every road: the process killed there, frozen there until it has an heir, or failing there.

Everything comes to its end within a minute and exactly once, and a process that wakes up again changes nothing more.
A few stand for all in the suite; the rest runs under `make faults`. A failpoint on no road fails the last test.
"""

import asyncio
import re
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SHOPS
from tests.acceptance.shop import Shop, open_shop
from tests.acceptance.system import LEASE_SECONDS
from tests.faults import roads
from tests.faults.fleet import ALONE, Fleet
from tests.faults.report import Table
from tests.faults.roads.patience import END_SECONDS
from tests.faults.roads.road import Road

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("15", "18")
FROZEN_SECONDS = 2 * LEASE_SECONDS
"""Longer than leases and the locks of a frozen process last."""
DONE = {
    "kill": "killed by SIGKILL",
    "stop": "frozen by SIGSTOP until another had brought it to its end, then woken",
    "raise": "an exception",
}

POINTS: dict[type[Road], tuple[str, ...]] = {
    roads.Road: (
        "dropserver.opened", "dropserver.placed", "dropserver.writing", "dropserver.flushed", "dropserver.closing",
        "dropserver.closed",
        # The relay that takes the news of an upload first is as a rule the dropserver's own.
        "relay.taken", "relay.sent", "relay.marked", "relay.committed",
    ),
    roads.RenameRoad: ("dropserver.renamed", "dropserver.told"),
    roads.OneRunRoad: (
        "poller.recorded", "poller.heard",
        "importer.claiming", "importer.claimed", "importer.fetched", "importer.hashed", "importer.decoded",
        "run.connected",
        "importer.creating", "importer.created", "importer.rejected", "importer.copying", "importer.staged",
        "importer.analyzed", "importer.merged", "importer.told", "importer.finishing", "importer.committed",
        "importer.cleared", "importer.released",
        "settle.begun", "settle.marked", "settle.recording", "settle.recorded",
        "notifier.planning", "notifier.planned", "notifier.taken", "notifier.sent", "notifier.recording",
        "notifier.recorded",
    ),
    roads.OneShotRoad: ("api.one_shot", "importer.pinned"),
    roads.ListRoad: ("importer.listed", "importer.finishing", "importer.committed"),
    roads.LookRoad: ("poller.watching", "poller.listed", "poller.sliced", "poller.looked", "poller.leaving"),
    roads.ApprovalRoad: ("importer.putting_aside", "api.approving", "api.approved"),
    roads.GuardRoad: ("importer.guarded",),
    roads.CancelRoad: ("api.cancelling", "api.cancelled"),
    roads.UnfitRoad: ("worker.cut_off", "worker.giving_up", "worker.given_up"),
    roads.RetryRoad: ("api.retrying",),
    roads.LostWorkerRoad: ("sweep.held", "takeover.cut_off", "takeover.requeued", "sweep.taken_over"),
    roads.LostMarkRoad: ("sweep.ringing_arrival",),
    roads.LostRingRoad: ("sweep.ringing_run",),
    roads.ReturnRoad: (
        "return.begun", "return.made", "return.named", "importer.uploading", "importer.uploaded", "importer.checked",
        "importer.renamed", "return.delivered", "return.recording", "return.recorded",
    ),
    roads.LostReturnRoad: ("sweep.ringing_return",),
    roads.ExportRoad: (
        "api.requesting", "exporter.claiming", "exporter.claimed", "exporter.named", "exporter.spooled",
        "exporter.uploading", "exporter.uploaded", "exporter.checked", "exporter.renamed", "exporter.delivered",
        "exporter.told", "exporter.finishing", "exporter.committed", "exporter.released",
    ),
    roads.ChangesRoad: (
        "exporter.spooled", "exporter.uploading", "exporter.checked", "exporter.renamed", "exporter.delivered",
        "exporter.remembered", "exporter.told", "exporter.finishing", "exporter.committed",
    ),
    roads.ScheduledRoad: ("clock.beginning", "clock.begun"),
    roads.FollowingRoad: ("importer.told",),
    roads.PackedExportRoad: (
        "exporter.packed", "exporter.sealed", "exporter.uploading", "exporter.checked", "exporter.renamed",
    ),
    roads.QuestionRoad: ("inquiry.taken", "inquiry.found", "inquiry.answering", "inquiry.answered"),
    roads.SampleRoad: ("sample.kept", "sample.looked_at"),
    roads.LostQuestionRoad: ("sweep.ringing_inquiry",),
}  # fmt: skip
ALSO_SKIPPED = ("importer.hashed", "importer.told")
"""Passed on the way of a skipped file as well."""
ALSO_MANUAL = ("importer.claimed", "importer.fetched", "importer.committed", "settle.begun", "settle.recording")
"""Passed on the way of a file that a client sends as well, which is read from elsewhere and not marked."""
ALSO_ONE_SHOT = ("importer.claimed", "importer.fetched", "importer.hashed", "importer.committed", "settle.recording")
"""Passed on the way of a file that a request names as well, whose password lives exactly as long as its run."""
AGAIN: dict[type[Road], str] = {
    roads.SameContentRoad: " (same content)",
    roads.ManualRoad: " (sent by hand)",
    roads.OneShotRoad: " (one-shot import)",
    roads.FollowingRoad: " (followed)",
    roads.PackedExportRoad: " (several packed files)",
    roads.ChangesRoad: " (changes alone)",
}
"""How the table tells a failpoint's second road from the first."""
IN_SHORT = {
    ("poller.recorded", "kill"), ("relay.sent", "kill"), ("importer.copying", "stop"),
    ("takeover.requeued", "kill"), ("settle.marked", "raise"), ("notifier.sent", "kill"), ("exporter.checked", "stop"),
}  # fmt: skip
FATAL = re.compile(r"relay\.\w+|(importer|exporter)\.claim(ing|ed)")
"""Where an exception is nobody's own run, look, message or mail, and ends the process: it is started again."""
ELSEWHERE = {"exporter.putting_aside": "an export never waits for a person"}


def versions() -> list[Any]:
    """Each server has a worker of pytest-xdist of its own; in the suite the first stands for both."""
    group = [[pytest.mark.xdist_group(f"postgres-{version}")] for version in VERSIONS]
    return [pytest.param(VERSIONS[0], marks=group[0]), pytest.param(VERSIONS[1], marks=[*group[1], pytest.mark.slow])]


def cases() -> list[Any]:
    """What strikes where, on which road."""
    on_roads = [(road, point) for road, points in POINTS.items() for point in points]
    on_roads += [(roads.SameContentRoad, point) for point in ALSO_SKIPPED]
    on_roads += [(roads.ManualRoad, point) for point in ALSO_MANUAL]
    on_roads += [(roads.OneShotRoad, point) for point in ALSO_ONE_SHOT]
    return [
        pytest.param(
            *(road, point, action),
            marks=[] if (point, action) in IN_SHORT else [pytest.mark.slow],
            id=f"{road.__name__}-{point}-{action}",
        )
        for road, point in on_roads
        for action in DONE
    ]


@pytest.mark.parametrize(("road", "point", "action"), cases())
@pytest.mark.parametrize("fleet", versions(), indirect=True, scope="session")
async def test_whatever_strikes_everything_ends_exactly_once(
    fleet: Fleet, road: type[Road], point: str, action: str, faults_table: Table, request: pytest.FixtureRequest
) -> None:
    await asyncio.to_thread(fleet.complete)
    fleet.system.forget_failpoints()
    async with open_shop(fleet.system, fleet.operator_key) as shop:
        request.node.stash.setdefault(SHOPS, []).append(shop)
        way = road(shop, fleet)
        await way.prepare()
        fleet.arm(point, action)
        seconds = await strike(fleet, way, point, action)
        await asyncio.to_thread(fleet.complete)
        await shop.await_quiet()
        await way.check()
        await shop.rest()
    area = f"Failpoints, PostgreSQL {fleet.version}"
    case = f"`{point}`, {action}{AGAIN.get(road, '')}"
    seen = "as it would have ended, exactly once" + ("; the woken one changed nothing" if action == "stop" else "")
    faults_table.add(area, case, done=DONE[action], seen=seen, seconds=seconds)


async def strike(fleet: Fleet, way: Road, point: str, action: str) -> float:
    """Drive the road over the failpoint, to its end; how many seconds after the fault that came."""
    async with fleet.supervised():
        driving = asyncio.create_task(way.drive())
        try:
            struck = await fleet.struck(point)
            began = time.monotonic()
            if action == "kill":
                assert await asyncio.to_thread(struck.await_end) == -signal.SIGKILL
            if action == "raise" and FATAL.fullmatch(point):
                assert await asyncio.to_thread(struck.await_end) == 1
            if action == "stop":
                await fleet.is_frozen(struck)
            if action == "stop" and struck.name in ALONE:
                # Nobody else answers at its address: its clients wait until it has woken up.
                await asyncio.sleep(FROZEN_SECONDS)
                struck.thaw()
            await driving
            await way.await_end()
        finally:
            driving.cancel()
        seconds = time.monotonic() - began
        assert seconds < END_SECONDS
    if action == "stop" and struck.name not in ALONE:
        before = await everything(way.shop)
        assert await fleet.wake_and_leave(struck) == 0
        assert await everything(way.shop) == before
    return seconds


async def everything(shop: Shop) -> dict[str, Any]:
    """All that a process which should be gone might change."""
    place = shop.system.place.directory / "drop" / str(shop.account_id)
    return {
        "runs": await shop.ledger.runs(),
        "arrivals": await shop.ledger.arrivals(),
        "profiles": await shop.profiles(),
        "notifications": await shop.ledger.notifications(),
        "mails": await shop.ledger.mails(),
        "files": {str(file): file.read_bytes() for file in sorted(place.rglob("*")) if file.is_file()},
    }


def test_every_failpoint_lies_on_a_road() -> None:
    named = set()
    for file in [*ROOT.glob("services/**/*.py"), *ROOT.glob("shared/**/*.py")]:
        for is_formatted, name in re.findall(r'\breach\((f?)"([^"]+)"\)', file.read_text(encoding="utf-8")):
            kinds = ("importer", "exporter") if is_formatted else ("",)
            named |= {re.sub(r"^\{(\w+\.)?kind\}er", kind, name) for kind in kinds}
    assert named == {point for points in POINTS.values() for point in points} | ELSEWHERE.keys()
