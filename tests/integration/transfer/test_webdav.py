"""WebDAV as a client: logins, redirects, versions of files, and servers that are slow, broken or hostile."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
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
    Failure,
    FileChanged,
    FileGone,
    FileLocked,
    LoginRefused,
    NameTaken,
    PlaceFull,
    RedirectRefused,
    RenameRefused,
    ServerFailed,
    TooManyFiles,
    WebDavRefused,
)
from shared.domain.names import shown
from shared.transfer.dialling import OnStep, Reach
from shared.transfer.folder import Folder
from shared.transfer.open_folder import Places, open_folder
from shared.transfer.verify import Uses, verify
from shared.transfer.webdav.folder import WebDavFolder
from shared.transfer.webdav.opening import open_webdav
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import reach, webdav_place
from tests.integration.transfer.dav_server import (
    Asked,
    DavServer,
    Reply,
    Slow,
    bare,
    collection,
    dav_server,
    file,
    multistatus,
    plain,
    reply,
)
from tests.real import apache
from tests.real.apache import PrivateApache
from tests.real.authority import Authority

LOGIN = Login(password="open sesame")


@asynccontextmanager
async def _open(server: DavServer, login: Login = LOGIN, **deadlines: float) -> AsyncIterator[WebDavFolder]:
    ways = reach(server.authority, **deadlines)
    async with open_webdav(webdav_place(server.url()), login, ways) as folder:
        yield folder


async def _chunks(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


async def _bytes(folder: WebDavFolder, path: str) -> bytes:
    return b"".join([chunk async for chunk in folder.read(path)])


def _with(changes: dict[str, Callable[[Asked], Reply]]) -> Callable[[Asked], Reply]:
    """An orderly server, but for these methods and paths."""

    def answer(asked: Asked) -> Reply:
        changed = changes.get(f"{asked.method} {asked.target}") or changes.get(asked.method)
        return plain(asked) if changed is None else changed(asked)

    return answer


def _once(*replies: Reply) -> Callable[[Asked], Reply]:
    """One after the other; the last of them for ever."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


# Logins.


@pytest.mark.parametrize("way", ["basic", "digest", "open"])
async def test_apache_lets_us_in_by_each_way_and_takes_large_files(
    apache_server: PrivateApache, authority: Authority, way: str
) -> None:
    apache_server.put(f"{way} ü/first", b"").unlink()
    place = webdav_place(apache_server.url(f"{way}/{way}%20%C3%BC"))
    parts = [bytes([number]) * 700_000 for number in range(5)]
    async with open_webdav(place, Login(password=apache.PASSWORD), reach(authority)) as folder:
        assert await folder.write("out.bin", _chunks(*parts)) == 3_500_000
        assert await folder.write("known.bin", _chunks(*parts), size_bytes=3_500_000) == 3_500_000
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


CHALLENGE = 'Digest realm="r", qop="auth", algorithm=SHA-256, nonce='


async def test_a_password_is_shown_only_when_it_is_asked_for_and_a_wrong_one_once(authority: Authority) -> None:
    def refuse(asked: Asked) -> Reply:
        return reply(401, b"who?", WWW_Authenticate="Basic realm=r")

    async with dav_server(authority, refuse) as server:
        with pytest.raises(LoginRefused):
            async with _open(server):
                pass
        assert ["authorization" in each.headers for each in server.asked] == [False, True]
        server.asked.clear()
        server.answer = plain
        async with _open(server) as folder:
            await folder.list("")
        assert not any("authorization" in each.headers for each in server.asked)


async def test_a_nonce_that_grew_old_is_answered_anew_before_a_large_file_goes_out(authority: Authority) -> None:
    nonces = ["one"]

    def answer(asked: Asked) -> Reply:
        if f'nonce="{nonces[-1]}"' in asked.headers.get("authorization", ""):
            return plain(asked)
        stale = "authorization" in asked.headers
        return reply(401, WWW_Authenticate=f'{CHALLENGE}"{nonces[-1]}"' + (", stale=true" if stale else ""))

    async with dav_server(authority, answer) as server, _open(server) as folder:
        nonces.append("two")
        await folder.write("big.bin", _chunks(bytes(1 << 20), bytes(1 << 20)), size_bytes=2 << 20)
        assert server.methods() == ["PROPFIND", "PROPFIND", "PROPFIND", "PROPFIND", "PUT"]
        assert server.asked[-1].headers["content-length"] == str(2 << 20)
        assert "nc=00000002" in server.asked[-1].headers["authorization"]
        nonces.append("three")
        await folder.write("small.bin", _chunks(b"1", b"2"))
        assert server.asked[-1].body == b"12"


# Who the server is, and where.


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


async def test_a_name_is_resolved_once_for_all_connections_and_no_proxy_is_asked(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    answers = [["127.0.0.1"], ["10.0.0.1"]]

    async def resolver(host: str, port: int) -> list[str]:
        return answers.pop(0)

    async with dav_server(authority, _with({"GET": lambda _: None})) as server:
        ways = reach(authority)
        ways = Reach(ways.policy, ways.deadlines, resolver, ways.certificates)
        async with open_webdav(webdav_place(server.url(host="partner.example")), LOGIN, ways) as folder:
            with pytest.raises(ConnectionLost):
                await _bytes(folder, "a.csv")
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
            async with _open(server):
                pass
        assert server.methods() == ["PROPFIND", "PROPFIND"]
        assert "secret" not in told.value.detail


async def test_a_redirect_to_the_other_spelling_of_a_directory_is_followed_once(authority: Authority) -> None:
    def slash(asked: Asked) -> Reply:
        if asked.target == "/dav/":
            return reply(301, Location=f"https://127.0.0.1:{server.port}/dav")
        return multistatus(collection("/dav"), file("/dav/a.csv")) if asked.target == "/dav" else reply(404)

    async with dav_server(authority, slash) as server, _open(server) as folder:
        assert [found.path for found in (await folder.list("")).files] == ["a.csv"]
        server.answer = lambda asked: reply(301, Location=asked.target + "/" if asked.target == "/dav" else "/dav")
        with pytest.raises(RedirectRefused):
            await folder.list("")
        for deed in (folder.remove("a.csv"), folder.rename("a.csv", "b.csv", replace=True)):
            server.answer = _with({"DELETE": lambda _: reply(307, Location="/x"), "MOVE": lambda _: reply(307)})
            with pytest.raises(RedirectRefused):
                await deed


# What is listed.


async def test_names_come_from_the_last_part_below_the_directory_and_from_nowhere_else(authority: Authority) -> None:
    entries = (
        collection("https://another.example/d%61v/"),
        file("/dav/good%20%C3%84&%27.csv"),
        file("https://evil.example/dav/absolute.csv"),
        file("/dav/twice.csv", 1),
        file("/d%61v/tw%69ce.csv", 2),
        collection("/dav/deeper/"),
        file("/dav/line%0Abreak%FF.csv"),
        file("/dav/deeper/inside.csv"),
        file("/etc/passwd"),
        file("/dav/../escape.csv"),
        file("/dav/%2e%2e"),
        file("/dav/..%2Fescape.csv"),
        file("/dav/nul%00.csv"),
        file("relative.csv"),
        file("/dav/query.csv?download"),
        file("/dav/"),
        file("/dav//"),
        file("/dav/" + "x" * 256),
        file("/dav/huge.csv", 1 << 70),
        file("/dav/sizeless.csv", "many"),
        file("/dav/timeless.csv", modified="yesterday"),
        bare("/dav/bare.csv"),
        b"<response><href>/dav/gone.csv</href><status>HTTP/1.1 404 Not Found</status></response>",
        b"<response><href>/dav/closed.csv</href><status>HTTP/1.1 403 Forbidden</status></response>",
    )

    async with dav_server(authority) as server, _open(server) as folder:
        server.answer = lambda _: multistatus(*entries)
        with pytest.raises(DirectoryMissing, match="found a file"):
            await folder.list("")
        server.answer = lambda _: multistatus(*(each for each in entries if each != file("/dav/")))
        listing = await folder.list("")
    assert [(shown(found.path), found.size_bytes) for found in listing.files] == [
        ("good \u00c4&'.csv", 5),
        ("absolute.csv", 5),
        ("twice.csv", 1),
        ("line\\x0abreak\\xff.csv", 5),
    ]
    assert listing.directories == ["deeper"]
    told = {entry.shown for entry in listing.refused}
    assert len(listing.refused) == len(told) == 15
    assert {"huge.csv", "sizeless.csv", "timeless.csv", "bare.csv", "closed.csv"} < told
    assert all(len(entry.shown) < 1_100 and entry.shown.isprintable() and entry.reason for entry in listing.refused)


_ENTERS = Asked("PROPFIND", "/dav/", {"depth": "0"}, b"")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (multistatus(), "nothing"),
        (multistatus(file("/other/a.csv")), "/other/a.csv"),
        (reply(200, b"<html>Index of /dav</html>"), "200"),
        (reply(207, b"<!DOCTYPE x [<!ENTITY e 'boom'>]><x>&e;</x>"), "document type"),
        (reply(207, b'<multistatus xmlns="DAV:">' + collection("/dav/")), "well-formed"),
        (reply(207, b"\x1f\x8b", Content_Encoding="gzip"), "packs"),
        (reply(501), "501"),
    ],
)
async def test_what_is_no_listing_is_no_empty_folder(authority: Authority, answer: bytes, told: str) -> None:
    async with dav_server(authority) as server, _open(server) as folder:
        server.answer = lambda _: answer
        with pytest.raises(WebDavRefused, match=told):
            await folder.list("")


async def test_a_listing_has_an_end(authority: Authority) -> None:
    entries = [file(f"/dav/{number}.csv") for number in range(1_000)]
    async with dav_server(authority) as server, _open(server) as folder:
        server.answer = lambda _: multistatus(collection("/dav/"), *entries)
        assert len((await folder.list("")).files) == 1_000
        narrow = WebDavFolder(folder._wire, (b"dav",), max_entries=900)
        with pytest.raises(TooManyFiles):
            await narrow.list("")
        server.answer = lambda _: multistatus(*[collection("/x" * 4_000)] * 300)
        with pytest.raises(WebDavRefused, match="more than"):
            await folder.stat("a.csv")


# Slow and broken servers.


async def test_a_server_that_gives_a_byte_now_and_then_is_given_up_in_time(authority: Authority) -> None:
    head = reply(200, b"x" * 1000)
    listing = multistatus(collection("/dav/"), file("/dav/a.csv"))
    async with dav_server(authority) as server:
        began = time.monotonic()
        async with _open(server, step_seconds=0.2, idle_seconds=0.2, listing_seconds=0.4, login_seconds=5) as folder:
            for path, answer in (
                ("PROPFIND", Slow(listing, 0.02)),
                ("PROPFIND", Slow(listing[:-300], 0)),
                ("GET", Slow(head, 0.02)),
                ("GET", Slow(reply(200, b"x" * 10_000), 0.02, 100)),
                ("GET", Slow(head[:-10], 0)),
            ):
                server.answer = _with({path: lambda _, answer=answer: answer})  # type: ignore[misc]  # bound at once
                with pytest.raises(ConnectionLost):
                    await (folder.list("") if path == "PROPFIND" else _bytes(folder, "a.csv"))
        assert time.monotonic() - began < 8


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"SSH-2.0-OpenSSH\r\n\r\n", reply(200, b"12345")[:-2], reply(200, b"12345").replace(b": 5", b": -5")],
)
async def test_a_connection_that_ends_in_the_middle_is_told(authority: Authority, answer: bytes | None) -> None:
    def broken(_: Asked) -> Reply:
        return None if answer is None else answer + b""

    def ends(asked: Asked) -> Reply:
        return Slow(broken(asked), 0, 1 << 20) if answer else None

    async with dav_server(authority) as server, _open(server, idle_seconds=0.2, step_seconds=1) as folder:
        server.answer = _with({"GET": ends})
        with pytest.raises(ConnectionLost):
            await _bytes(folder, "a.csv")
        server.answer = plain
        assert await _bytes(folder, "a.csv") == b"12345"


async def test_a_connection_that_was_ended_while_it_was_idle_is_made_anew(authority: Authority) -> None:
    ended = _once(plain(_ENTERS), None, plain(_ENTERS))
    async with dav_server(authority, _with({"PROPFIND /dav/": ended})) as server, _open(server) as folder:
        await folder.list("")
        assert server.connections == 2
        server.answer = _with({"DELETE": lambda _: None})
        with pytest.raises(ConnectionLost):
            await folder.remove("a.csv")
        assert server.methods().count("DELETE") == 1


async def test_an_upload_that_is_answered_before_its_end_is_not_sent_for_ever(authority: Authority) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    async with dav_server(authority) as server, _open(server, idle_seconds=20) as folder:
        server.reads_bodies = False
        server.answer = _with({"PUT": lambda _: Slow(reply(507), 0, 1 << 20)})
        began = time.monotonic()
        with pytest.raises(PlaceFull):
            await folder.write("big.bin", endless())
        assert time.monotonic() - began < 10


async def test_a_reader_that_is_given_up_keeps_nobody_waiting(authority: Authority) -> None:
    big = reply(200, bytes(4 << 20))
    async with dav_server(authority, _with({"GET": lambda _: big})) as server, _open(server) as folder:
        reading = folder.read("a.csv")
        assert len(await anext(reading)) >= 1
        async with asyncio.timeout(5):
            assert (await folder.stat("a.csv")).size_bytes == 5
        await reading.aclose()
        server.answer = _with({"GET": lambda _: Slow(big[:500_000], 0, 1 << 20)})
        async with asyncio.timeout(3), aclosing(folder.read("a.csv")) as silent:
            await anext(silent)


# What statuses mean.


STATUSES: list[tuple[str, int, type[Failure]]] = [
    ("GET", 404, FileGone),
    ("GET", 403, AccessDenied),
    ("GET", 206, ServerFailed),
    ("GET", 500, ServerFailed),
    ("GET", 503, ServerFailed),
    ("PUT", 409, DirectoryMissing),
    ("PUT", 405, AccessDenied),
    ("PUT", 413, ServerFailed),
    ("PUT", 423, FileLocked),
    ("PUT", 507, PlaceFull),
    ("MOVE", 405, RenameRefused),
    ("MOVE", 501, RenameRefused),
    ("MOVE", 403, AccessDenied),
    ("MOVE", 412, NameTaken),
    ("MOVE", 409, DirectoryMissing),
    ("MOVE", 207, ServerFailed),
    ("MOVE", 423, FileLocked),
    ("DELETE", 404, FileGone),
    ("DELETE", 423, FileLocked),
    ("DELETE", 207, ServerFailed),
    ("MKCOL", 405, AccessDenied),
    ("MKCOL", 409, DirectoryMissing),
    ("MKCOL", 507, PlaceFull),
]


async def test_each_status_is_a_failure_with_a_name(authority: Authority) -> None:
    async with dav_server(authority) as server, _open(server) as folder:
        deeds: dict[str, Callable[[], Awaitable[object]]] = {
            "GET": lambda: _bytes(folder, "a.csv"),
            "PUT": lambda: folder.write("b.csv", _chunks(b"1")),
            "MOVE": lambda: folder.rename("a.csv", "b.csv", replace=False),
            "DELETE": lambda: folder.remove("a.csv"),
            "MKCOL": lambda: folder.make_directory("new"),
        }
        for method, status, failure in STATUSES:
            refused = reply(status)
            server.answer = _with({method: lambda _, refused=refused: refused})  # type: ignore[misc]  # bound at once
            with pytest.raises(failure):
                await deeds[method]()


async def test_a_directory_is_neither_replaced_nor_removed_nor_read(authority: Authority) -> None:
    is_directory = {"PROPFIND /dav/b": lambda _: reply(301, Location="/dav/b/")}
    is_directory["PROPFIND /dav/b/"] = lambda _: multistatus(collection("/dav/b/"))
    async with dav_server(authority, _with(is_directory)) as server, _open(server) as folder:
        with pytest.raises(NameTaken):
            await folder.rename("a.csv", "b", replace=True)
        for deed in (folder.remove("b"), folder.stat("b"), _bytes(folder, "b")):
            with pytest.raises(FileGone):
                await deed
        assert not {"MOVE", "DELETE", "GET"} & {*server.methods()}


async def test_behind_a_proxy_that_ends_tls_the_path_alone_is_known(authority: Authority) -> None:
    def moved(asked: Asked) -> Reply:
        return reply(502) if asked.headers["destination"].startswith("https") else reply(201)

    async with dav_server(authority, _with({"MOVE": moved})) as server, _open(server) as folder:
        await folder.rename("a.csv", "b \u00fc.csv", replace=True)
        said = [each.headers for each in server.asked if each.method == "MOVE"]
    assert [each["destination"] for each in said] == [server.url("/dav/b%20%C3%BC.csv"), "/dav/b%20%C3%BC.csv"]
    assert {each["overwrite"] for each in said} == {"T"}


# Versions of a file.


def _versions(*etags: str) -> Callable[[Asked], Reply]:
    return _once(*(multistatus(file("/dav/a.csv", etag=etag)) for etag in etags))


@pytest.mark.parametrize(
    ("etags", "answers", "changed_at"),
    [
        (['"1"', '"1"'], [reply(200, b"12345")], None),
        (['"1"', '"2"'], [reply(200, b"12345")], "stat"),
        (['W/"1"', '"1"'], [reply(200, b"12345")], None),
        (['"1"', '"2"'], [reply(412)], "read"),
        (['"1"', '"1"', '"1"'], [reply(412), reply(200, b"12345")], None),
        (["unquoted", "unquoted"], [reply(200, b"12345")], None),
        (["", ""], [reply(200, b"12345")], None),
    ],
)
async def test_what_is_read_is_the_version_that_was_seen(
    authority: Authority, etags: list[str], answers: list[bytes], changed_at: str | None
) -> None:
    changes = {"PROPFIND /dav/a.csv": _versions(*etags), "GET": _once(*answers)}
    async with dav_server(authority, _with(changes)) as server, _open(server) as folder:
        await folder.stat("a.csv")
        if changed_at == "read":
            with pytest.raises(FileChanged):
                await _bytes(folder, "a.csv")
            return
        assert await _bytes(folder, "a.csv") == b"12345"
        asked = [each.headers.get("if-match") for each in server.asked if each.method == "GET"]
        assert asked == ([etags[0]] if etags[0].startswith('"') else [None]) + [None] * (len(answers) - 1)
        if changed_at == "stat":
            with pytest.raises(FileChanged):
                await folder.stat("a.csv")
        else:
            assert (await folder.stat("a.csv")).size_bytes == 5
