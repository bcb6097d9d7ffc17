"""What goes wrong with a file that is written or renamed harms it no more than is told, and nobody else."""

import errno
import os
import resource
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID, uuid4

import asyncssh
import pytest

from services.dropserver.ledger import DatabaseUploads
from services.dropserver.refusals import NotNow, QuotaUsedUp
from services.dropserver.tenant import Begun, Latest, Limits, Look, Moving, Tenant
from services.dropserver.uploads import Register, Upload
from services.dropserver.writing import Writing
from shared.domain.hosted_login import Right
from shared.observe.metrics import Metrics
from shared.storage import drop_folders, drop_usage
from shared.storage.database import Database
from shared.transfer.tree import Tree
from tests.eventually import eventually
from tests.fakes.drop import RememberedUploads
from tests.integration.dropserver.conftest import Host, open_under
from tests.integration.dropserver.replicas import Replicas, replicas
from tests.integration.dropserver.test_two_writers import ANEW, Replica

WHOLE = [("opened", "shop/a.csv"), ("closed", "shop/a.csv")]


@pytest.mark.parametrize("way", ["r+b", "ab"])
async def test_a_first_write_that_the_disk_refuses_is_followed_by_no_other(host: Host, way: str) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _put(client, b"whole")
        there, elsewhere = hosted.folder / "a.csv", hosted.folder / "elsewhere"
        file = await client.open("a.csv", way)
        there.rename(elsewhere)
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await file.write(b"+", 5)
        elsewhere.rename(there)
        # It would leave a hole.
        for attempt in (file.write(b"+", 6), file.close()):
            with pytest.raises(asyncssh.SFTPFailure, match="could not be written"):
                await attempt
        assert there.read_bytes() == b"whole"
        assert hosted.uploads.short == WHOLE


async def test_a_file_that_could_not_be_cut_is_not_whole(host: Host) -> None:
    """scp writes over a file and cuts it then; it closes it all the same."""
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _put(client, b"whole")
        file = await client.open("a.csv", "r+b")
        await file.write(b"new", 0)
        [doorman] = hosted.server._doormen
        doorman.tenant = replace(hosted.tenant, rights=frozenset({Right.READ, Right.LIST}))
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await file.setstat(asyncssh.SFTPAttrs(size=3))
        with pytest.raises(asyncssh.SFTPFailure, match="could not be written"):
            await file.close()
        assert hosted.uploads.short == [*WHOLE, ("opened", "shop/a.csv"), ("broken", "shop/a.csv")]


async def test_a_disk_that_says_nothing_of_one_file_ends_the_server_for_nobody(host: Host) -> None:
    async with (
        host(Limits(attend_seconds=0.05)) as hosted,
        hosted.client() as connection,
        connection.start_sftp_client() as client,
    ):
        await _put(client, b"whole")
        await client.open("a.csv", "r+b")
        [upload] = hosted.server.house.register._waiting
        (hosted.folder / "b.csv").write_bytes(b"whole")
        await client.open("b.csv", "r+b")
        kept = os.dup(upload.descriptor)
        os.close(upload.descriptor)
        try:
            (hosted.folder / "b.csv").unlink()
            await eventually(lambda: not any("b.csv" in each for each in open_under(hosted.folder)), "it to be let go")
        finally:
            os.dup2(kept, upload.descriptor)
            os.close(kept)
        await _put(client, b"newer")


def test_where_there_are_no_descriptors_left_who_gives_way_ends_nobody_else(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path / "a.csv", os.O_RDWR | os.O_CREAT)
    upload = Upload(descriptor, Begun(uuid4(), 0), "a.csv", 0, appends=False)
    free = os.dup(descriptor)
    os.close(free)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, limits[1]))
    try:
        Register().supersede(upload)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        os.close(descriptor)
    assert upload.is_lost


async def test_an_upload_of_whose_file_the_disk_says_nothing_is_told_as_broken(tmp_path: Path) -> None:
    told = RememberedUploads()
    writing = Writing(Replica(told), Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path), Tree(tmp_path))
    upload = await writing.begin("a.csv", ANEW)
    os.close(upload.descriptor)
    with suppress(OSError):
        await writing.break_off(upload)
    assert told.short == [("opened", "a.csv"), ("broken", "a.csv")]
    assert (told.used_bytes, told.used_files) == (0, 1)


@pytest.mark.parametrize("flags", [os.O_RDWR, os.O_WRONLY | os.O_APPEND], ids=["write", "append"])
@pytest.mark.parametrize("ends", ["finished", "broken off"])
async def test_a_whole_file_that_is_gone_on_with_is_kept_where_the_rest_finds_no_room(
    database: Database, account: UUID, tmp_path: Path, flags: int, ends: str
) -> None:
    async with replicas(database, account, tmp_path) as house:
        writing = await _writing(house, DatabaseUploads(database, Metrics()), quota_bytes=1024**2)
        await _whole(writing)
        upload = await writing.begin("a.csv", flags)
        await writing.make_room(upload, 6)
        writing.write(upload, 5, b"+")
        with pytest.raises(QuotaUsedUp):
            await writing.make_room(upload, 2 * 1024**2)
        if ends == "finished":
            with pytest.raises(QuotaUsedUp, match="the file is kept"):
                await writing.finish(upload)
        await writing.break_off(upload)
        assert (house.directory / "a.csv").read_bytes() == b"whole+"
        assert await _ledger(house) == (["closed", "broken"], (6, 1))
        upload = await writing.begin("a.csv", flags)
        await writing.finish(upload)
        assert await _ledger(house) == (["closed", "broken", "closed"], (6, 1))


async def test_what_the_disk_says_of_an_open_file_is_no_failure_of_the_database(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path) as house:
        writing = await _writing(house, DatabaseUploads(database, Metrics()), quota_bytes=1024**2)
        await _whole(writing)
        upload = await writing.begin("a.csv", os.O_RDWR)
        assert upload.resuming is not None
        upload.resuming = replace(upload.resuming, descriptor=-1)
        with pytest.raises(OSError, match=os.strerror(errno.EBADF)):
            await writing.make_room(upload, 6)
        await writing.break_off(upload)
        assert await _ledger(house) == (["closed"], (5, 1))


class Leaving(DatabaseUploads):
    """The volume goes away when an upload was told, before it has its file."""

    volume: Path

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        begun = await super().opened(tenant, path, look, cuts=cuts, after=after, end_bytes=end_bytes)
        self.volume.rename(self.volume.with_name("elsewhere"))
        return begun


@pytest.mark.parametrize(
    ("flags", "counted"), [(os.O_RDWR, 5), (ANEW, drop_usage.FIRST_BYTES)], ids=["resumed", "anew"]
)
async def test_a_file_stays_counted_whose_volume_goes_away_while_an_upload_begins(
    database: Database, account: UUID, tmp_path: Path, flags: int, counted: int
) -> None:
    """At most as what was set aside, until the next measure."""
    async with replicas(database, account, tmp_path / "drop") as house:
        uploads = Leaving(database, Metrics())
        uploads.volume = tmp_path / "drop"
        await _whole(await _writing(house, DatabaseUploads(database, Metrics()), quota_bytes=1024**2))
        writing = await _writing(house, uploads, quota_bytes=1024**2)
        with pytest.raises(NotNow):
            await writing.make_room(await writing.begin("a.csv", flags), 6)
        assert await _ledger(house) == (["closed", "broken"], (counted, 1))


async def _put(client: asyncssh.SFTPClient, content: bytes) -> None:
    async with client.open("a.csv", "wb") as file:
        await file.write(content)


async def _whole(writing: Writing) -> None:
    upload = await writing.begin("a.csv", ANEW)
    writing.write(upload, 0, b"whole")
    await writing.finish(upload)
    writing._house.register.end(writing._tenant, upload)


async def _writing(house: Replicas, uploads: DatabaseUploads, quota_bytes: int) -> Writing:
    """A writer of a login of the folder, where there is so much room."""
    made, _ = await house.login()
    async with house.database.account(house.account_id) as tx:
        found = await drop_folders.get(tx, house.folder_id)
        await drop_folders.update(tx, replace(found, quota_bytes=quota_bytes))
    house.directory.mkdir(parents=True, exist_ok=True)
    tenant = Tenant(house.account_id, house.folder_id, made.id, house.directory)
    return Writing(Replica(uploads), tenant, Tree(house.directory))


async def _ledger(house: Replicas) -> tuple[list[str], tuple[int, int]]:
    """States of the uploads in their order, and what is counted for the folder."""
    async with house.database.account(house.account_id, read_only=True) as tx:
        rows = await tx.connection.fetch("SELECT state FROM tidegate.uploads ORDER BY opened_at")
        used = await drop_usage.get(tx, house.folder_id)
    return [row["state"] for row in rows], (used.bytes, used.files)


class TakingAside(RememberedUploads):
    """Somebody deletes what a new name has set aside, just when that was told."""

    async def renamed(self, tenant: Tenant, source: str, target: str, moving: Moving) -> UUID | None:
        told_as = await super().renamed(tenant, source, target, moving)
        [aside] = tenant.root.glob(".*.tidegate")
        aside.unlink()
        return told_as


async def test_a_new_name_that_was_told_is_given(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(name)
    told = TakingAside()
    tenant = Tenant(uuid4(), UUID(int=1), uuid4(), tmp_path)
    await Writing(Replica(told), tenant, Tree(tmp_path)).rename("a.csv", "b.csv", replace=True)
    assert told.short == [("renamed", "a.csv -> b.csv")]
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("b.csv", "a.csv")]
