"""An exporter that dies: the partner finds one file, whole, under the name that belongs to the run."""

import signal

import pytest

from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, content_of, people
from tests.acceptance.system import System

EXPORT = {
    "kind": "export_profiles",
    "name": "Everybody",
    "target": {"directory": "out", "file_name": "everybody_{requested_at:YYYYMMDDHHmmss}.csv"},
    "dialect": {"delimiter": ";"},
    "columns": [{"property": "email"}, {"property": "points"}],
}


@pytest.mark.parametrize("failpoint", ["exporter.spooled", "exporter.delivered"])
async def test_an_exporter_killed_around_its_delivery_leaves_one_file_under_its_own_name(
    shop: Shop, system: System, importer: ServiceProcess, failpoint: str
) -> None:
    system.stop(*system.running("exporter"))
    await shop.add_goal()
    await shop.drop("contacts_a.csv", content_of(people(100, points=6)))
    await shop.await_runs("contacts_a.csv", "completed")
    goal_id = await shop.add_goal(EXPORT)
    doomed = system.start_one("exporter", f"{failpoint}=kill")
    (run_id,) = (await shop.ask("POST", f"/v1/goals/{goal_id}/runs", 202))["run_ids"]
    assert doomed.await_end() == -signal.SIGKILL
    assert system.was_reached(failpoint)
    system.ensure("exporter")
    await shop.await_quiet()
    run = await shop.ask("GET", f"/v1/runs/{run_id}", 200)
    assert run["state"] == "completed"
    assert run["receipt"]["rows_exported"] == 100
    async with shop.folder() as sftp:
        names = [name for name in await sftp.listdir("out") if name not in (".", "..")]
        assert names == [run["delivered_name"]]
        async with sftp.open(f"out/{names[0]}", "r", encoding="utf-8") as file:
            lines = str(await file.read()).splitlines()
    assert lines[0] == "email;points"
    assert sorted(lines[1:]) == sorted(f"person{number}@shop.example;6" for number in range(100))
