"""When a closed upload is not taken at once: its connection is switched off, or another file completes it."""

from datetime import UTC, datetime
from uuid import uuid4

from services.poller.handlers import take_upload
from services.poller.wiring import tools_of
from shared.contracts.places import UploadClosed
from shared.storage import connections, uploads
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal

CONTENT = "email,name\nann@example.com,Ann\n"


async def test_an_upload_to_a_connection_that_is_switched_off_waits_until_it_is_on(tenant: Tenant) -> None:
    await tenant.save(goal(source={"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}))
    await _switch(tenant, on=False)
    await take_upload(tools_of(tenant.base, tenant.base.settings.work_directory), await _uploaded(tenant, "a.csv"))
    assert await tenant.arrivals() == {}

    await _switch(tenant, on=True)
    # A look that was under way when it was switched off may have taken the file already: its run was held back, and is
    # let go now.
    run = await tenant.ended(lambda run: run["path"] == "a.csv" and run["state"] != "waiting")

    assert run["state"] == "completed", run["receipt"]


async def test_an_upload_that_a_marker_completes_waits_until_the_marker_is_closed_too(tenant: Tenant) -> None:
    readiness = {"strategy": ["marker", "closed"]}
    await tenant.save(goal(source={"pattern": {"wildcard": "*.csv"}, "readiness": readiness}))
    tools = tools_of(tenant.base, tenant.base.settings.work_directory)
    await _under_way(tenant, "a.csv.ok")
    await take_upload(tools, await _uploaded(tenant, "a.csv"))
    await eventually(lambda: _waits(tenant, "a.csv", "marker_missing"), "the file to wait")
    await take_upload(tools, await _uploaded(tenant, "a.csv.ok"))
    await tenant.settled("a.csv")
    assert {path.name for path in tenant.directory.iterdir()} == {"a.csv.done", "a.csv.ok.done"}


async def _waits(tenant: Tenant, path: str, code: str) -> bool:
    return (await tenant.arrivals()).get(path, {}).get("reason_code") == code


async def _under_way(tenant: Tenant, name: str) -> None:
    """An upload that has begun, and whose file can be seen."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        folder = (await connections.get(tx, tenant.connection_id)).settings.place
        assert folder.transport == "hosted"
        await uploads.open_(tx, folder.drop_folder_id, name)
    tenant.directory.mkdir(parents=True, exist_ok=True)
    (tenant.directory / name).touch()


async def _switch(tenant: Tenant, *, on: bool) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        settings = (await connections.get(tx, tenant.connection_id)).settings
        changed = settings.model_copy(update={"active": on})
        await connections.update(tx, tenant.base.keys, tenant.connection_id, changed, {})


async def _uploaded(tenant: Tenant, name: str) -> UploadClosed:
    """An upload as the dropserver leaves it, and what it says of it."""
    place = tenant.directory / name
    async with tenant.base.database.account(tenant.account_id) as tx:
        folder = (await connections.get(tx, tenant.connection_id)).settings.place
        assert folder.transport == "hosted"
        upload_id = await uploads.open_(tx, folder.drop_folder_id, name)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(CONTENT)
        found = place.stat()
        written_at = datetime.fromtimestamp(found.st_mtime, UTC)
        await uploads.close(tx, upload_id, found.st_size, written_at)
    return UploadClosed(
        message_id=uuid4(), occurred_at=datetime.now(UTC), account_id=tenant.account_id, upload_id=upload_id
    )
