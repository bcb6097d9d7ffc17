"""A connection that is switched off takes no upload; switched on again it takes what came meanwhile."""

from datetime import UTC, datetime
from uuid import uuid4

from services.poller.handlers import take_upload
from services.poller.wiring import tools_of
from shared.contracts.places import UploadClosed
from shared.storage import connections, uploads
from tests.integration.road.place import Tenant, goal

CONTENT = "email,name\nann@example.com,Ann\n"


async def test_an_upload_to_a_connection_that_is_switched_off_waits_until_it_is_on(tenant: Tenant) -> None:
    await tenant.save(goal(source={"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}))
    await _switch(tenant, on=False)
    await take_upload(tools_of(tenant.base, tenant.base.settings.work_directory), await _uploaded(tenant, "a.csv"))
    assert await tenant.arrivals() == {}

    await _switch(tenant, on=True)
    run = await tenant.ended(lambda run: run["path"] == "a.csv")

    assert run["state"] == "completed", run["receipt"]


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
