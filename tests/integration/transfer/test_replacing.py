"""Servers that cannot replace a file, or let nothing be renamed: by way of `.previous`, or a failure with a name."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.failures import RenameRefused, ServerFailed
from shared.transfer.deliver import Bearer, Parcel, Shipment, deliver
from shared.transfer.folder import Folder
from shared.transfer.sftp import open_sftp
from tests.integration.transfer.conftest import PASSWORD, partner, reach


class CannotReplace(asyncssh.SFTPServer):
    """SFTP 3 as it was written: no posix-rename, and a name that is taken is a failure like any other."""

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("not known")

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if Path(self.map_path(newpath).decode()).exists():
            raise asyncssh.SFTPFailure("Failure")
        super().rename(oldpath, newpath)


class LosesTheNew(CannotReplace):
    """One that gives an old file another name and then refuses to name the new one."""

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if newpath.endswith(b".csv") and oldpath.endswith(b".part"):
            raise asyncssh.SFTPFailure("Failure")
        super().rename(oldpath, newpath)


class Unrenaming(CannotReplace):
    """One where nothing is ever renamed."""

    def rename(self, oldpath: bytes, newpath: bytes) -> None:
        raise asyncssh.SFTPOpUnsupported("not here")


class Full(asyncssh.SFTPServer):
    """One whose disk is full; SFTP 3 has no word of its own for that either."""

    def write(self, file_obj: object, offset: int, data: bytes) -> int:
        raise asyncssh.SFTPFailure("disk full")


@asynccontextmanager
async def _open(root: Path, server: type[asyncssh.SFTPServer]) -> AsyncIterator[Folder]:
    async with (
        partner(root, server=server) as place,
        open_sftp(place.place(*place.lines), Login(password=PASSWORD), reach()) as folder,
    ):
        yield folder


async def _delivered(folder: Folder, spool: Path, *, in_place: bool = False) -> None:
    async def still_ours() -> None:
        await asyncio.sleep(0)

    bearer = Bearer("export", uuid4(), 1, still_ours)
    await deliver(folder, Shipment([Parcel(spool, "all.csv")], in_place=in_place), bearer)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A finished file."""
    path = tmp_path / "spool"
    path.write_bytes(b"new")
    return path


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """The partner's disk."""
    root = tmp_path / "partner"
    root.mkdir()
    return root


@pytest.mark.parametrize("before", [{}, {"all.csv": b"old"}, {"all.csv": b"old", "all.csv.previous": b"older"}])
async def test_where_nothing_can_be_replaced_the_old_file_steps_aside(
    place: Path, spool: Path, before: dict[str, bytes]
) -> None:
    for name, content in before.items():
        (place / name).write_bytes(content)
    async with _open(place, CannotReplace) as folder:
        await _delivered(folder, spool)
    assert {file.name: file.read_bytes() for file in place.iterdir()} == {"all.csv": b"new"}


async def test_a_rename_that_breaks_off_puts_the_old_file_back(place: Path, spool: Path) -> None:
    (place / "all.csv").write_bytes(b"old")
    async with _open(place, LosesTheNew) as folder:
        with pytest.raises(ServerFailed, match="direct_write"):
            await _delivered(folder, spool)
    assert {file.name: file.read_bytes() for file in place.iterdir()} == {"all.csv": b"old"}


async def test_where_nothing_can_be_renamed_that_is_told_unless_files_are_written_in_place(
    place: Path, spool: Path
) -> None:
    async with _open(place, Unrenaming) as folder:
        with pytest.raises(RenameRefused):
            await _delivered(folder, spool)
        assert list(place.iterdir()) == []
        await _delivered(folder, spool, in_place=True)
    assert {file.name: file.read_bytes() for file in place.iterdir()} == {"all.csv": b"new"}


async def test_a_full_disk_at_the_partners_is_told_and_nothing_lies_there(place: Path, spool: Path) -> None:
    async with _open(place, Full) as folder:
        with pytest.raises(ServerFailed, match="full"):
            await _delivered(folder, spool)
    assert list(place.iterdir()) == []
