"""Getting in at a WebDAV server: logins, certificates, and redirects that are not followed."""

import asyncio
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from pathlib import Path
from uuid import uuid4

import pytest

from shared.domain.connection import Login
from shared.domain.failures import (
    AccessDenied,
    CertificateChanged,
    CertificateFailure,
    CertificateUntrusted,
    ConnectionLost,
    DirectoryMissing,
    LoginRefused,
    RedirectRefused,
    WebDavRefused,
)
from shared.transfer.dialling import OnStep, Reach
from shared.transfer.folder import Folder
from shared.transfer.open_folder import Places, open_folder
from shared.transfer.verify import Uses, verify
from shared.transfer.webdav.opening import open_webdav
from tests.eventually import eventually
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import reach, webdav_place
from tests.integration.transfer.dav_server import (
    LOGIN,
    Asked,
    Reply,
    but,
    bytes_of,
    chunks,
    collection,
    dav_server,
    file,
    multistatus,
    opened,
    plain,
    reply,
)
from tests.real import apache
from tests.real.apache import PrivateApache
from tests.real.authority import Authority


@pytest.mark.parametrize("way", ["basic", "digest", "open"])
async def test_apache_lets_us_in_by_each_way_and_takes_large_files(
    apache_server: PrivateApache, authority: Authority, way: str
) -> None:
    apache_server.put(f"{way} ü/first", b"").unlink()
    place = webdav_place(apache_server.url(f"{way}/{way}%20%C3%BC"))
    parts = [bytes([number]) * 700_000 for number in range(5)]
    async with open_webdav(place, Login(password=apache.PASSWORD), reach(authority)) as folder:
        assert await folder.write("out.bin", chunks(*parts)) == 3_500_000
        assert await folder.write("known.bin", chunks(*parts), size_bytes=3_500_000) == 3_500_000
        await folder.rename("out.bin", "known.bin", replace=True)
        assert [found.path for found in (await folder.list("")).files] == ["known.bin"]
    assert (apache_server.drop / f"{way} ü" / "known.bin").read_bytes() == b"".join(parts)


async def test_apache_is_tried_step_by_step_and_keeps_no_probe(
    apache_server: PrivateApache, authority: Authority, tmp_path: Path
) -> None:
    apache_server.put("tried/out/first", b"").unlink()
    place = webdav_place(apache_server.url("digest/tried"))

    async def outcomes(login: Login, ways: Reach) -> list[str]:
        places = Places(tmp_path, ways, sessions=FreeSessions())

        def opening(on_step: OnStep) -> AbstractAsyncContextManager[Folder]:
            return open_folder(place, login, places, account_id=uuid4(), on_step=on_step)

        tried = await verify(place, opening, Uses(written=frozenset({"out"})), probe="0a1b")
        return [f"{step.name}: {step.code or step.outcome}" for step in tried.steps if step.outcome != "not_tried"]

    entering = ["resolve: ok", "connect: ok", "certificate: ok", "login: ok"]
    good, ways = Login(password=apache.PASSWORD), reach(authority)
    using = [f"{name}: ok" for name in ("list", "write", "read", "replace", "remove")]
    assert await outcomes(good, ways) == entering + using
    assert list((apache_server.drop / "tried" / "out").iterdir()) == []
    assert await outcomes(Login(password="wrong"), ways) == [*entering[:3], "login: login_refused"]
    assert await outcomes(good, reach()) == [*entering[:2], "certificate: certificate_untrusted"]


async def test_apache_refuses_a_wrong_password_and_what_is_no_directory(
    apache_server: PrivateApache, authority: Authority
) -> None:
    apache_server.put("file.csv", b"1")
    ways, good = reach(authority), Login(password=apache.PASSWORD)
    for path, login, failure in (
        ("basic", Login(password="wrong"), LoginRefused),
        ("digest", Login(password="wrong"), LoginRefused),
        ("basic", Login(), LoginRefused),
        ("basic/nowhere", good, DirectoryMissing),
        ("basic/file.csv", good, WebDavRefused),
        ("elsewhere", good, WebDavRefused),
    ):
        with pytest.raises(failure):
            async with open_webdav(webdav_place(apache_server.url(path)), login, ways):
                pass


@pytest.mark.parametrize("way", ["looking-basic", "looking-digest"])
async def test_apache_that_answers_a_lack_of_right_as_a_wrong_login_has_refused_no_login(
    apache_server: PrivateApache, authority: Authority, way: str
) -> None:
    apache_server.put(f"{way}/a.csv", b"1")
    place = webdav_place(apache_server.url(f"{way}/{way}"))
    async with open_webdav(place, Login(password=apache.PASSWORD), reach(authority)) as folder:
        for deed in (
            folder.write("b.csv", chunks(b"1")),
            folder.write("big.bin", chunks(bytes(1 << 20), bytes(1 << 20))),
            folder.remove("a.csv"),
        ):
            with pytest.raises(AccessDenied):
                await deed
        assert [found.path for found in (await folder.list("")).files] == ["a.csv"]
    with pytest.raises(LoginRefused):
        async with open_webdav(place, Login(password="wrong"), reach(authority)):
            pass


CHALLENGE = 'Digest realm="r", qop="auth", algorithm=SHA-256, nonce='


async def test_a_password_is_shown_only_when_it_is_asked_for_and_a_wrong_one_once(authority: Authority) -> None:
    def refuse(asked: Asked) -> Reply:
        return reply(401, b"who?", WWW_Authenticate="Basic realm=r")

    async with dav_server(authority, refuse) as server:
        with pytest.raises(LoginRefused):
            async with opened(server):
                pass
        assert ["authorization" in each.headers for each in server.asked] == [False, True]
        server.asked.clear()
        server.answer = plain
        async with opened(server) as folder:
            await folder.list("")
        assert not any("authorization" in each.headers for each in server.asked)


async def test_a_nonce_that_grew_old_is_answered_anew_before_a_large_file_goes_out(authority: Authority) -> None:
    nonces = ["one"]

    def answer(asked: Asked) -> Reply:
        if f'nonce="{nonces[-1]}"' in asked.headers.get("authorization", ""):
            return plain(asked)
        stale = "authorization" in asked.headers
        return reply(401, WWW_Authenticate=f'{CHALLENGE}"{nonces[-1]}"' + (", stale=true" if stale else ""))

    async with dav_server(authority, answer) as server, opened(server) as folder:
        nonces.append("two")
        await folder.write("big.bin", chunks(bytes(1 << 20), bytes(1 << 20)), size_bytes=2 << 20)
        assert server.methods() == ["PROPFIND", "PROPFIND", "PROPFIND", "PROPFIND", "PUT"]
        assert server.asked[-1].headers["content-length"] == str(2 << 20)
        assert "nc=00000002" in server.asked[-1].headers["authorization"]
        nonces.append("three")
        await folder.write("small.bin", chunks(b"1", b"2"))
        assert server.asked[-1].body == b"12"


async def test_nothing_is_asked_of_a_server_that_does_not_prove_itself(authority: Authority) -> None:
    async with dav_server(authority) as server:
        tries: list[tuple[dict[str, object], Reach, type[CertificateFailure]]] = [
            ({}, reach(), CertificateUntrusted),
            ({"certificates": ["AB" * 32]}, reach(authority), CertificateChanged),
        ]
        for more, ways, failure in tries:
            with pytest.raises(failure) as told:
                async with open_webdav(webdav_place(server.url(), **more), LOGIN, ways):
                    pass
            assert told.value.fingerprint == server.certificate.fingerprint
        assert server.asked == []
        pinned = webdav_place(server.url(), certificates=[server.certificate.fingerprint])
        async with open_webdav(pinned, LOGIN, reach()) as folder:
            assert [found.path for found in (await folder.list("")).files] == ["a.csv"]


async def test_a_server_that_falls_silent_while_it_shows_its_certificate_holds_up_no_thread(
    authority: Authority,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.issue("127.0.0.1").path)
    met: list[asyncio.StreamWriter] = []

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)
        if len(met) == 1:
            with suppress(OSError):
                await writer.start_tls(context)

    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    async with await asyncio.start_server(meet, "127.0.0.1", 0) as listener:
        place = webdav_place(f"https://127.0.0.1:{listener.sockets[0].getsockname()[1]}/dav")

        async def enter() -> None:
            async with open_webdav(place, LOGIN, reach(login_seconds=3)):
                pass

        entering = asyncio.create_task(enter())
        await eventually(lambda: len(met) == 2, "the certificate to be asked for")
        began = time.monotonic()
        await asyncio.to_thread(time.monotonic)
        assert time.monotonic() - began < 2
        for writer in met:
            writer.transport.abort()
        with pytest.raises(CertificateUntrusted):
            await entering


async def test_a_name_is_resolved_once_for_all_connections_and_no_proxy_is_asked(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolver(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with dav_server(authority, but({"GET": lambda _: None})) as server:
        ways = reach(authority)
        ways = Reach(ways.policy, ways.deadlines, resolver, ways.certificates)
        async with open_webdav(webdav_place(server.url(host="partner.example")), LOGIN, ways) as folder:
            with pytest.raises(ConnectionLost):
                await bytes_of(folder, "a.csv")
            await folder.list("")
        assert server.asked[0].headers["host"] == f"partner.example:{server.port}"
        assert server.connections == 3
    assert answers == [["10.0.0.1"]]


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/dav",
        "http://127.0.0.1/dav",
        "//evil.example/dav",
        "/other",
        "/dav?x=secret",
        "https://[",
        "",
    ],
)
async def test_no_redirect_is_followed_to_anywhere_else(authority: Authority, location: str) -> None:
    def away(asked: Asked) -> Reply:
        is_asked = "authorization" in asked.headers
        return reply(302, Location=location) if is_asked else reply(401, WWW_Authenticate="Basic")

    async with dav_server(authority, away) as server:
        with pytest.raises(RedirectRefused) as told:
            async with opened(server):
                pass
        assert server.methods() == ["PROPFIND", "PROPFIND"]
        assert "secret" not in told.value.detail


async def test_a_redirect_to_the_other_spelling_of_a_directory_is_followed_once(authority: Authority) -> None:
    def slash(asked: Asked) -> Reply:
        if asked.target == "/dav/":
            return reply(301, Location=f"https://127.0.0.1:{server.port}/dav")
        return multistatus(collection("/dav"), file("/dav/a.csv")) if asked.target == "/dav" else reply(404)

    async with dav_server(authority, slash) as server, opened(server) as folder:
        assert [found.path for found in (await folder.list("")).files] == ["a.csv"]
        server.answer = lambda asked: reply(301, Location=asked.target + "/" if asked.target == "/dav" else "/dav")
        with pytest.raises(RedirectRefused):
            await folder.list("")
        for deed in (folder.remove("a.csv"), folder.rename("a.csv", "b.csv", replace=True)):
            server.answer = but({"DELETE": lambda _: reply(307, Location="/x"), "MOVE": lambda _: reply(307)})
            with pytest.raises(RedirectRefused):
                await deed
