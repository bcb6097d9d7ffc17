"""Paths that others have used to get out of a directory (payloads/directory_traversal.txt): none gets out of a place.

Each is a name or a path that is written to its letter inside the place, or it is refused; nothing is interpreted.
Here our own client speaks; what others' clients send to our servers is in test_hosted_traversal.py.
"""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote

import asyncssh

from shared.domain.connection import Login
from shared.domain.failures import Failure
from shared.domain.names import split
from shared.transfer.sftp import open_sftp
from shared.transfer.webdav.opening import open_webdav
from tests.corpora.folder import content, needed
from tests.integration.transfer.conftest import (
    PASSWORD,
    disk_ground,  # noqa: F401 the fixture is found by its name here
    partner,
    reach,
    webdav_place,
)
from tests.integration.transfer.dav_server import collection, dav_server, file, multistatus
from tests.integration.transfer.grounds import DiskGround
from tests.real.authority import Authority


def _lines() -> list[bytes]:
    return content("payloads", "directory_traversal.txt").splitlines()


async def _once(said: bytes) -> AsyncIterator[bytes]:
    yield said


def _files(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@needed
async def test_no_path_gets_out_of_a_place(disk_ground: DiskGround) -> None:  # noqa: F811 the fixture of that name
    (disk_ground.disk.parent / "outside.txt").write_bytes(b"as it was")
    beside = set(disk_ground.disk.parent.iterdir())
    written = {}
    for line in _lines():
        path = line.decode().lstrip("/")
        try:
            if split(path)[0]:
                await disk_ground.folder.make_directory(split(path)[0])
            await disk_ground.folder.write(path, _once(line))
        except (ValueError, Failure):
            # Refused by us or, for more than what a path is, by the server.
            continue
        written[path] = line
    assert len(written) > 20
    assert _files(disk_ground.disk) == written
    assert set(disk_ground.disk.parent.iterdir()) == beside
    assert (disk_ground.disk.parent / "outside.txt").read_bytes() == b"as it was"


class _Hostile(asyncssh.SFTPServer):
    """Calls its files by every name of the list."""

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        attrs = asyncssh.SFTPAttrs(size=1, permissions=0o100644, atime=1, mtime=1_700_000_000)
        for line in _lines():
            yield asyncssh.SFTPName(line, attrs=attrs)


@needed
async def test_a_server_that_gives_paths_for_names_is_not_believed(tmp_path: Path) -> None:
    async with (
        partner(tmp_path, server=_Hostile) as server,
        open_sftp(server.place(*server.lines), Login(password=PASSWORD), reach()) as folder,
    ):
        listing = await folder.list("in")
    assert len(listing.files) + len(listing.refused) == len(_lines())
    taken = {file.path for file in listing.files}
    assert taken == {f"in/{line.decode()}" for line in _lines() if b"/" not in line}


@needed
async def test_a_server_that_lists_such_addresses_names_nothing_outside(authority: Authority) -> None:
    names = {line.decode() for line in _lines() if not {*b"\\ <>?#"} & {*line}}
    entries = [file(f"/dav/in/{name}") for name in names]
    async with (
        dav_server(authority) as server,
        open_webdav(webdav_place(server.url()), Login(), reach(authority)) as folder,
    ):
        server.answer = lambda _: multistatus(collection("/dav/in/"), *entries)
        listing = await folder.list("in")
    assert len(listing.files) + len(listing.refused) > 20
    # A percent sign is the encoding of the address; what is decoded is a name, to its letter, or it is refused.
    assert {file.path for file in listing.files} <= {f"in/{unquote(name)}" for name in names}
    assert not any("/" in file.path.removeprefix("in/") or file.path.endswith("/..") for file in listing.files)
