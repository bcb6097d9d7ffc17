"""Hosted WebDAV, request by request: what rings and what never does, conditions, and what hostile clients send."""

import asyncio
import base64
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_network
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from services.dropserver.house import House
from services.dropserver.tenant import Begun, Limits, Tenant
from services.dropserver.webdav.application import Surroundings
from services.dropserver.webdav.certificate import Certificate
from services.dropserver.webdav.server import DavServer
from shared.runtime.settings import SettingsError
from tests.eventually import eventually
from tests.fakes.drop import KnownLogins, RememberedUploads
from tests.real.authority import Authority

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


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Opens a server: `async with host(limits=...) as hosted`."""

    @asynccontextmanager
    async def opened(limits: Limits | None = None, proxies: tuple[str, ...] = ()) -> AsyncIterator[Hosted]:
        gate, uploads, root = KnownLogins(), RememberedUploads(), tmp_path / "root"
        gate.passwords[LOGIN] = Tenant(uuid4(), uuid4(), uuid4(), root, "shop")
        (root / "shop").mkdir(parents=True, exist_ok=True)
        surroundings = Surroundings([ip_network(each) for each in proxies], "https://webdav.example.org/")
        async with (
            House.open(gate, uploads, limits) as house,
            DavServer.open(house, "127.0.0.1", 0, None, surroundings) as server,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}", auth=LOGIN) as client,
        ):
            yield Hosted(server, gate, uploads, root / "shop", client)

    return opened


async def test_only_a_whole_body_rings(host: Host) -> None:
    async with host(Limits(stall_seconds=0.3)) as hosted:
        put = f"PUT /half.csv HTTP/1.1\r\n{PLAIN}"
        for body in ("Content-Length: 10\r\n\r\n12345", "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n"):
            # Cut off, and left standing.
            assert b"HTTP/1.1 20" not in await hosted.raw(put + body, ends=True)
            assert b" 408 " in await hosted.raw(put + body)
        for lie in (
            "Content-Length: 5\r\nContent-Length: 9\r\n\r\n123456789",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n",
            "Content-Length: -5\r\n\r\n12345",
            "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n12345",
            "Transfer-Encoding: chunked\r\n\r\n5\r\n123456789\r\n0\r\n\r\n",
        ):
            assert b"HTTP/1.1 20" not in await hosted.raw(put + lie, ends=True)
        await eventually(lambda: not hosted.server.house.register.count, "all to be broken off")
        assert hosted.rung == []
        # What comes behind a body is another request, and garbage is none.
        garbage = f"PUT /a.csv HTTP/1.1\r\n{PLAIN}Content-Length: 5\r\n\r\n12345GARBAGE\r\n\r\n"
        said = await hosted.raw(garbage, whole=True)
        assert said.startswith(b"HTTP/1.1 201")
        assert b"HTTP/1.1 400" in said
        assert hosted.rung == ["shop/a.csv"]


async def test_a_part_is_appended_where_the_file_ends_and_rings_with_the_last(host: Host) -> None:
    async with host() as hosted:
        assert await hosted.status("PUT", "/a.csv", b"12345", Content_Range="bytes 0-4/12") == 202
        assert await hosted.status("PUT", "/a.csv", b"890", Content_Range="bytes 7-9/12") == 409
        assert await hosted.status("PUT", "/a.csv", b"67", Content_Range="bytes 5-9/12") == 400
        assert (hosted.folder / "a.csv").read_bytes() == b"12345"
        short = f"PUT /a.csv HTTP/1.1\r\n{PLAIN}Content-Range: bytes 5-9/12\r\nTransfer-Encoding: chunked\r\n\r\n"
        assert b" 400 " in await hosted.raw(f"{short}2\r\n67\r\n0\r\n\r\n")
        assert (hosted.folder / "a.csv").read_bytes() == b"1234567"
        assert await hosted.status("PUT", "/none.csv", b"67", Content_Range="bytes 5-6/7") == 409
        assert hosted.rung == []
        assert await hosted.status("PUT", "/a.csv", b"89abc", Content_Range="bytes 7-11/12") == 204
        assert (hosted.folder / "a.csv").read_bytes() == b"123456789abc"
        assert hosted.rung == ["shop/a.csv"]


async def test_a_body_is_as_long_as_it_was_said_to_be_or_nothing_rings(host: Host) -> None:
    async with host() as hosted:
        assert await hosted.status("PUT", "/a.csv", b"old") == 201
        whole = f"PUT /a.csv HTTP/1.1\r\n{PLAIN}Content-Range: bytes 0-9/10\r\n"
        # The header alone could tell that the client's source has ended early.
        chunked = await hosted.raw(f"{whole}Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n")
        assert b" 400 " in chunked
        assert await hosted.status("PUT", "/b.csv", b"12345", Content_Range="bytes 0-9/10") == 400
        assert not (hosted.folder / "b.csv").exists()
        assert await hosted.status("PUT", "/b.csv", b"1234567890", Content_Range="bytes 0-9/10") == 201
        # By HTTP this request is over: a client that would end its body by closing has not sent any yet.
        assert b" 411 " in await hosted.raw(f"PUT /b.csv HTTP/1.1\r\n{PLAIN}\r\n")
        assert (hosted.folder / "b.csv").read_bytes() == b"1234567890"
        assert hosted.rung == ["shop/a.csv", "shop/b.csv"]


async def test_what_is_not_whole_is_not_copied(host: Host) -> None:
    async with host() as hosted:
        going = asyncio.Event()
        put = asyncio.create_task(hosted.client.put("/a.csv", content=_gated(going)))
        await eventually(lambda: hosted.server.house.register.count == 1, "the put to be under way")
        assert await hosted.status("COPY", "/a.csv", Destination="/b.csv") == 423
        going.set()
        assert (await put).status_code == 201
        assert await hosted.status("PUT", "/half.csv", b"12345", Content_Range="bytes 0-4/12") == 202
        assert await hosted.status("COPY", "/half.csv", Destination="/b.csv") == 409
        assert await hosted.status("COPY", "/a.csv", Destination="/b.csv") == 201
        hosted.server.house.uploads = meddling = Meddling(hosted.folder / "a.csv")
        assert await hosted.status("COPY", "/a.csv", Destination="/c.csv") == 423
        assert [*hosted.rung, *meddling.short] == [
            *("shop/a.csv", "shop/b.csv"),
            *(("opened", "shop/c.csv"), ("broken", "shop/c.csv")),
        ]


async def test_an_empty_file_rings_when_its_lock_ends_and_a_half_one_does_not(host: Host) -> None:
    async with host() as hosted:

        async def lock(path: str) -> str:
            return (await hosted.client.request("LOCK", path, content=LOCK)).headers["Lock-Token"]

        explorer = {"User_Agent": "Microsoft-WebDAV-MiniRedir/10.0.19045"}
        assert await hosted.status("PUT", "/a.csv.ok", **explorer) == 201
        token = await lock("/a.csv.ok")
        assert hosted.rung == []
        assert await hosted.status("UNLOCK", "/a.csv.ok", Lock_Token=token) == 204
        # Under its lock it says so itself; and a name that is locked and left is an empty file, too.
        assert await hosted.status("PUT", "/b.csv.ok", **explorer) == 201
        token = await lock("/b.csv.ok")
        assert await hosted.status("PUT", "/b.csv.ok", If=f"({token})", **explorer) == 204
        assert await hosted.status("UNLOCK", "/b.csv.ok", Lock_Token=token) == 204
        assert await hosted.status("UNLOCK", "/c.csv", Lock_Token=await lock("/c.csv")) == 204
        assert hosted.rung == ["shop/a.csv.ok", "shop/b.csv.ok", "shop/c.csv"]
        # What was to come broke off.
        for cut in (f"Content-Length: 9\r\n\r\n{'1' * length}" for length in (0, 5)):
            token = await lock("/d.csv")
            await hosted.raw(f"PUT /d.csv HTTP/1.1\r\n{PLAIN}If: ({token})\r\n{cut}", ends=True)
            await eventually(lambda: not hosted.server.house.register.count, "it to be broken off")
            assert await hosted.status("UNLOCK", "/d.csv", Lock_Token=token) == 204
        assert await hosted.status("UNLOCK", "/d.csv", Lock_Token=token) == 409
        # What was to come was refused.
        token = await lock("/e.csv")
        assert await hosted.status("PUT", "/e.csv", b"1", If=f"({token})", If_Match='"other"') == 412
        assert await hosted.status("UNLOCK", "/e.csv", Lock_Token=token) == 204
        assert len(hosted.rung) == 3


async def test_versions_and_conditions(host: Host) -> None:
    async with host() as hosted:
        made = await hosted.client.put("/a.csv", content=b"0123456789", headers={"If-None-Match": "*"})
        assert made.status_code == 201
        etag = made.headers["ETag"]
        assert await hosted.status("PUT", "/a.csv", b"x", If_None_Match="*") == 412
        assert await hosted.status("PUT", "/a.csv", b"x", If_Match='"other"') == 412
        assert await hosted.status("DELETE", "/a.csv", If_Match='"other"') == 412
        assert await hosted.status("DELETE", "/a.csv", If="(<urn:uuid:none>)") == 412
        assert await hosted.status("GET", "/a.csv", If_None_Match=etag) == 304
        span = await hosted.client.get("/a.csv", headers={"Range": "bytes=2-4", "If-Range": etag})
        assert (span.status_code, span.content, span.headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
        assert await hosted.status("GET", "/a.csv", Range="bytes=10-") == 416
        whole = await hosted.client.get("/a.csv", headers={"Range": "bytes=2-4", "If-Range": '"other"'})
        assert (whole.status_code, whole.content) == (200, b"0123456789")
        head = await hosted.client.head("/a.csv")
        assert (head.headers["Content-Length"], head.headers["ETag"], head.content) == ("10", etag, b"")
        assert await hosted.status("PUT", "/a.csv", b"y", If_Match=etag) == 204
        assert await hosted.status("GET", "/a.csv", If_Match=etag) == 412
        assert hosted.rung == ["shop/a.csv", "shop/a.csv"]


async def test_explorer_and_finder_lock_fill_and_time_a_file_which_rings_once(host: Host) -> None:
    """Both put an empty file first, or lock a name that nothing has; neither is what they send."""
    patch = (
        b'<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        b"<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>"
        b"<Z:Win32LastModifiedTime>Tue, 14 Nov 2023 22:13:20 GMT</Z:Win32LastModifiedTime>"
        b"</D:prop></D:set></D:propertyupdate>"
    )
    async with host() as hosted:
        explorer = {"User-Agent": "Microsoft-WebDAV-MiniRedir/10.0.19045"}
        assert (await hosted.client.put("/a.csv", headers=explorer)).status_code == 201
        locked = await hosted.client.request("LOCK", "/a.csv", content=LOCK, headers={"Timeout": "Second-60"})
        token = locked.headers["Lock-Token"]
        assert (locked.status_code, "<D:timeout>Second-60</D:timeout>" in locked.text) == (200, True)
        assert await hosted.status("PUT", "/a.csv", b"other") == 423
        assert await hosted.status("MOVE", "/a.csv", Destination="/b.csv") == 423
        assert await hosted.status("PUT", "/a.csv", b"12345", If=f"({token})") == 204
        assert await hosted.status("PROPPATCH", "/a.csv", patch, If=f"({token})") == 207
        assert await hosted.status("UNLOCK", "/a.csv", Lock_Token=token) == 204
        assert hosted.rung == ["shop/a.csv"]
        retimed = hosted.uploads.told[-1]
        assert (retimed.what, retimed.modified_at is not None and retimed.modified_at.timestamp()) == (
            "retimed",
            1_700_000_000,
        )
        finder = await hosted.client.request("LOCK", "/b.csv", content=LOCK)
        assert finder.status_code == 201
        assert await hosted.status("PUT", "/b.csv", b"1", If=f"({finder.headers['Lock-Token']})") == 204
        assert hosted.rung == ["shop/a.csv", "shop/b.csv"]
        strange = patch.replace(b"Win32FileAttributes", b"Colour")
        refused = await hosted.client.request("PROPPATCH", "/a.csv", content=strange)
        assert "403 Forbidden" in refused.text
        assert "424 Failed Dependency" in refused.text


async def test_what_lies_there_is_told_and_nothing_outside(host: Host) -> None:
    async with host() as hosted:
        root = hosted.folder.parent
        (root / "secret.txt").write_text("secret")
        (hosted.folder / "out").symlink_to(root)
        (hosted.folder / "link").symlink_to(root / "secret.txt")
        os.mkfifo(hosted.folder / "pipe")
        (hosted.folder / os.fsdecode(b"<&\xff\n.csv")).write_text("1")
        (hosted.folder / "in").mkdir()
        listed = await hosted.client.request("PROPFIND", "/", headers={"Depth": "1"})
        hrefs = [part.split("</D:href>")[0] for part in listed.text.split("<D:href>")[1:]]
        assert hrefs == ["/", "/%3C%26%FF%0A.csv", "/in/"]
        for method in ("GET", "PUT", "DELETE", "PROPFIND", "MOVE", "COPY", "LOCK"):
            for path in ("/out/secret.txt", "/link", "/pipe", "/%2e%2e/secret.txt", "/in/..%2f..%2fsecret.txt"):
                assert await hosted.status(method, path, b"x" if method == "PUT" else b"", Destination="/y") >= 400
        for destination in ("/../x", "/out/x", "/%2e%2e/x", "http://elsewhere/x", "/in", "/none/x", "/"):
            (hosted.folder / "a").write_text("1")
            for method in ("MOVE", "COPY"):
                assert await hosted.status(method, "/a", Destination=destination) >= 400
        assert (root / "secret.txt").read_text() == "secret"
        assert {each.name for each in root.iterdir()} == {"secret.txt", "shop"}
        assert hosted.rung == []


async def test_a_large_directory_is_told_whole_to_several_of_one_login(host: Host) -> None:
    async with host() as hosted:
        for number in range(300):
            (hosted.folder / f"{number:03}.csv").touch()
        await hosted.client.request("LOCK", "/007.csv", content=LOCK)
        ask = [hosted.client.request("PROPFIND", "/", headers={"Depth": "1"}) for _ in range(3)]
        for listed in await asyncio.gather(*ask):
            assert listed.text.count("<D:response>") == 301
            assert listed.text.count("<D:activelock>") == 1
            assert listed.text.endswith("</D:multistatus>\n")


async def test_what_is_not_there_or_not_on_offer_is_said(host: Host) -> None:
    async with host() as hosted:
        assert await hosted.status("MKCOL", "/d") == 201
        assert await hosted.status("PUT", "/d/a.csv", b"1") == 201
        expected = {
            ("PROPFIND", "/"): 403,
            ("GET", "/none"): 404,
            ("GET", "/d"): 405,
            ("PUT", "/none/a.csv"): 409,
            ("PUT", "/d"): 405,
            ("PUT", "/new/"): 405,
            ("MKCOL", "/d"): 405,
            ("MKCOL", "/none/d"): 409,
            ("DELETE", "/d"): 409,
            ("DELETE", "/"): 403,
            ("DELETE", "/none"): 404,
            ("MOVE", "/d"): 403,
            ("COPY", "/d"): 403,
            ("TRACE", "/"): 405,
            ("SEARCH", "/"): 405,
            ("UNLOCK", "/d/a.csv"): 400,
        }
        found = {each: await hosted.status(*each, Depth="infinity", Destination="/y") for each in expected}
        assert found == expected
        assert await hosted.status("MKCOL", "/e", b"<a/>") == 415
        bomb = b'<!DOCTYPE a [<!ENTITY b "c">]><propfind xmlns="DAV:"><allprop/></propfind>'
        assert await hosted.status("PROPFIND", "/", bomb, Depth="0") == 400
        wanted = b"".join(b"<x%d/>" % number for number in range(101))
        too_many = b'<propfind xmlns="DAV:"><prop>' + wanted + b"</prop></propfind>"
        assert await hosted.status("PROPFIND", "/", too_many, Depth="1") == 400
        assert await hosted.status("PROPFIND", "/", b" " * 70_000, Depth="0") == 413
        assert b" 431 " in await hosted.raw(f"GET / HTTP/1.1\r\n{PLAIN}X: {'x' * 40_000}\r\n\r\n")
        many = "X: x\r\n" * 200
        assert b" 431 " in await hosted.raw(f"GET / HTTP/1.1\r\n{PLAIN}{many}\r\n")
        assert b" 414 " in await hosted.raw(f"GET /{'x' * 9_000} HTTP/1.1\r\n{PLAIN}\r\n")
        hosted.gate.is_down = True
        assert (await hosted.client.get("/", auth=("other", "x"))).status_code == 503
        hosted.gate.is_down = False
        hosted.uploads.is_down = True
        assert await hosted.status("PUT", "/d/b.csv", b"1") == 409


async def test_passwords_are_taken_by_tls_alone_and_the_true_address_counts_behind_a_proxy(host: Host) -> None:
    async with host(Limits(sessions_per_address=2), proxies=("127.0.0.0/8",)) as hosted:
        seen = {"X-Forwarded-For": "192.0.2.9"}
        assert (await hosted.client.get("/", headers=seen)).status_code == 405
        assert (await hosted.client.get("/", headers={**seen, "X-Forwarded-Proto": "https"})).status_code == 405
        plain = await hosted.client.get("/", headers={**seen, "X-Forwarded-Proto": "http"})
        assert (plain.status_code, "https alone" in plain.text) == (403, True)
        for _ in range(2):
            await hosted.client.get("/", headers=seen, auth=("shop", "guess"))
        await hosted.server.house.guard.tell_rest()
        assert hosted.gate.failures[None, ("", "192.0.2.9")] == 2
        going = asyncio.Event()
        puts = [
            asyncio.create_task(hosted.client.put(f"/{number}.csv", content=_gated(going), headers=seen))
            for number in range(2)
        ]
        await eventually(lambda: hosted.server.house.sessions == 2, "two requests to be under way")
        assert (await hosted.client.get("/", headers=seen)).status_code == 503
        assert (await hosted.client.get("/", headers={"X-Forwarded-For": "192.0.2.10"})).status_code == 405
        going.set()
        assert [each.status_code for each in await asyncio.gather(*puts)] == [201, 201]


async def test_a_proxy_that_nobody_named_brings_nobody_in(host: Host) -> None:
    """On this machine plain HTTP is for this machine: behind a proxy of its own everybody would be that."""
    async with host() as hosted:
        assert await hosted.status("PUT", "/a.csv", b"1") == 201
        for header in ("X_Forwarded_For", "X_Forwarded_Proto", "Forwarded"):
            assert await hosted.status("GET", "/a.csv", **{header: "https"}) == 403
        assert hosted.gate.asked == ["shop"]


async def test_addresses_are_ours_by_what_clients_call_us(host: Host) -> None:
    async with host(proxies=("127.0.0.0/8",)) as hosted:
        assert await hosted.status("PUT", "/a.csv", b"1") == 201
        for source, there, headers in (
            ("/a.csv", "https://webdav.example.org/b.csv", {}),
            ("/b.csv", "https://files.example.org:443/c.csv", {"X_Forwarded_Host": "evil.example, files.example.org"}),
        ):
            assert await hosted.status("MOVE", source, Destination=there, Host="upstream:8088", **headers) == 201
        elsewhere = {"Destination": "https://evil.example/d.csv", "X_Forwarded_Host": "evil.example, files.example.org"}
        assert await hosted.status("MOVE", "/c.csv", **elsewhere) == 502
        absolute = f"GET http://X:80/c.csv HTTP/1.1\r\n{PLAIN}\r\n"
        assert (await hosted.raw(absolute)).startswith(b"HTTP/1.1 200")
        assert b" 421 " in await hosted.raw(absolute.replace("X:80", "evil.example"))


async def test_names_mean_what_they_say(host: Host) -> None:
    async with host() as hosted:
        assert await hosted.status("MKCOL", "/d") == 201
        assert await hosted.status("PUT", "/a.csv", b"1") == 201
        assert await hosted.status("PUT", "/what?.csv", b"1") == 400
        assert await hosted.status("GET", "/a.csv?now") == 200
        assert (await hosted.client.request("LOCK", "/new/", content=LOCK)).status_code == 409
        for method in ("DELETE", "MOVE", "COPY"):
            assert await hosted.status(method, "/a.csv/", Destination="/b.csv") == 404
        assert "PUT" in (await hosted.client.put("/d", content=b"1")).headers["Allow"]
        # A path that is short enough by itself, and not in the login's directory.
        assert await hosted.status("GET", "/" + "d/" * 511 + "x") == 414
        etag = (await hosted.client.get("/a.csv")).headers["ETag"]
        assert await hosted.status("PUT", "/a.csv", b"2", If_None_Match=f"W/{etag}") == 412
        assert await hosted.status("PUT", "/none.csv", b"2", If_Match="*") == 412
        patch = (
            b'<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop><D:getlastmodified>Tue, 14 Nov 2023 22:13:20 GMT'
            b"</D:getlastmodified></D:prop></D:set></D:propertyupdate>"
        )
        timed = await hosted.client.request("PROPPATCH", "/d", content=patch, headers={"If-Match": "*"})
        assert ("200 OK" in timed.text, (hosted.folder / "d").stat().st_mtime) == (True, 1_700_000_000)
        assert "403 Forbidden" in (await hosted.client.request("PROPPATCH", "/", content=patch)).text
        assert hosted.rung == ["shop/a.csv"]
        assert {each.name for each in hosted.folder.iterdir()} == {"a.csv", "d"}


async def test_there_is_room_for_so_many_connections_and_the_silent_are_sent_away(host: Host) -> None:
    async with host(Limits(sessions_per_address=2)) as hosted:
        await hosted.client.aclose()
        idle = [await asyncio.open_connection("127.0.0.1", hosted.server.port) for _ in range(2)]
        await eventually(lambda: hosted.server.house.sessions == 2, "both to be counted")
        with pytest.raises((ConnectionError, AssertionError)):
            assert await hosted.raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _, writer in idle:
            writer.transport.abort()
        await eventually(lambda: not hosted.server.house.sessions, "both to be gone")


async def test_a_stopping_server_finishes_what_runs_and_cuts_what_does_not_end(host: Host) -> None:
    for seconds, rung in ((10.0, ["shop/0.csv"]), (0.2, [])):
        async with host(Limits(closing_seconds=seconds)) as hosted:
            going = asyncio.Event()
            reader, writer = await asyncio.open_connection("127.0.0.1", hosted.server.port)
            put = asyncio.create_task(hosted.client.put("/0.csv", content=_gated(going)))
            await eventually(lambda: hosted.server.house.register.count == 1, "the put to be under way")
            ending = asyncio.create_task(hosted.server.house.uploads_ended())
            await eventually(lambda: hosted.server.house.is_closing, "the server to stop")
            writer.write(f"PUT /new.csv HTTP/1.1\r\n{PLAIN}Content-Length: 1\r\n\r\n1".encode())
            assert (await reader.readline()).startswith(b"HTTP/1.1 503 ")
            writer.transport.abort()
            if rung:
                going.set()
                assert (await put).status_code == 201
            await ending
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
        assert hosted.rung == rung
        assert hosted.server.house.register.count == 0
        (hosted.folder / "0.csv").unlink()


async def test_a_put_ends_with_its_login(host: Host) -> None:
    async with host(Limits(attend_seconds=0.05)) as hosted:
        put = asyncio.create_task(hosted.client.put("/a.csv", content=_slow()))
        await eventually(lambda: hosted.server.house.register.count == 1, "the put to be under way")
        del hosted.gate.passwords[LOGIN]
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 1)
        assert hosted.uploads.short == [("opened", "shop/a.csv"), ("broken", "shop/a.csv")]
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
        assert await hosted.status("GET", "/a.csv") == 401


async def test_a_certificate_is_read_again_when_it_changes(authority: Authority, tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    with pytest.raises(SettingsError, match="TIDEGATE_WEBDAV_CERTIFICATE_FILE"):
        Certificate(file, None)
    first, second = authority.issue("127.0.0.1"), authority.issue("127.0.0.1")
    file.write_bytes(first.path.read_bytes())
    certificate = Certificate(file, None)
    async with (
        House.open(KnownLogins(), RememberedUploads()) as house,
        DavServer.open(house, "127.0.0.1", 0, certificate) as server,
    ):
        fresh = asyncio.create_task(certificate.keep_fresh(0.01))
        before = await _shown(server.port)
        file.write_text("half a file")
        file.write_bytes(second.path.read_bytes())
        await eventually(lambda: _differs(server.port, before), "the new certificate")
        fresh.cancel()


async def test_who_may_not_come_in_costs_no_handshake(authority: Authority, tmp_path: Path) -> None:
    shown = authority.issue("127.0.0.1")
    async with (
        House.open(KnownLogins(), RememberedUploads(), Limits(sessions_per_address=2)) as house,
        DavServer.open(house, "127.0.0.1", 0, Certificate(shown.path, None)) as server,
    ):
        silent = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(9)]
        async with asyncio.timeout(5):
            gone = [await reader.read() for reader, _ in silent[2:]]
        assert (gone, house.sessions) == ([b""] * 7, 2)
        # Whatever becomes of a handshake, its place is free again.
        silent[0][1].write(b"GET / HTTP/1.1\r\n\r\n")
        silent[1][1].transport.abort()
        await eventually(lambda: not house.sessions, "both to be gone")
        for _, writer in silent:
            writer.transport.abort()
        async with httpx.AsyncClient(verify=_trusting_all(), base_url=f"https://127.0.0.1:{server.port}") as client:
            assert (await client.get("/")).status_code == 401
            assert house.sessions == 1
        await eventually(lambda: not house.sessions, "it to be gone")


def _trusting_all() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


async def _shown(port: int) -> bytes:
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=_trusting_all())
    found: bytes = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.transport.abort()
    return found


async def _differs(port: int, before: bytes) -> bool:
    return await _shown(port) != before


async def _slow() -> AsyncIterator[bytes]:
    for _ in range(600):
        yield b"x"
        await asyncio.sleep(0.05)


async def _gated(going: asyncio.Event) -> AsyncIterator[bytes]:
    yield b"first"
    await going.wait()
    yield b" and last"
