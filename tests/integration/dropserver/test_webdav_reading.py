"""What hosted WebDAV tells of a folder, of names, and of what is not there or not on offer."""

import asyncio
import os

from tests.integration.dropserver.dav_host import LOCK, PLAIN, Host


async def test_what_lies_there_is_told_and_nothing_outside(dav_host: Host) -> None:
    async with dav_host() as hosted:
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


async def test_a_large_directory_is_told_whole_to_several_of_one_login(dav_host: Host) -> None:
    async with dav_host() as hosted:
        for number in range(300):
            (hosted.folder / f"{number:03}.csv").touch()
        await hosted.client.request("LOCK", "/007.csv", content=LOCK)
        ask = [hosted.client.request("PROPFIND", "/", headers={"Depth": "1"}) for _ in range(3)]
        for listed in await asyncio.gather(*ask):
            assert listed.text.count("<D:response>") == 301
            assert listed.text.count("<D:activelock>") == 1
            assert listed.text.endswith("</D:multistatus>\n")


async def test_what_is_not_there_or_not_on_offer_is_said(dav_host: Host) -> None:
    async with dav_host() as hosted:
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
        assert await hosted.status("PUT", "/d/b.csv", b"1") == 503


async def test_names_mean_what_they_say(dav_host: Host) -> None:
    async with dav_host() as hosted:
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
