"""What a WebDAV server lists: names, what is no listing, and listings without an end."""

import pytest

from shared.domain.failures import (
    DirectoryMissing,
    TooManyFiles,
    WebDavRefused,
)
from shared.domain.names import shown
from shared.transfer.webdav.folder import WebDavFolder
from tests.integration.transfer.dav_server import (
    bare,
    collection,
    dav_server,
    file,
    multistatus,
    opened,
    reply,
)
from tests.real.authority import Authority


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

    async with dav_server(authority) as server, opened(server) as folder:
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
    async with dav_server(authority) as server, opened(server) as folder:
        server.answer = lambda _: answer
        with pytest.raises(WebDavRefused, match=told):
            await folder.list("")


async def test_a_listing_has_an_end(authority: Authority) -> None:
    entries = [file(f"/dav/{number}.csv") for number in range(1_000)]
    async with dav_server(authority) as server, opened(server) as folder:
        server.answer = lambda _: multistatus(collection("/dav/"), *entries)
        assert len((await folder.list("")).files) == 1_000
        narrow = WebDavFolder(folder._wire, (b"dav",), max_entries=900)
        with pytest.raises(TooManyFiles):
            await narrow.list("")
        server.answer = lambda _: multistatus(*[collection("/x" * 4_000)] * 300)
        with pytest.raises(WebDavRefused, match="more than"):
            await folder.stat("a.csv")
