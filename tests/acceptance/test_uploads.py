"""Uploads to a hosted folder that do not end as they should."""

import asyncio
import sys
from asyncio.subprocess import PIPE

from tests.acceptance.process import ROOT, ServiceProcess
from tests.acceptance.shop import Shop, content_of, people
from tests.eventually import eventually

FILE = content_of(people(5_000, points=4))


async def test_an_upload_cut_in_the_middle_is_never_imported(shop: Shop, importer: ServiceProcess) -> None:
    goal_id = await shop.add_goal()
    module = "tests.acceptance.half_upload"
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(shop.system.sftp_port), str(shop.system.host_key)),
        cwd=ROOT,
        stdin=PIPE,
        stdout=PIPE,
    )
    assert client.stdin is not None
    assert client.stdout is not None
    try:
        client.stdin.write(f"{shop.login['username']}\n{shop.login['password']}\n".encode())
        # Said when half of the file has been taken by the server and the file is still open.
        assert await asyncio.wait_for(client.stdout.readline(), 30) == b"half\n"
    finally:
        client.kill()
        await client.wait()

    await shop.ask("POST", f"/v1/goals/{goal_id}/runs", 202)

    async def is_told() -> bool:
        return [each["reason_code"] for each in await shop.ledger.arrivals()] == ["upload_broken_off"]

    await eventually(is_told, "the arrival that says what became of the upload")
    assert await shop.ledger.runs() == []
    assert await shop.names() == ["contacts_a.csv"]

    await shop.drop("contacts_a.csv", FILE)
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {4}
    assert len(await shop.points()) == 5_000


async def test_a_file_renamed_from_a_temporary_name_is_one_arrival(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    async with shop.folder() as sftp:
        async with sftp.open("contacts_a.csv.part", "wb") as file:
            await file.write(FILE)
        await sftp.rename("contacts_a.csv.part", "contacts_a.csv")
    await shop.await_runs("contacts_a.csv", "completed")
    await shop.await_quiet()
    assert set((await shop.points()).values()) == {4}
    assert await shop.ledger.runs_of("contacts_a.csv.part") == []


async def test_a_file_that_no_goal_takes_is_told_with_the_nearest_pattern(shop: Shop, importer: ServiceProcess) -> None:
    await shop.add_goal()
    await shop.drop("contcats_a.csv", FILE)

    async def is_told() -> bool:
        return [each["state"] for each in await shop.ledger.arrivals()] == ["unmatched"]

    await eventually(is_told, "the unmatched arrival")
    (arrival,) = await shop.ledger.arrivals()
    assert "contacts_*.csv" in arrival["reason_detail"]
    await shop.await_quiet()
