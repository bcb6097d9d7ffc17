"""What was read of an upload counts for nothing once it has changed: news that stood in line, and looks between two
steps of a client.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.dropserver.ledger import DatabaseUploads
from services.dropserver.renaming import Renaming
from services.dropserver.tenant import Tenant as Client
from services.poller.handlers import take_upload
from services.poller.look import look
from services.poller.record import record
from services.poller.spot import Seen
from services.poller.tools import Tools
from services.poller.wiring import tools_of
from shared.contracts.places import UploadClosed
from shared.domain.arrival import FileStamp
from shared.runtime.service import Base
from shared.storage import arrivals, connections, uploads
from shared.storage.database import Tx
from shared.transfer.tree import Tree, stamp_of
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal, make_tenant

WHOLE = "email,name\nann@example.com,Ann\n"
HALF = "email,na"


@pytest_asyncio.fixture
async def tenant(base: Base, account: UUID) -> Tenant:
    """A tenant whose folder nobody watches, and who has a goal for what is closed in it."""
    made = await make_tenant(base, account)
    made.directory.mkdir(parents=True, exist_ok=True)
    await made.save(goal(source={"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}))
    return made


async def test_an_upload_whose_news_is_heard_after_a_newer_ones_was_written_down_is_no_arrival(tenant: Tenant) -> None:
    tools = _tools(tenant)
    former = await _opened(tenant, HALF)
    await _closed(tenant, former)
    async with _standing_in_line(tenant, take_upload(tools, _news(tenant, former))) as tx:
        newer = await _opened(tenant, WHOLE)
        await _take(tx, tenant, newer, await _closed(tenant, newer))
    assert await _present(tenant) == [(newer, "accepted")]


async def test_a_look_that_read_of_an_upload_under_way_does_not_undo_its_end(tenant: Tenant) -> None:
    upload = await _opened(tenant, HALF)
    async with _standing_in_line(tenant, look(_tools(tenant), tenant.account_id, tenant.connection_id)) as tx:
        (tenant.directory / "a.csv").write_text(WHOLE)
        await _take(tx, tenant, upload, await _closed(tenant, upload))
    assert await _present(tenant) == [(upload, "accepted")]


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "broken off"])
async def test_a_file_is_renamed_as_whole_as_it_is_when_its_upload_ends_at_that_moment(
    tenant: Tenant, ends: bool
) -> None:
    """Who renames it waits for who ends it, and takes nothing for whole, or for half, by what was before."""
    upload = await _opened(tenant, WHOLE, "a.part")
    client = Client(tenant.account_id, await _folder_id(tenant), uuid4(), tenant.directory)
    renaming = Renaming(Tree(tenant.directory), "a.part", "a.csv", replaces=True)
    told = DatabaseUploads(tenant.base.database, tenant.base.metrics).renamed(client, "a.part", "a.csv", renaming)
    file = stamp_of("a.part", (tenant.directory / "a.part").stat())
    async with tenant.base.database.account(tenant.account_id) as tx:
        if ends:
            assert await uploads.close(tx, upload, file.size_bytes, file.modified_at)
        else:
            assert await uploads.break_off(tx, upload)
        waiting = asyncio.create_task(told)
        await eventually(lambda: _is_stood_in_line(tenant), "it to stand in line")
    assert (await waiting is not None) == ends
    assert [each.name for each in tenant.directory.iterdir()] == ["a.csv" if ends else "a.part"]
    await look(_tools(tenant), tenant.account_id, tenant.connection_id)
    assert [state for _, state in await _present(tenant)] == ["accepted" if ends else "waiting"]


@asynccontextmanager
async def _standing_in_line(tenant: Tenant, work: Any) -> AsyncIterator[Tx]:
    """Something that waits, while inside, for its turn to write down what it has seen; done afterwards."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        await arrivals.lock_connection(tx, tenant.connection_id)
        waiting = asyncio.create_task(work)
        await eventually(lambda: _is_stood_in_line(tenant), "it to stand in line")
        yield tx
    await waiting


async def _is_stood_in_line(tenant: Tenant) -> bool:
    async with tenant.base.database.watching() as watch:
        row = await watch.connection.fetchrow("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted) AS is_so")
    assert row is not None
    return bool(row["is_so"])


def _tools(tenant: Tenant) -> Tools:
    return tools_of(tenant.base, tenant.base.settings.work_directory)


async def _folder_id(tenant: Tenant) -> UUID:
    async with tenant.base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
    assert place.transport == "hosted"
    return place.drop_folder_id


async def _opened(tenant: Tenant, content: str, name: str = "a.csv") -> UUID:
    """An upload under way, and as much as there is of its file."""
    folder_id = await _folder_id(tenant)
    async with tenant.base.database.account(tenant.account_id) as tx:
        upload_id = await uploads.open_(tx, folder_id, name)
    (tenant.directory / name).write_text(content)
    return upload_id


async def _closed(tenant: Tenant, upload_id: UUID) -> FileStamp:
    file = stamp_of("a.csv", (tenant.directory / "a.csv").stat())
    async with tenant.base.database.account(tenant.account_id) as tx:
        assert await uploads.close(tx, upload_id, file.size_bytes, file.modified_at)
    return file


async def _take(tx: Tx, tenant: Tenant, upload_id: UUID, file: FileStamp) -> None:
    await record(tx, tenant.connection_id, [Seen(file, upload_id, "closed")], await arrivals.clock(tx))


def _news(tenant: Tenant, upload_id: UUID) -> UploadClosed:
    return UploadClosed(
        message_id=uuid4(), occurred_at=datetime.now(UTC), account_id=tenant.account_id, upload_id=upload_id
    )


async def _present(tenant: Tenant) -> list[tuple[UUID | None, str]]:
    """What lies there, as the ledger knows it: uploads and states."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await tx.connection.fetch("SELECT upload_id, state FROM tidegate.arrivals WHERE vanished_at IS NULL")
    return [(row["upload_id"], row["state"]) for row in found]
