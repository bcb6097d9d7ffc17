"""A WebDAV server of the tests' own, by TLS: what it answers is theirs to say, byte by byte, however bad."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from shared.domain.connection import Login
from shared.transfer.webdav.folder import WebDavFolder
from shared.transfer.webdav.opening import open_webdav
from tests.integration.transfer.conftest import reach, webdav_place
from tests.real.authority import Authority, Issued

LOGIN = Login(password="open sesame")

FILE = "Sun, 22 Nov 2026 22:12:28 GMT"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the server got it."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Slow:
    """Bytes that come one after the other, with a pause after each; after the last the connection hangs."""

    data: bytes
    seconds: float
    step: int = 1


Reply = bytes | Slow | None
"""None: the connection is ended without a word."""


@dataclass
class DavServer:
    """What it was asked, and what it answers."""

    port: int
    authority: Authority
    certificate: Issued
    answer: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    reads_bodies: bool = True

    def url(self, path: str = "/dav", host: str = "127.0.0.1") -> str:
        """The address of a directory."""
        return f"https://{host}:{self.port}{path}"

    def methods(self) -> list[str]:
        """What was asked, without the requests that enter the place."""
        return [each.method for each in self.asked]


def reply(status: int, body: bytes = b"", **headers: str) -> bytes:
    """An answer; underscores in the names of headers are dashes."""
    said = {"Content-Length": str(len(body)), **{name.replace("_", "-"): value for name, value in headers.items()}}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"HTTP/1.1 {status} Said\r\n{lines}\r\n".encode("latin-1") + body


def multistatus(*entries: bytes) -> bytes:
    """An answer to PROPFIND."""
    return reply(207, b'<multistatus xmlns="DAV:">' + b"".join(entries) + b"</multistatus>")


def collection(href: str) -> bytes:
    """An entry that is a directory."""
    return _entry(href, "<resourcetype><collection/></resourcetype>")


def file(href: str, size: object = 5, modified: str = FILE, etag: str = "") -> bytes:
    """An entry that is a file."""
    told = f"<getetag>{etag}</getetag>" if etag else ""
    return _entry(
        href, f"<getcontentlength>{size}</getcontentlength><getlastmodified>{modified}</getlastmodified>{told}"
    )


def bare(href: str) -> bytes:
    """An entry of which nothing is told."""
    return _entry(href, "")


def _entry(href: str, properties: str) -> bytes:
    escaped = href.replace("&", "&amp;").replace("<", "&lt;")
    told = f"<propstat><prop>{properties}</prop><status>HTTP/1.1 200 OK</status></propstat>"
    return f"<response><href>{escaped}</href>{told}</response>".encode()


def plain(asked: Asked) -> Reply:
    """What an orderly server says that has a directory /dav with one file, a.csv."""
    match asked.method, asked.target:
        case "PROPFIND", "/dav/":
            return multistatus(collection("/dav/"), *([file("/dav/a.csv")] if asked.headers["depth"] == "1" else []))
        case "PROPFIND", "/dav/a.csv":
            return multistatus(file("/dav/a.csv"))
        case "GET", "/dav/a.csv":
            return reply(200, b"12345")
        case "PUT" | "MOVE" | "MKCOL", _:
            return reply(201)
        case "DELETE", _:
            return reply(204)
        case _:
            return reply(404)


@asynccontextmanager
async def dav_server(
    authority: Authority, answer: Callable[[Asked], Reply] = plain, certificate: Issued | None = None
) -> AsyncIterator[DavServer]:
    """A running server; its connections end with it."""
    issued = certificate or authority.issue("127.0.0.1", "partner.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.path)
    server = DavServer(0, authority, issued, answer)
    writers: list[asyncio.StreamWriter] = []
    serving: list[asyncio.Task[None] | None] = []

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        serving.append(asyncio.current_task())
        server.connections += 1
        try:
            while await _serve(server, reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            return
        finally:
            writer.transport.abort()

    listener = await asyncio.start_server(met, "127.0.0.1", 0, ssl=context)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        for writer in writers:
            writer.transport.abort()
        async with asyncio.timeout(10):
            await asyncio.gather(*filter(None, serving), return_exceptions=True)


async def _serve(server: DavServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """One request; whether the connection goes on."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    method, target, _ = head[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await _body(headers, reader) if server.reads_bodies or method != "PUT" else b""
    asked = Asked(method, target, headers, body)
    server.asked.append(asked)
    said = server.answer(asked)
    if said is None:
        return False
    if isinstance(said, bytes):
        writer.write(said)
        await writer.drain()
        return "Connection: close" not in said.decode("latin-1")
    for at in range(0, len(said.data), said.step):
        writer.write(said.data[at : at + said.step])
        await writer.drain()
        await asyncio.sleep(said.seconds)
    await reader.read(-1)
    return False


async def _body(headers: dict[str, str], reader: asyncio.StreamReader) -> bytes:
    if headers.get("transfer-encoding") != "chunked":
        return await reader.readexactly(int(headers.get("content-length", "0")))
    parts = []
    while size := int(await reader.readline(), 16):
        parts.append(await reader.readexactly(size))
        await reader.readline()
    await reader.readline()
    return b"".join(parts)


@asynccontextmanager
async def opened(server: DavServer, login: Login = LOGIN, **deadlines: float) -> AsyncIterator[WebDavFolder]:
    """A folder on it."""
    ways = reach(server.authority, **deadlines)
    async with open_webdav(webdav_place(server.url()), login, ways) as folder:
        yield folder


async def chunks(*pieces: bytes) -> AsyncIterator[bytes]:
    """Content in pieces."""
    for chunk in pieces:
        yield chunk


async def bytes_of(folder: WebDavFolder, path: str) -> bytes:
    """The bytes of a file."""
    return b"".join([chunk async for chunk in folder.read(path)])


def but(changes: dict[str, Callable[[Asked], Reply]]) -> Callable[[Asked], Reply]:
    """An orderly server, but for these methods and paths."""

    def answer(asked: Asked) -> Reply:
        changed = changes.get(f"{asked.method} {asked.target}") or changes.get(asked.method)
        return plain(asked) if changed is None else changed(asked)

    return answer


def in_turn(*replies: Reply) -> Callable[[Asked], Reply]:
    """One after the other; the last of them for ever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]
