"""What was read of a file counts for nothing once it has changed: news that stood in line, and looks between two steps
of a client, or of who removes it.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio

from services.dropserver.ledger import DatabaseUploads
from services.dropserver.renaming import Renaming
from services.dropserver.tenant import Tenant as Client
from services.poller import look as looking
from services.poller.handlers import take_upload
from services.poller.look import look
from services.poller.record import record
from services.poller.retention import Task, clean
from services.poller.spot import Seen
from services.poller.tools import Tools
from services.poller.wiring import tools_of
from shared.domain.arrival import FileStamp
from shared.runtime.service import Base
from shared.storage import arrivals, uploads
from shared.storage.database import Tx
from shared.transfer.tree import Tree
from tests.integration.road.line import closed, folder_id, lying, news, opened, present, stands_in_line, uploaded
from tests.integration.road.place import Tenant, goal, make_tenant

WHOLE = "email,name\nann@example.com,Ann\n"
OTHER = "email,name\nbob@example.com,Bob\n"
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
    former = await uploaded(tenant, HALF)
    async with _standing_in_line(tenant, take_upload(tools, news(tenant, former))) as tx:
        newer = await opened(tenant, WHOLE)
        await _take(tx, tenant, newer, await closed(tenant, newer))
    assert await present(tenant) == [(newer, "accepted")]


async def test_a_look_that_read_of_an_upload_under_way_does_not_undo_its_end(tenant: Tenant) -> None:
    upload = await opened(tenant, HALF)
    async with _standing_in_line(tenant, look(_tools(tenant), tenant.account_id, tenant.connection_id)) as tx:
        (tenant.directory / "a.csv").write_text(WHOLE)
        await _take(tx, tenant, upload, await closed(tenant, upload))
    assert await present(tenant) == [(upload, "accepted")]


async def test_what_an_upload_put_there_after_a_look_listed_nothing_is_not_gone(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though what lay under its name was seen before the look began."""
    tools = _tools(tenant)
    await opened(tenant, HALF)
    await look(tools, tenant.account_id, tenant.connection_id)
    (tenant.directory / "a.csv").unlink()
    newer: list[UUID] = []

    async def upload() -> None:
        newer.append(await uploaded(tenant, WHOLE))
        await take_upload(tools, news(tenant, newer[0]))

    with monkeypatch.context() as patched:
        _then(patched, "list_watched", upload)
        await look(tools, tenant.account_id, tenant.connection_id)
    await look(tools, tenant.account_id, tenant.connection_id)
    assert await present(tenant) == [(newer[0], "accepted")]
    assert len(await tenant.runs()) == 1


async def test_news_that_comes_again_says_nothing_of_what_came_another_way_since(tenant: Tenant) -> None:
    tools = _tools(tenant)
    first = await uploaded(tenant, WHOLE)
    await take_upload(tools, news(tenant, first))
    # It was imported, and marked.
    (tenant.directory / "a.csv").rename(tenant.directory / "a.csv.done")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await arrivals.vanish(tx, [row["arrival_id"] for row in (await tenant.arrivals()).values()])
    tenant.drop("a.csv", OTHER)
    await look(tools, tenant.account_id, tenant.connection_id)
    [other] = [row["arrival_id"] for row in (await tenant.arrivals()).values()]
    before = await present(tenant), [run["run_id"] for run in await tenant.runs()]
    assert [upload_id for upload_id, _ in before[0]] == [None]
    await take_upload(tools, news(tenant, first))
    assert (await present(tenant), [run["run_id"] for run in await tenant.runs()]) == before
    assert (await tenant.arrivals())["a.csv"]["arrival_id"] == other


async def test_an_upload_is_not_judged_by_what_a_look_read_before_its_end(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither by a listing's time nor by a checksum, which are those of the file before."""
    readiness = {"strategy": "checksum", "checksum": "{name}.sha256"}
    await tenant.save(goal(name="Sums", source={"pattern": {"wildcard": "*.txt"}, "readiness": readiness}))
    tools = _tools(tenant)
    newer: list[UUID] = []

    async def upload() -> None:
        newer.append(await uploaded(tenant, OTHER, "a.txt"))
        await uploaded(tenant, _sum(OTHER), "a.txt.sha256")

    await uploaded(tenant, WHOLE, "a.txt")
    await uploaded(tenant, _sum(WHOLE), "a.txt.sha256")
    os.utime(tenant.directory / "a.txt", (1, 1))
    assert len(WHOLE) == len(OTHER)
    with monkeypatch.context() as patched:
        _then(patched, "find_beside", upload)
        await look(tools, tenant.account_id, tenant.connection_id)
    assert await tenant.runs() == []
    await look(tools, tenant.account_id, tenant.connection_id)
    found = (await tenant.arrivals())["a.txt"]
    assert (found["upload_id"], found["state"], found["expected_sha256"], found["modified_at"]) == (
        *(newer[0], "accepted"),
        sha256(OTHER.encode()).hexdigest(),
        lying(tenant, "a.txt").modified_at,
    )


async def test_a_look_that_listed_a_file_before_it_was_removed_leaves_what_is_told_of_that(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = _tools(tenant)
    tenant.drop("nobody.txt", WHOLE)
    await look(tools, tenant.account_id, tenant.connection_id)
    later = datetime.now(UTC) + timedelta(days=1)
    task = Task(tenant.account_id, await folder_id(tenant), Tree(tenant.directory), 30, later)
    with monkeypatch.context() as patched:
        _then(patched, "list_watched", lambda: clean(tools, task, asyncio.Event()))
        await look(tools, tenant.account_id, tenant.connection_id)
    assert list(tenant.directory.iterdir()) == []
    found = (await tenant.arrivals())["nobody.txt"]
    assert found["expired_at"] is not None
    assert (found["reason_code"], found["reason_detail"]) == ("expired", task.why)


@pytest.mark.parametrize("ends", [True, False], ids=["ended", "broken off"])
async def test_a_file_is_renamed_as_whole_as_it_is_when_its_upload_ends_at_that_moment(
    tenant: Tenant, ends: bool
) -> None:
    """Who renames it waits for who ends it, and takes nothing for whole, or for half, by what was before."""
    upload = await opened(tenant, WHOLE, "a.part")
    client = Client(tenant.account_id, await folder_id(tenant), uuid4(), tenant.directory)
    renaming = Renaming(Tree(tenant.directory), "a.part", "a.csv", replaces=True)
    told = DatabaseUploads(tenant.base.database, tenant.base.metrics).renamed(client, "a.part", "a.csv", renaming)
    file = lying(tenant, "a.part")
    async with tenant.base.database.account(tenant.account_id) as tx:
        if ends:
            assert await uploads.close(tx, upload, file.size_bytes, file.modified_at)
        else:
            assert await uploads.break_off(tx, upload)
        waiting = asyncio.create_task(told)
        await stands_in_line(tenant)
    assert (await waiting is not None) == ends
    assert [each.name for each in tenant.directory.iterdir()] == ["a.csv" if ends else "a.part"]
    await look(_tools(tenant), tenant.account_id, tenant.connection_id)
    assert [state for _, state in await present(tenant)] == ["accepted" if ends else "waiting"]


@asynccontextmanager
async def _standing_in_line(tenant: Tenant, work: Any) -> AsyncIterator[Tx]:
    """Something that waits, while inside, for its turn to write down what it has seen; done afterwards."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        await arrivals.lock_connection(tx, tenant.connection_id)
        waiting = asyncio.create_task(work)
        await stands_in_line(tenant)
        yield tx
    await waiting


def _then(patched: pytest.MonkeyPatch, step: str, comes: Callable[[], Awaitable[None]]) -> None:
    """Something comes between that step of a look and the next."""
    does = getattr(looking, step)

    async def and_then(*args: Any, **named: Any) -> Any:
        done = await does(*args, **named)
        await comes()
        return done

    patched.setattr(looking, step, and_then)


def _tools(tenant: Tenant) -> Tools:
    return tools_of(tenant.base, tenant.base.settings.work_directory)


def _sum(content: str) -> str:
    return sha256(content.encode()).hexdigest() + "\n"


async def _take(tx: Tx, tenant: Tenant, upload_id: UUID, file: FileStamp) -> None:
    await record(tx, tenant.connection_id, [Seen(file, upload_id, "closed")], await arrivals.clock(tx))
