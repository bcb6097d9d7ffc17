"""A server of hosted WebDAV over one folder, with what stands behind it remembered, and a client."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from uuid import uuid4

import httpx

from services.dropserver.house import House
from services.dropserver.tenant import Begun, Limits, Tenant
from services.dropserver.webdav.application import Surroundings
from services.dropserver.webdav.server import DavServer
from tests.fakes.drop import KnownLogins, RememberedUploads

LOGIN = ("shop", "a long password")
BASIC = f"Authorization: Basic {base64.b64encode(':'.join(LOGIN).encode()).decode()}\r\n"
PLAIN = f"Host: x\r\n{BASIC}"
LOCK = (
    b'<D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype>'
    b"<D:owner>me</D:owner></D:lockinfo>"
)


class Meddling(RememberedUploads):
    """Somebody goes on with a file whenever another one grows."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self._file = file

    async def grown(self, tenant: Tenant, begun: Begun, size_bytes: int) -> Begun:
        with self._file.open("ab") as going_on:
            going_on.write(b"more")
        return await super().grown(tenant, begun, size_bytes)


@dataclass
class Hosted:
    """A running server, what stands behind it, and a client."""

    server: DavServer
    gate: KnownLogins
    uploads: RememberedUploads
    folder: Path
    client: httpx.AsyncClient

    async def status(self, method: str, path: str, content: bytes = b"", **headers: str) -> int:
        """What a request is answered; underscores in the names of headers are dashes."""
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        return (await self.client.request(method, path, content=content, headers=said)).status_code

    async def raw(self, request: str | bytes, *, ends: bool = False, whole: bool = False) -> bytes:
        """What the server says to these bytes; all of it where nothing comes after them or it closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        writer.write(request if isinstance(request, bytes) else request.encode())
        if ends:
            writer.write_eof()
        try:
            async with asyncio.timeout(10):
                return await reader.read(-1 if ends or whole else 4_096)
        finally:
            writer.transport.abort()

    @property
    def rung(self) -> list[str]:
        """What was told as complete."""
        return [told.path for told in self.uploads.told if told.what in ("closed", "renamed")]


Host = Callable[..., AbstractAsyncContextManager[Hosted]]


def host_in(tmp_path: Path) -> Host:
    """Opens a server: `async with opened(limits) as hosted`."""

    @asynccontextmanager
    async def opened(limits: Limits | None = None, proxies: tuple[str, ...] = ()) -> AsyncIterator[Hosted]:
        gate, uploads, root = KnownLogins(), RememberedUploads(), tmp_path / "root"
        gate.passwords[LOGIN] = Tenant(uuid4(), uuid4(), uuid4(), root, "shop")
        (root / "shop").mkdir(parents=True, exist_ok=True)
        surroundings = Surroundings([ip_network(each) for each in proxies], "https://webdav.example.org/")
        async with (
            House.open(gate, uploads, limits) as house,
            DavServer.open(house, "127.0.0.1", 0, None, surroundings) as server,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", auth=LOGIN, timeout=30) as client,
        ):
            yield Hosted(server, gate, uploads, root / "shop", client)

    return opened


async def gated(going: asyncio.Event) -> AsyncIterator[bytes]:
    """A body of which the end comes when it is let go."""
    yield b"first"
    await going.wait()
    yield b" and last"


async def slow() -> AsyncIterator[bytes]:
    """A body that comes byte by byte, for half a minute."""
    for _ in range(600):
        yield b"x"
        await asyncio.sleep(0.05)
