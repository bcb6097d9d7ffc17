"""Who is let in by hosted WebDAV: passwords, proxies, certificates, and how many at a time."""

import asyncio
import ssl
from pathlib import Path

import httpx
import pytest

from services.dropserver.house import House
from services.dropserver.tenant import Limits
from services.dropserver.webdav.certificate import Certificate
from services.dropserver.webdav.server import DavServer
from shared.runtime.settings import SettingsError
from tests.eventually import eventually
from tests.fakes.drop import KnownLogins, RememberedUploads
from tests.integration.dropserver.dav_host import PLAIN, Host, gated
from tests.real.authority import Authority


async def test_passwords_are_taken_by_tls_alone_and_the_true_address_counts_behind_a_proxy(dav_host: Host) -> None:
    async with dav_host(Limits(sessions_per_address=2), proxies=("127.0.0.0/8",)) as hosted:
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
            asyncio.create_task(hosted.client.put(f"/{number}.csv", content=gated(going), headers=seen))
            for number in range(2)
        ]
        await eventually(lambda: hosted.server.house.sessions == 2, "two requests to be under way")
        assert (await hosted.client.get("/", headers=seen)).status_code == 503
        assert (await hosted.client.get("/", headers={"X-Forwarded-For": "192.0.2.10"})).status_code == 405
        going.set()
        assert [each.status_code for each in await asyncio.gather(*puts)] == [201, 201]


async def test_a_proxy_that_nobody_named_brings_nobody_in(dav_host: Host) -> None:
    """On this machine plain HTTP is for this machine: behind a proxy of its own everybody would be that."""
    async with dav_host() as hosted:
        assert await hosted.status("PUT", "/a.csv", b"1") == 201
        for header in ("X_Forwarded_For", "X_Forwarded_Proto", "Forwarded"):
            assert await hosted.status("GET", "/a.csv", **{header: "https"}) == 403
        assert hosted.gate.asked == ["shop"]


async def test_addresses_are_ours_by_what_clients_call_us(dav_host: Host) -> None:
    async with dav_host(proxies=("127.0.0.0/8",)) as hosted:
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


async def test_there_is_room_for_so_many_connections_and_the_silent_are_sent_away(dav_host: Host) -> None:
    async with dav_host(Limits(sessions_per_address=2)) as hosted:
        await hosted.client.aclose()
        idle = [await asyncio.open_connection("127.0.0.1", hosted.server.port) for _ in range(2)]
        await eventually(lambda: hosted.server.house.sessions == 2, "both to be counted")
        with pytest.raises((ConnectionError, AssertionError)):
            assert await hosted.raw("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        for _, writer in idle:
            writer.transport.abort()
        await eventually(lambda: not hosted.server.house.sessions, "both to be gone")


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
