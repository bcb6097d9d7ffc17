"""Two replicas that begin to write one name at the same moment never write one file."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import asyncssh
import pytest

from services.dropserver.refusals import Refusal
from services.dropserver.tenant import Begun, Limits, Tenant
from services.dropserver.uploads import Register, Upload
from services.dropserver.writing import Writing
from shared.storage import drop_usage
from shared.storage.database import Database
from shared.transfer.tree import Tree
from tests.eventually import eventually
from tests.fakes.drop import RememberedUploads
from tests.integration.dropserver.replicas import replicas

ANEW = os.O_WRONLY | os.O_CREAT | os.O_TRUNC


class Hesitant(RememberedUploads):
    """Tells of a beginning only when it may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def opened(self, tenant: Tenant, path: str, before_bytes: int | None, *, cuts: bool) -> Begun:
        self.is_asked.set()
        await self.may_go_on.wait()
        return await super().opened(tenant, path, before_bytes, cuts=cuts)


@dataclass
class Replica:
    """What a session needs of its server."""

    uploads: RememberedUploads
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
        with pytest.raises(FileExistsError):
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

    async def opened(self, tenant: Tenant, path: str, before_bytes: int | None, *, cuts: bool) -> Begun:
        begun = await super().opened(tenant, path, before_bytes, cuts=cuts)
        if not self.is_told.is_set():
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
    beginning = asyncio.create_task(first.begin("a.csv", flags))
    await both.is_told.wait()
    theirs = await second.begin("a.csv", ANEW)
    second.write(theirs, 0, b"whole")
    await second.finish(theirs)
    both.may_go_on.set()
    with pytest.raises(Refusal, match="another session"):
        await beginning
    assert file.read_bytes() == b"whole"
    assert both.short == [("opened", "a.csv"), ("opened", "a.csv"), ("closed", "a.csv"), ("broken", "a.csv")]


class Interrupted(Tree):
    """Others do something to its end right before or right after a name is taken away, the first time."""

    def __init__(self, root: Path, comes: Callable[[], Coroutine[Any, Any, None]], *moments: str) -> None:
        super().__init__(root)
        self._comes = comes
        self._moments = [*moments]

    def take_away(self, path: str, aside: str) -> None:
        self._meanwhile("before")
        super().take_away(path, aside)
        self._meanwhile("after")

    def _meanwhile(self, moment: str) -> None:
        if moment in self._moments:
            self._moments.remove(moment)
            # This replica does nothing until they are done: they have a loop of their own.
            with ThreadPoolExecutor(1) as others:
                others.submit(asyncio.run, self._comes()).result()


@pytest.mark.parametrize("are_finished", [True, False], ids=["finished", "under way"])
@pytest.mark.parametrize("moments", [["before"], ["after"], ["before", "after"]], ids="-".join)
async def test_who_slept_while_it_took_a_name_away_leaves_the_newest_file_alone_and_nothing_beside_it(
    tmp_path: Path, moments: list[str], are_finished: bool
) -> None:
    (tmp_path / "a.csv").write_bytes(b"what lay there")
    tenant, all_of_them = Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path), RememberedUploads()
    others = Writing(Replica(all_of_them), tenant, Tree(tmp_path))
    theirs: list[Upload] = []

    async def upload() -> None:
        theirs.append(await others.begin("a.csv", ANEW))
        others.write(theirs[-1], 0, b"number %d" % len(theirs))
        if are_finished:
            await others.finish(theirs[-1])

    sleeper = Writing(Replica(all_of_them), tenant, Interrupted(tmp_path, upload, *moments))
    with pytest.raises(Refusal, match="another session"):
        await sleeper.begin("a.csv", ANEW)
    if not are_finished:
        await others.finish(theirs[-1])
        await others.break_off(theirs[0])
    assert {each.name: each.read_bytes() for each in tmp_path.iterdir()} == {"a.csv": b"number %d" % len(moments)}


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


async def _open(client: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPClientFile:
    return await client.open(path, "wb")


async def _end(opening: asyncio.Task[asyncssh.SFTPClientFile]) -> None:
    await (await opening).close()


async def _wait(database: Database, number: int) -> bool:
    """Whether so many wait for a lock."""
    async with database.watching() as watch:
        row = await watch.connection.fetchrow("SELECT count(*) FROM pg_locks WHERE NOT granted")
    return row is not None and row["count"] == number
