"""Hosted WebDAV, request by request: what is uploaded, moved and copied, what rings and what never does."""

import asyncio

import pytest

from services.dropserver.tenant import Limits
from tests.eventually import eventually
from tests.integration.dropserver.dav_host import LOCK, LOGIN, PLAIN, Host, Meddling, gated, slow


async def test_only_a_whole_body_rings(dav_host: Host) -> None:
    async with dav_host(Limits(stall_seconds=0.3)) as hosted:
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


async def test_a_part_is_appended_where_the_file_ends_and_rings_with_the_last(dav_host: Host) -> None:
    async with dav_host() as hosted:
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


async def test_a_body_is_as_long_as_it_was_said_to_be_or_nothing_rings(dav_host: Host) -> None:
    async with dav_host() as hosted:
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


async def test_what_is_not_whole_is_not_copied(dav_host: Host) -> None:
    async with dav_host() as hosted:
        going = asyncio.Event()
        put = asyncio.create_task(hosted.client.put("/a.csv", content=gated(going)))
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


async def test_an_empty_file_rings_when_its_lock_ends_and_a_half_one_does_not(dav_host: Host) -> None:
    async with dav_host() as hosted:

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


@pytest.mark.parametrize("client", ["curl/8.5.0", "gvfs/1.50.3"])
async def test_an_empty_file_of_who_sends_a_file_at_once_rings_at_once(dav_host: Host, client: str) -> None:
    """Nothing follows: gvfs, too, puts a file when it is closed, with all that is in it."""
    async with dav_host() as hosted:
        assert await hosted.status("PUT", "/a.csv.ok", User_Agent=client) == 201
        assert hosted.rung == ["shop/a.csv.ok"]


async def test_versions_and_conditions(dav_host: Host) -> None:
    async with dav_host() as hosted:
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


async def test_a_place_for_a_file_gets_another_name_and_rings_only_when_it_is_filled(dav_host: Host) -> None:
    async with dav_host() as hosted:
        explorer = {"User_Agent": "Microsoft-WebDAV-MiniRedir/10.0.19045"}
        assert await hosted.status("PUT", "/new.txt", **explorer) == 201
        target = {"Destination": "/a.csv"}
        assert await hosted.status("MOVE", "/new.txt", **target, **explorer) == 201
        assert [each.name for each in hosted.folder.iterdir()] == ["a.csv"]
        assert "closed" not in {what for what, _ in hosted.uploads.short}
        assert (await hosted.client.put("/a.csv", content=b"whole")).status_code == 204
        assert [each for each in hosted.uploads.short if each[0] == "closed"] == [("closed", "shop/a.csv")]


async def test_explorer_and_finder_lock_fill_and_time_a_file_which_rings_once(dav_host: Host) -> None:
    """Both put an empty file first, or lock a name that nothing has; neither is what they send."""
    patch = (
        b'<D:propertyupdate xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:"><D:set><D:prop>'
        b"<Z:Win32FileAttributes>00000020</Z:Win32FileAttributes>"
        b"<Z:Win32LastModifiedTime>Tue, 14 Nov 2023 22:13:20 GMT</Z:Win32LastModifiedTime>"
        b"</D:prop></D:set></D:propertyupdate>"
    )
    async with dav_host() as hosted:
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


async def test_a_stopping_server_finishes_what_runs_and_cuts_what_does_not_end(dav_host: Host) -> None:
    for seconds, rung in ((10.0, ["shop/0.csv"]), (0.2, [])):
        async with dav_host(Limits(closing_seconds=seconds)) as hosted:
            going = asyncio.Event()
            reader, writer = await asyncio.open_connection("127.0.0.1", hosted.server.port)
            put = asyncio.create_task(hosted.client.put("/0.csv", content=gated(going)))
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


async def test_a_put_ends_with_its_login(dav_host: Host) -> None:
    async with dav_host(Limits(attend_seconds=0.05)) as hosted:
        put = asyncio.create_task(hosted.client.put("/a.csv", content=slow()))
        await eventually(lambda: hosted.server.house.register.count == 1, "the put to be under way")
        del hosted.gate.passwords[LOGIN]
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 1)
        assert hosted.uploads.short == [("opened", "shop/a.csv"), ("broken", "shop/a.csv")]
        put.cancel()
        await asyncio.gather(put, return_exceptions=True)
        assert await hosted.status("GET", "/a.csv") == 401
