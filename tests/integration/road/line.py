"""Uploads and their news, step by step as a test wants them, and who stands in line for what they hold."""

from datetime import UTC, datetime
from uuid import UUID, uuid4

from shared.contracts.places import UploadClosed
from shared.domain.arrival import FileStamp
from shared.storage import connections, uploads
from shared.transfer.tree import stamp_of
from tests.eventually import eventually
from tests.integration.road.place import Tenant


async def stands_in_line(tenant: Tenant) -> None:
    """Wait until somebody waits for a lock."""

    async def is_so() -> bool:
        async with tenant.base.database.watching() as watch:
            row = await watch.connection.fetchrow("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS is_so")
        assert row is not None
        return bool(row["is_so"])

    await eventually(is_so, "it to stand in line")


async def folder_id(tenant: Tenant) -> UUID:
    """The folder that the tenant's connection watches."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
    assert place.transport == "hosted"
    return place.drop_folder_id


async def opened(tenant: Tenant, content: str, name: str = "a.csv") -> UUID:
    """An upload under way, and as much as there is of its file."""
    folder = await folder_id(tenant)
    async with tenant.base.database.account(tenant.account_id) as tx:
        upload_id = await uploads.open_(tx, folder, name)
    (tenant.directory / name).write_text(content)
    return upload_id


async def closed(tenant: Tenant, upload_id: UUID, name: str = "a.csv") -> FileStamp:
    """Its end."""
    file = lying(tenant, name)
    async with tenant.base.database.account(tenant.account_id) as tx:
        assert await uploads.close(tx, upload_id, file.size_bytes, file.modified_at)
    return file


async def uploaded(tenant: Tenant, content: str, name: str = "a.csv") -> UUID:
    """An upload from its beginning to its end; its news is not heard."""
    upload_id = await opened(tenant, content, name)
    await closed(tenant, upload_id, name)
    return upload_id


def lying(tenant: Tenant, name: str = "a.csv") -> FileStamp:
    """What lies there."""
    return stamp_of(name, (tenant.directory / name).stat())


def news(tenant: Tenant, upload_id: UUID) -> UploadClosed:
    """That it has ended."""
    return UploadClosed(
        message_id=uuid4(), occurred_at=datetime.now(UTC), account_id=tenant.account_id, upload_id=upload_id
    )


async def present(tenant: Tenant) -> list[tuple[UUID | None, str]]:
    """What lies there, as the ledger knows it: uploads and states."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await tx.connection.fetch("SELECT upload_id, state FROM tidegate.arrivals WHERE vanished_at IS NULL")
    return [(row["upload_id"], row["state"]) for row in found]
