"""Two replicas that begin to write one name at the same moment never write one file."""

import asyncio
import os
from collections.abc import Awaitable, Coroutine
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncssh
import pytest

from services.dropserver.ledger import DatabaseUploads
from services.dropserver.refusals import NameTaken, QuotaUsedUp, Refusal
from services.dropserver.tenant import Begun, Latest, Limits, Look, Tenant, Uploads
from services.dropserver.uploads import Register, Upload
from services.dropserver.writing import Writing
from shared.observe.metrics import Metrics
from shared.storage import drop_folders, drop_usage, uploads
from shared.storage.database import Database
from shared.transfer.tree import Tree
from tests.eventually import eventually
from tests.fakes.drop import RememberedUploads
from tests.integration.dropserver.replicas import Replicas, replicas

ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
WHOLE = b"whole, and longer than what found no room"


class Hesitant(RememberedUploads):
    """Tells of a beginning only when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        self.is_asked.set()
        await self.may_go_on.wait()
        return await super().opened(tenant, path, look, cuts=cuts, after=after, end_bytes=end_bytes)


@dataclass
class Replica:
    """What a session needs of its server."""

    uploads: Uploads
    limits: Limits = field(default_factory=Limits)
    register: Register = field(default_factory=Register)
    is_closing: bool = False

    def carry_on(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        return asyncio.ensure_future(work)


@pytest.mark.parametrize("flags", [ANEW, ANEW | os.O_EXCL], ids=["anew", "exclusive"])
async def test_who_looked_before_the_other_began_gets_a_file_of_its_own(tmp_path: Path, flags: int) -> None:
    tenant = Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path)
    slow, quick = Hesitant(), RememberedUploads()
    first, second = (Writing(Replica(each), tenant, Tree(tmp_path)) for each in (slow, quick))
    beginning = asyncio.create_task(first.begin("a.csv", flags))
    await slow.is_asked.wait()
    theirs = await second.begin("a.csv", flags)
    second.write(theirs, 0, b"the second one, which is longer")
    slow.may_go_on.set()
    if flags & os.O_EXCL:
        with pytest.raises(NameTaken):
            await beginning
        await second.finish(theirs)
        assert (tmp_path / "a.csv").read_bytes() == b"the second one, which is longer"
        return
    ours = await beginning
    first.write(ours, 0, b"the first")
    second.write(theirs, 0, b"THE")
    await first.finish(ours)
    with pytest.raises(FileNotFoundError):
        await second.finish(theirs)
    assert (tmp_path / "a.csv").read_bytes() == b"the first"
    assert [slow.short[-1], quick.short[-1]] == [("closed", "a.csv"), ("broken", "a.csv")]


class Drowsy(RememberedUploads):
    """Tells of the first beginning at once, and goes on with it only when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.is_told = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        begun = await super().opened(tenant, path, look, cuts=cuts, after=after, end_bytes=end_bytes)
        if not self.is_told.is_set():
            self.is_told.set()
            await self.may_go_on.wait()
        return begun


class Sleepy(DatabaseUploads):
    """Goes on with what it has told only when it may."""

    def __init__(self, database: Database, metrics: Metrics) -> None:
        super().__init__(database, metrics)
        self.is_told = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        begun = await super().opened(tenant, path, look, cuts=cuts, after=after, end_bytes=end_bytes)
        self.is_told.set()
        await self.may_go_on.wait()
        return begun


@pytest.mark.parametrize("before", [None, b"what lay there"], ids=["new", "replaced"])
@pytest.mark.parametrize("flags", [ANEW, os.O_RDWR], ids=["anew", "resumed"])
async def test_who_began_before_the_other_and_slept_leaves_the_others_file_alone(
    tmp_path: Path, flags: int, before: bytes | None
) -> None:
    file = tmp_path / "a.csv"
    if before is not None:
        file.write_bytes(before)
    tenant, both = Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path), Drowsy()
    first, second = (Writing(Replica(both), tenant, Tree(tmp_path)) for _ in range(2))
    beginning = asyncio.create_task(_begun(first, flags))
    await both.is_told.wait()
    theirs = await second.begin("a.csv", ANEW)
    second.write(theirs, 0, b"whole")
    await second.finish(theirs)
    both.may_go_on.set()
    with pytest.raises(Refusal, match="another session"):
        await beginning
    assert file.read_bytes() == b"whole"
    assert both.short == [("opened", "a.csv"), ("opened", "a.csv"), ("closed", "a.csv"), ("broken", "a.csv")]


async def test_of_two_that_begin_one_name_at_the_same_moment_the_one_that_is_opened_first_gives_way(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, count=2) as house:
        made, password = await house.login()
        async with (
            house.client(made.username, password) as first,
            house.client(made.username, password, at=1) as second,
        ):
            async with database.account(account) as tx:
                # Whoever begins needs this row, and both of them are past their look at each other by then.
                await drop_usage.change(tx, house.folder_id, 1)
                opening = []
                for number, client in enumerate((first, second), 1):
                    opening.append(asyncio.create_task(_open(client, "a.csv")))
                    await eventually(partial(_wait, database, number), "them to begin")
            await asyncio.wait(opening)
            async with database.account(account, read_only=True) as tx:
                rows = await tx.connection.fetch("SELECT state FROM tidegate.uploads ORDER BY opened_at")
            assert [row["state"] for row in rows] == ["broken", "open"]
            with pytest.raises(asyncssh.SFTPError):
                await _end(opening[0])
            await _end(opening[1])
            async with database.account(account, read_only=True) as tx:
                used = await drop_usage.get(tx, house.folder_id)
            # The one byte is of the change above.
            assert (used.bytes, used.files) == (1, 1)


async def test_who_began_before_another_file_got_its_name_leaves_that_alone(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    """Also while that is on disk already, and the ledger says nothing of it yet."""
    async with replicas(database, account, tmp_path) as house:
        made, _ = await house.login()
        house.directory.mkdir(parents=True)
        (house.directory / "whole").write_bytes(b"whole")
        tenant = Tenant(account, house.folder_id, made.id, house.directory)
        sleeping = Sleepy(database, Metrics())
        first, second = (
            Writing(Replica(each), tenant, Tree(house.directory))
            for each in (sleeping, DatabaseUploads(database, Metrics()))
        )
        beginning = asyncio.create_task(first.begin("a.csv", ANEW))
        await sleeping.is_told.wait()
        async with database.account(account) as tx:
            # What is renamed needs this row when its name is on disk already.
            await drop_usage.change(tx, house.folder_id, 1)
            renaming = asyncio.create_task(second.rename("whole", "a.csv", replace=True))
            await eventually((house.directory / "a.csv").exists, "the file to have its name")
            sleeping.may_go_on.set()
            await eventually(partial(_wait, database, 2), "the other to want the name")
        await renaming
        with pytest.raises(Refusal, match="another session"):
            await beginning
        assert [(file.name, file.read_bytes()) for file in house.directory.iterdir()] == [("a.csv", b"whole")]
        assert await _uploads(database, account) == [("a.csv", "broken"), ("a.csv", "closed")]


async def test_who_wants_a_new_name_and_is_late_hides_nothing(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        made, _ = await house.login()
        house.directory.mkdir(parents=True)
        tenant = Tenant(account, house.folder_id, made.id, house.directory)
        first, second = (
            Writing(Replica(DatabaseUploads(database, Metrics())), tenant, Tree(house.directory)) for _ in range(2)
        )
        async with database.account(account) as tx:
            await uploads.hold(tx, house.folder_id, "a.csv")
            beginning = asyncio.create_task(first.begin("a.csv", ANEW | os.O_EXCL))
            await eventually(partial(_wait, database, 1), "it to have looked")
            (house.directory / "a.csv").write_bytes(b"whole")
        with pytest.raises(NameTaken):
            await beginning
        assert await _uploads(database, account) == []
        # And who deletes waits for who begins: nobody's upload is broken off by what went before it.
        theirs = await second.begin("a.csv", ANEW)
        second.write(theirs, 0, b"newer")
        await second.finish(theirs)
        await first.remove("a.csv")
        assert await _uploads(database, account) == [("a.csv", "moved")]


@pytest.mark.parametrize("flags", [os.O_RDWR, ANEW], ids=["resumed", "anew"])
async def test_what_found_no_room_takes_nothing_of_the_other_away(
    database: Database, account: UUID, tmp_path: Path, flags: int
) -> None:
    """Who goes on with a file has the same one; who begins anew may do so just when it is to be removed."""
    async with replicas(database, account, tmp_path) as house:
        first, second = await _two_in_a_folder_of(house, quota_bytes=1024**2)
        ours = await _full(first)
        theirs = await second.begin("a.csv", flags)
        second.write(theirs, 0, WHOLE)
        await second.finish(theirs)
        with pytest.raises(QuotaUsedUp):
            await first.finish(ours)
        assert (house.directory / "a.csv").read_bytes() == WHOLE
        assert await _uploads(database, account) == [("a.csv", "broken"), ("a.csv", "closed")]
        async with database.account(account, read_only=True) as tx:
            used = await drop_usage.get(tx, house.folder_id)
        assert (used.bytes, used.files) == (len(WHOLE), 1)


@pytest.mark.parametrize("ends", ["finished", "broken off"])
async def test_what_found_no_room_is_removed_while_nobody_can_have_its_name(
    database: Database, account: UUID, tmp_path: Path, ends: str
) -> None:
    async with replicas(database, account, tmp_path) as house:
        first, _ = await _two_in_a_folder_of(house, quota_bytes=1024**2)
        ours = await _full(first)
        async with database.account(account) as tx:
            await uploads.hold(tx, house.folder_id, "a.csv")
            ending = asyncio.create_task(first.finish(ours) if ends == "finished" else first.break_off(ours))
            await eventually(partial(_wait, database, 1), "it to want the name")
            assert (house.directory / "a.csv").exists()
        if ends == "finished":
            with pytest.raises(QuotaUsedUp):
                await ending
        await asyncio.wait([ending])
        assert list(house.directory.iterdir()) == []
        assert await _uploads(database, account) == [("a.csv", "broken")]
        async with database.account(account, read_only=True) as tx:
            used = await drop_usage.get(tx, house.folder_id)
        assert (used.bytes, used.files) == (0, 0)


async def _two_in_a_folder_of(house: Replicas, quota_bytes: int) -> tuple[Writing, Writing]:
    """Two writers of one login, as at two replicas, where there is so much room."""
    made, _ = await house.login()
    async with house.database.account(house.account_id) as tx:
        found = await drop_folders.get(tx, house.folder_id)
        await drop_folders.update(tx, replace(found, quota_bytes=quota_bytes))
    house.directory.mkdir(parents=True)
    tenant = Tenant(house.account_id, house.folder_id, made.id, house.directory)
    first, second = (
        Writing(Replica(DatabaseUploads(house.database, Metrics())), tenant, Tree(house.directory)) for _ in range(2)
    )
    return first, second


async def _full(writing: Writing) -> Upload:
    """An upload that has found no room for all of it."""
    upload = await writing.begin("a.csv", ANEW)
    writing.write(upload, 0, b"first, and longer")
    with pytest.raises(QuotaUsedUp):
        await writing.make_room(upload, 2 * 1024**2)
    return upload


async def _begun(writing: Writing, flags: int) -> None:
    """Up to the first byte: a whole file is gone on with from then on."""
    await writing.make_room(await writing.begin("a.csv", flags), 1)


async def test_a_connection_that_breaks_while_its_first_byte_waits_leaves_nothing_under_way(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"whole")
    tenant, drowsy = Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path), Drowsy()
    replica = Replica(drowsy)
    writing = Writing(replica, tenant, Tree(tmp_path))
    upload = await writing.begin("a.csv", os.O_RDWR)
    beginning = asyncio.create_task(writing.make_room(upload, 6))
    await drowsy.is_told.wait()
    breaking = asyncio.create_task(writing.break_off(upload))
    # Its turn comes, and the file is not closed under who begins just now.
    await asyncio.sleep(0)
    drowsy.may_go_on.set()
    await asyncio.gather(beginning, breaking)
    assert drowsy.short == [("opened", "a.csv"), ("broken", "a.csv")]
    assert replica.register.count == 0
    with pytest.raises(Refusal, match="closed"):
        writing.write(upload, 5, b"1")


async def _uploads(database: Database, account: UUID) -> list[tuple[str, str]]:
    async with database.account(account, read_only=True) as tx:
        rows = await tx.connection.fetch("SELECT path, state FROM tidegate.uploads ORDER BY opened_at")
    return [(row["path"], row["state"]) for row in rows]


async def _open(client: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPClientFile:
    return await client.open(path, "wb")


async def _end(opening: asyncio.Task[asyncssh.SFTPClientFile]) -> None:
    await (await opening).close()


async def _wait(database: Database, number: int) -> bool:
    """Whether so many wait for a lock."""
    async with database.watching() as watch:
        row = await watch.connection.fetchrow("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return row is not None and row["count"] == number
