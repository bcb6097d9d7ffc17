"""The directory of a hosted folder is away: nothing in it is told as gone, nobody makes an empty one in its place, and
all goes on when it is back.
"""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.exporter.wiring import running as exporting
from services.importer.give_back import give_back
from services.importer.settle import settle
from services.importer.wiring import running as importing
from services.importer.wiring import tools_of as importers_tools
from services.poller.answer import answer
from services.poller.handlers import take_upload
from services.poller.look import look
from services.poller.wiring import tools_of
from shared.contracts.runs import ArrivalEnded, ReturnRequested
from shared.domain.export_goal import ExportProfiles
from shared.runtime.room import LedgerRoom
from shared.runtime.service import Base
from shared.storage import connections, drop_usage, inquiries, samples, uploads
from tests.eventually import eventually
from tests.integration.road.line import folder_id, news, opened, present, uploaded
from tests.integration.road.place import Tenant, goal, make_tenant
from tests.volumes import away

WHOLE = "email,name\nann@example.com,Ann\n"
HALF = "email,na"


@pytest_asyncio.fixture
async def tenant(base: Base, account: UUID) -> Tenant:
    """A tenant whose folder nobody watches, with a goal for what is closed in it."""
    made = await make_tenant(base, account)
    made.directory.mkdir(parents=True)
    source = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}
    await made.save(goal(source=source, rejects={"return_to": "back"}))
    return made


@pytest.fixture(params=["folder", "volume"])
def what(request: pytest.FixtureRequest, tenant: Tenant) -> Path:
    """What goes away: the directory of the folder alone, or all that lies on the volume."""
    return tenant.directory if request.param == "folder" else tenant.base.settings.drop_directory


async def test_a_look_tells_nothing_as_gone_and_goes_on_when_it_is_back(tenant: Tenant, what: Path) -> None:
    whole = await uploaded(tenant, WHOLE, "a.csv")
    half = await opened(tenant, HALF, "half.csv")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await uploads.break_off(tx, half)
    assert await _failures_after_a_look(tenant) == 0
    before = await tenant.arrivals(), await tenant.runs()
    assert sorted(await present(tenant), key=str) == sorted([(whole, "accepted"), (half, "waiting")], key=str)
    with away(what):
        assert await _failures_after_a_look(tenant) == 1
        assert not tenant.directory.exists()
        assert await _asked(tenant) == ["drop_folder_missing"] * 2
        assert not tenant.directory.exists()
    assert await _failures_after_a_look(tenant) == 0
    assert (await tenant.arrivals(), await tenant.runs()) == before


async def test_a_file_that_no_look_has_seen_yet_is_known_to_lie_there_too(tenant: Tenant, what: Path) -> None:
    upload = await uploaded(tenant, WHOLE)
    with away(what):
        assert await _failures_after_a_look(tenant) == 1
        assert not tenant.directory.exists()
    assert await _failures_after_a_look(tenant) == 0
    assert await present(tenant) == [(upload, "accepted")]


async def test_a_folder_in_which_nothing_is_known_to_lie_is_made(tenant: Tenant) -> None:
    for _ in range(2):
        tenant.directory.rmdir()
        assert await _failures_after_a_look(tenant) == 0
        assert tenant.directory.is_dir()
        upload = await uploaded(tenant, WHOLE)
        await take_upload(tools_of(tenant.base, tenant.base.settings.work_directory), news(tenant, upload))
        (tenant.directory / "a.csv").unlink()
        assert await _failures_after_a_look(tenant) == 0


async def test_who_imports_a_file_marks_it_or_returns_rejects_waits_until_it_is_back(
    tenant: Tenant, what: Path, tmp_path: Path
) -> None:
    await uploaded(tenant, WHOLE)
    await _failures_after_a_look(tenant)
    stopping = asyncio.Event()
    async with importing(tenant.base, stopping):
        with away(what):

            async def waits() -> bool:
                return [run["reason_code"] for run in await tenant.runs()] == ["drop_folder_missing"]

            await eventually(waits, "the run to wait")
            assert not tenant.directory.exists()
        assert (await tenant.ended(lambda run: run["state"] != "waiting"))["state"] == "completed"
        stopping.set()
    [run], tools = await tenant.runs(), importers_tools(tenant.base, tmp_path)
    about = {"message_id": uuid4(), "occurred_at": datetime.now(UTC), "account_id": tenant.account_id}
    with away(what):
        await settle(tools, ArrivalEnded(**about, arrival_id=run["arrival_id"]))
        await give_back(tools, ReturnRequested(**about, run_id=run["run_id"]))
        assert not tenant.directory.exists()
    assert (await tenant.arrivals())["a.csv"]["settled_at"] is None
    assert [each["return_state"] for each in await tenant.runs()] == ["asked"]


async def test_who_exports_waits_until_it_is_back(tenant: Tenant, what: Path) -> None:
    """Also where nothing is known to lie there but what an export put there before."""
    target = {"file_name": "all.csv"}
    exported = {"kind": "export_profiles", "name": "All", "target": target, "columns": [{"property": "email"}]}
    goal_id = await tenant.save(ExportProfiles.model_validate(exported))
    stopping = asyncio.Event()
    async with exporting(tenant.base, stopping):
        first = await tenant.exported(goal_id)
        assert first["state"] == "completed", first["reason_detail"]
        with away(what):
            waiting = await tenant.exported(goal_id)
            assert (waiting["state"], waiting["reason_code"]) == ("waiting", "drop_folder_missing")
            assert not tenant.directory.exists()
        again = await tenant.ended(lambda run: run["run_id"] == waiting["run_id"] and run["state"] != "waiting")
        stopping.set()
    assert again["state"] == "completed"
    assert [file.name for file in tenant.directory.iterdir()] == ["all.csv"]


async def test_a_measure_makes_nothing_and_leaves_what_was_counted(tenant: Tenant, what: Path) -> None:
    folder = await folder_id(tenant)
    room = LedgerRoom(tenant.base.database, tenant.account_id, folder, tenant.directory)
    await uploaded(tenant, WHOLE)
    assert await room.measure(0)
    with away(what):
        assert await room.measure(0)
        assert not tenant.directory.exists()
    async with tenant.base.database.account(tenant.account_id) as tx:
        used = await drop_usage.get(tx, folder)
    assert (used.bytes, used.files) == (len(WHOLE), 1)


async def test_a_mount_point_in_which_nothing_can_be_made_is_told_as_such(tenant: Tenant) -> None:
    tenant.directory.rmdir()
    tenant.directory.parent.rmdir()
    tenant.directory.parent.write_text("in its way")
    assert await _asked(tenant) == ["server_failed"] * 2


async def _failures_after_a_look(tenant: Tenant) -> int:
    tools = tools_of(tenant.base, tenant.base.settings.work_directory)
    assert await look(tools, tenant.account_id, tenant.connection_id)
    async with tenant.base.database.account(tenant.account_id) as tx:
        return (await connections.get(tx, tenant.connection_id)).failures_in_a_row


async def _asked(tenant: Tenant) -> list[str]:
    """What a trial of the connection fails with, and what the fetching of a sample."""
    tools = tools_of(tenant.base, tenant.base.settings.work_directory)
    async with tenant.base.database.account(tenant.account_id) as tx:
        sample = await samples.ask(tx, tenant.connection_id, "a.csv", 60)
        asked = [await inquiries.ask(tx, tenant.connection_id, sample_id=each) for each in (None, sample.id)]
    for each in asked:
        await answer(tools, tenant.account_id, each)
    async with tenant.base.database.account(tenant.account_id) as tx:
        tried = (await inquiries.get(tx, asked[0])).answer
        reason = (await samples.get(tx, sample.id)).reason
    assert tried is not None
    assert reason is not None
    return [*(step["code"] for step in tried["steps"] if step["code"]), reason.code]
