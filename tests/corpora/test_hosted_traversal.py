"""The same hostile paths (payloads/directory_traversal.txt), sent to our own servers to their letter: none gets out.

Our own client would refuse most of them before they are sent, so others' clients send them. The directory of the login
lies deeper than any of them climbs, and on each step above it lies what they are after: what got out would be seen.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import unquote_to_bytes
from uuid import uuid4

import asyncssh
import httpx
import pytest

from services.dropserver.house import House
from services.dropserver.sftp import DropServer
from services.dropserver.tenant import Tenant
from services.dropserver.webdav.server import DavServer
from shared.transfer.keys import make_private_key
from tests.corpora.folder import content, needed
from tests.fakes.drop import KnownLogins, RememberedUploads

LOGIN = ("shop", "a long password")
WANTED = ("etc/passwd", "etc/shadow", "etc/hosts", "boot.ini", ".htaccess", "conf/server.xml", "bin/id|")
"""What the paths lead to."""


def _lines() -> list[bytes]:
    return content("payloads", "directory_traversal.txt").splitlines()


def _inside(path: bytes) -> str:
    """Where a path leads for who cannot leave its directory."""
    parts: list[str] = []
    for part in path.decode("utf-8", "surrogateescape").split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _files(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root)): file.read_bytes() for file in root.rglob("*") if file.is_file()}


class Place:
    """A login's directory far below the top of what is there, with a directory for each path that leads into one."""

    def __init__(self, top: Path) -> None:
        self._top = top
        root = top.joinpath(*"abcdefghijklmnop")
        self.tenant = Tenant(uuid4(), uuid4(), uuid4(), root, "shop")
        self.folder = root / "shop"
        self.folder.mkdir(parents=True)
        for above in [root, *root.parents]:
            if above.is_relative_to(top):
                for wanted in WANTED:
                    (above / wanted).parent.mkdir(exist_ok=True)
                    (above / wanted).write_bytes(b"not for everybody")
        self._beside = self._outside()

    def furnish(self, path: bytes) -> str:
        """Where the path leads in this directory, in which there is room for it unless it cannot be."""
        inside = _inside(path)
        with suppress(OSError, ValueError):
            (self.folder / inside).parent.mkdir(parents=True, exist_ok=True)
        return inside

    def seen(self) -> dict[str, bytes]:
        """The files of the login's directory, when nothing else has changed."""
        assert self._outside() == self._beside
        return _files(self.folder)

    def _outside(self) -> dict[str, bytes]:
        ours = str(self.folder.relative_to(self._top))
        return {path: held for path, held in _files(self._top).items() if not path.startswith(f"{ours}/")}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A login's directory."""
    return Place(tmp_path)


@asynccontextmanager
async def _sftp(tenant: Tenant) -> AsyncIterator[asyncssh.SFTPClient]:
    gate = KnownLogins()
    gate.passwords[LOGIN] = tenant
    async with (
        DropServer.open("127.0.0.1", 0, [make_private_key()], gate, RememberedUploads()) as server,
        asyncssh.connect(
            "127.0.0.1",
            server.port,
            username=LOGIN[0],
            password=LOGIN[1],
            client_keys=None,
            known_hosts=([asyncssh.import_public_key(key.line) for key in server.host_keys], [], []),
            config=None,
            agent_path=None,
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        yield client


async def _read(client: asyncssh.SFTPClient, path: bytes) -> bytes:
    async with client.open(path, "rb") as file:
        return bytes(await file.read())


async def _write(client: asyncssh.SFTPClient, path: bytes, said: bytes) -> None:
    async with client.open(path, "wb") as file:
        await file.write(said)
    assert (await client.stat(path)).size == len(said)
    assert await _read(client, path) == said


async def _move(client: asyncssh.SFTPClient, path: bytes) -> None:
    await client.posix_rename(b"moving", path)
    assert await _read(client, path) == b"moved"
    await client.posix_rename(path, b"moving")


@needed
async def test_no_path_gets_out_of_a_hosted_folder_by_sftp(place: Place) -> None:
    expected, refusals = {"moving": b"moved"}, set()
    async with _sftp(place.tenant) as client:
        await _write(client, b"moving", b"moved")
        for line in _lines():
            inside = place.furnish(line)
            for step in (_move(client, line), _write(client, line, line)):
                try:
                    await step
                except asyncssh.SFTPFailure as error:
                    refusals.add(error.reason.partition(":")[0])
                else:
                    expected[inside] = line
        # The one session is as good as it was.
        assert await _read(client, b"/moving") == b"moved"
    assert refusals <= {"The name is not allowed"}
    assert len(expected) > 20
    assert place.seen() == expected


@asynccontextmanager
async def _webdav(tenant: Tenant) -> AsyncIterator[httpx.AsyncClient]:
    gate = KnownLogins()
    gate.passwords[LOGIN] = tenant
    async with (
        House.open(gate, RememberedUploads()) as house,
        DavServer.open(house, "127.0.0.1", 0) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", auth=LOGIN) as client,
    ):
        yield client


def _targets(line: bytes) -> set[bytes]:
    """Ways to ask for a path: all of it encoded, the names in it encoded, and as it stands where a line can be so."""
    names = b"/".join(map(_encoded, line.split(b"/")))
    bare = {line} if line.isascii() and not {*line} & {*range(33), 127} else set()
    return {b"/" + each.removeprefix(b"/") for each in (_encoded(line), names, *bare)}


def _encoded(name: bytes) -> bytes:
    return b"".join(b"%%%02x" % byte for byte in name)


@needed
async def test_no_path_gets_out_of_a_hosted_folder_by_webdav(place: Place) -> None:
    expected: dict[str, bytes] = {}
    answers = set()
    async with _webdav(place.tenant) as client:
        for target in sorted({target for line in _lines() for target in _targets(line)}):
            inside = place.furnish(unquote_to_bytes(target))
            asked = {"target": target}
            put = await client.request("PUT", "/", content=target, extensions=asked)
            got = await client.request("GET", "/", extensions=asked)
            answers.add((put.status_code, got.status_code))
            if put.is_success:
                expected[inside] = target
                assert got.content == target
        assert (await client.request("PROPFIND", "/", headers={"Depth": "0"})).status_code == 207
    # No such name can be; it has a query, which a file has not; it means a directory; it is there.
    assert answers == {(400, 400), (400, 404), (405, 404), (201, 200), (204, 200)}
    assert len(expected) > 20
    assert place.seen() == expected
