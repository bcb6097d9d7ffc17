"""What a WebDAV server's answers mean for a file: statuses, directories in the way, and versions."""

from collections.abc import Awaitable, Callable

import pytest

from shared.domain.failures import (
    AccessDenied,
    DirectoryMissing,
    Failure,
    FileChanged,
    FileGone,
    FileLocked,
    NameTaken,
    PlaceFull,
    RenameRefused,
    ServerFailed,
)
from tests.integration.transfer.dav_server import (
    Asked,
    Reply,
    but,
    bytes_of,
    chunks,
    collection,
    dav_server,
    file,
    in_turn,
    multistatus,
    opened,
    reply,
)
from tests.real.authority import Authority

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
    async with dav_server(authority) as server, opened(server) as folder:
        deeds: dict[str, Callable[[], Awaitable[object]]] = {
            "GET": lambda: bytes_of(folder, "a.csv"),
            "PUT": lambda: folder.write("b.csv", chunks(b"1")),
            "MOVE": lambda: folder.rename("a.csv", "b.csv", replace=False),
            "DELETE": lambda: folder.remove("a.csv"),
            "MKCOL": lambda: folder.make_directory("new"),
        }
        for method, status, failure in STATUSES:
            refused = reply(status)
            server.answer = but({method: lambda _, refused=refused: refused})  # type: ignore[misc]  # bound at once
            with pytest.raises(failure):
                await deeds[method]()


async def test_a_directory_is_neither_replaced_nor_removed_nor_read(authority: Authority) -> None:
    is_directory = {"PROPFIND /dav/b": lambda _: reply(301, Location="/dav/b/")}
    is_directory["PROPFIND /dav/b/"] = lambda _: multistatus(collection("/dav/b/"))
    async with dav_server(authority, but(is_directory)) as server, opened(server) as folder:
        with pytest.raises(NameTaken):
            await folder.rename("a.csv", "b", replace=True)
        for deed in (folder.remove("b"), folder.stat("b"), bytes_of(folder, "b")):
            with pytest.raises(FileGone):
                await deed
        assert not {"MOVE", "DELETE", "GET"} & {*server.methods()}


async def test_behind_a_proxy_that_ends_tls_the_path_alone_is_known(authority: Authority) -> None:
    def moved(asked: Asked) -> Reply:
        return reply(502) if asked.headers["destination"].startswith("https") else reply(201)

    async with dav_server(authority, but({"MOVE": moved})) as server, opened(server) as folder:
        await folder.rename("a.csv", "b \u00fc.csv", replace=True)
        said = [each.headers for each in server.asked if each.method == "MOVE"]
    assert [each["destination"] for each in said] == [server.url("/dav/b%20%C3%BC.csv"), "/dav/b%20%C3%BC.csv"]
    assert {each["overwrite"] for each in said} == {"T"}


# Versions of a file.


def _versions(*etags: str) -> Callable[[Asked], Reply]:
    return in_turn(*(multistatus(file("/dav/a.csv", etag=etag)) for etag in etags))


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
    changes = {"PROPFIND /dav/a.csv": _versions(*etags), "GET": in_turn(*answers)}
    async with dav_server(authority, but(changes)) as server, opened(server) as folder:
        await folder.stat("a.csv")
        if changed_at == "read":
            with pytest.raises(FileChanged):
                await bytes_of(folder, "a.csv")
            return
        assert await bytes_of(folder, "a.csv") == b"12345"
        asked = [each.headers.get("if-match") for each in server.asked if each.method == "GET"]
        assert asked == ([etags[0]] if etags[0].startswith('"') else [None]) + [None] * (len(answers) - 1)
        if changed_at == "stat":
            with pytest.raises(FileChanged):
                await folder.stat("a.csv")
        else:
            assert (await folder.stat("a.csv")).size_bytes == 5
