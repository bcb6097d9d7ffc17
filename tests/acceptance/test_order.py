"""Many hands, one goal: files are imported one at a time and in their order, whoever sees and whoever imports them."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import asyncssh
import pytest

from tests.acceptance.shop import Shop, content_of, import_goal, people
from tests.acceptance.system import System
from tests.eventually import eventually

FILES = 50
PEOPLE = 20
FIRST = datetime(2026, 11, 1, 6, tzinfo=UTC)


@pytest.mark.timeout(400)
async def test_two_pollers_and_two_importers_keep_the_order_of_fifty_files(
    shop: Shop, system: System, no_importer: None
) -> None:
    second = system.start_one("poller")
    # No goal yet: all files lie ready before the first is claimed, and the last one came first.
    async with shop.folder() as sftp:
        for number in reversed(range(FILES)):
            moment = int((FIRST + timedelta(minutes=number)).timestamp())
            async with sftp.open(f"contacts_{number:02}.csv", "wb") as file:
                await file.write(content_of(people(PEOPLE, points=number)))
                await file.setstat(asyncssh.SFTPAttrs(atime=moment, mtime=moment))

    async def are_known() -> bool:
        return len(await shop.ledger.arrivals()) == FILES

    await eventually(are_known, "an arrival for each file")
    await shop.add_goal(import_goal(source={"readiness": {"strategy": "rename"}}))

    async def are_queued() -> bool:
        return len(await shop.ledger.runs()) == FILES

    await eventually(are_queued, "a run for each file")
    importers = system.start("importer", "importer")
    for number in range(FILES):
        await shop.await_runs(f"contacts_{number:02}.csv", "completed")
    await shop.await_quiet()
    system.stop(second, *importers[1:])

    runs = sorted(await shop.ledger.runs(), key=lambda run: run["started_at"])
    assert [run["path"] for run in runs] == [f"contacts_{number:02}.csv" for number in range(FILES)]
    for earlier, later in pairwise(runs):
        assert earlier["finished_at"] <= later["started_at"]
    assert set((await shop.points()).values()) == {FILES * (FILES - 1) // 2}
