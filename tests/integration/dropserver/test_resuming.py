"""A whole file that is opened to be gone on with is whole until its first byte comes, and whatever breaks before."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncssh
import pytest
from asyncssh import FXF_APPEND, FXF_CREAT, FXF_READ, FXF_WRITE

from services.dropserver.tenant import Latest, Limits, Tenant
from tests.eventually import eventually
from tests.fakes.drop import RememberedUploads
from tests.integration.dropserver.conftest import Host, Hosted, kill, open_under
from tests.integration.dropserver.dav_host import PLAIN
from tests.integration.dropserver.dav_host import Host as DavHost

RESUMES = (FXF_WRITE, FXF_WRITE | FXF_CREAT | FXF_APPEND, FXF_WRITE | FXF_READ | FXF_CREAT)
WAYS = pytest.mark.parametrize("flags", RESUMES, ids=["write", "append", "read"])
WHOLE = [("opened", "shop/a.csv"), ("closed", "shop/a.csv")]


@WAYS
async def test_a_whole_file_stays_whole_where_a_resume_breaks_before_its_first_byte(host: Host, flags: int) -> None:
    async with host() as hosted:
        async with _whole(hosted) as connection:
            client = await connection.start_sftp_client()
            await client.open("a.csv", flags, encoding=None)
            # Nothing was begun that would have to be undone: the server may end just so.
            assert hosted.uploads.short == WHOLE
            connection.abort()
        await _until_held_no_more(hosted)
        assert hosted.uploads.short == WHOLE
        assert (hosted.folder / "a.csv").read_bytes() == b"whole"
        assert hosted.server.house.register.count == 0


@WAYS
async def test_a_resume_that_breaks_after_its_first_byte_is_broken_off(host: Host, flags: int) -> None:
    async with host() as hosted:
        async with _whole(hosted) as connection:
            client = await connection.start_sftp_client()
            file = await client.open("a.csv", flags, encoding=None)
            await file.write(b"+", 5)
            assert hosted.uploads.short == [*WHOLE, ("opened", "shop/a.csv")]
            connection.abort()
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 3)
        assert hosted.uploads.short == [*WHOLE, ("opened", "shop/a.csv"), ("broken", "shop/a.csv")]
        assert (hosted.folder / "a.csv").read_bytes() == b"whole+"


@WAYS
async def test_a_whole_file_that_is_closed_without_a_byte_does_not_ring_again(host: Host, flags: int) -> None:
    async with host() as hosted, _whole(hosted) as connection, connection.start_sftp_client() as client:
        async with client.open("a.csv", flags, encoding=None):
            pass
        assert hosted.uploads.short == WHOLE
        async with client.open("a.csv", flags, encoding=None) as file:
            await file.write(b"+", 5)
        assert hosted.uploads.short == WHOLE * 2
        assert (hosted.folder / "a.csv").read_bytes() == b"whole+"
        await _until_held_no_more(hosted)


async def test_a_file_of_which_all_bytes_lie_there_is_whole_when_a_resume_is_closed(host: Host) -> None:
    async with host() as hosted:
        async with hosted.client() as connection:
            client = await connection.start_sftp_client()
            file = await client.open("a.csv", "wb")
            await file.write(b"all of it")
            connection.abort()
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 1)
        async with hosted.client() as connection, connection.start_sftp_client() as client:
            await (await client.open("a.csv", "ab")).close()
        assert [what for what, _ in hosted.uploads.short] == ["opened", "broken", "opened", "closed"]


async def test_an_empty_file_that_is_sent_once_more_rings_once_more(host: Host) -> None:
    """As scp sends it: it cuts no file when it opens it, and there is nothing to write."""
    async with host() as hosted:
        async with hosted.client() as connection, connection.start_sftp_client() as client:
            for _ in range(2):
                async with client.open("a.csv", FXF_WRITE | FXF_CREAT, encoding=None):
                    pass
            assert hosted.uploads.short == WHOLE * 2
            await client.open("a.csv", FXF_WRITE | FXF_CREAT, encoding=None)
            connection.abort()
        await _until_held_no_more(hosted)
        assert hosted.uploads.short == WHOLE * 2


@pytest.mark.parametrize("attrs", [{"size": 2}, {"atime": 1, "mtime": 1}], ids=["cut", "time"])
async def test_cutting_a_whole_file_or_setting_its_time_begins_an_upload(host: Host, attrs: dict[str, int]) -> None:
    async with host() as hosted, _whole(hosted) as connection, connection.start_sftp_client() as client:
        async with client.open("a.csv", "r+b") as file:
            await file.setstat(asyncssh.SFTPAttrs(**attrs))
            assert hosted.uploads.short == [*WHOLE, ("opened", "shop/a.csv")]
        assert hosted.uploads.short == WHOLE * 2
        assert (hosted.folder / "a.csv").stat().st_size == attrs.get("size", 5)


async def test_openssh_that_is_killed_before_its_first_byte_leaves_a_whole_file_whole(host: Host) -> None:
    async with host() as hosted:
        async with _whole(hosted):
            pass
        (hosted.desk / "a.csv").write_bytes(b"whole and more")
        asked, found = asyncio.Event(), hosted.uploads.latest

        async def latest(tenant: Tenant, path: str) -> Latest:
            # It waits for its answer, and has sent nothing that follows.
            os.killpg(process.pid, signal.SIGSTOP)
            asked.set()
            return await found(tenant, path)

        hosted.uploads.latest = latest  # type: ignore[method-assign]
        process = await hosted.start_sftp(f"reput {hosted.desk / 'a.csv'} a.csv")
        await asyncio.wait_for(asked.wait(), 10)
        await eventually(lambda: len(_held(hosted)) == 1, "the file to be open")
        kill(process)
        await process.wait()
        await _until_held_no_more(hosted)
        assert hosted.uploads.short == WHOLE
        hosted.uploads.latest = found  # type: ignore[method-assign]
        ended = await hosted.sftp(f"reput {hosted.desk / 'a.csv'} a.csv")
        assert ended.code == 0, ended.said
        assert hosted.uploads.short == WHOLE * 2
        assert (hosted.folder / "a.csv").read_bytes() == b"whole and more"


async def test_what_can_be_known_is_refused_when_it_is_opened(host: Host) -> None:
    async with host() as hosted, _whole(hosted) as connection, connection.start_sftp_client() as client:
        await client.mkdir("d")
        hosted.uploads.used_bytes = hosted.uploads.quota_bytes
        for name, told in (("a.csv", "full"), ("d", "directory"), ("none/a.csv", "No such file")):
            with pytest.raises(asyncssh.SFTPError, match=told):
                await client.open(name, "r+b")
        hosted.uploads.is_down = True
        with pytest.raises(asyncssh.SFTPError, match="again in a minute"):
            await client.open("a.csv", "r+b")
        assert hosted.uploads.short == WHOLE
        assert _held(hosted) == []


async def test_a_first_write_that_is_refused_leaves_a_whole_file_as_it_was(host: Host) -> None:
    async with host() as hosted, _whole(hosted) as connection, connection.start_sftp_client() as client:
        for refusal in ("full", "again in a minute", "stopping"):
            file = await client.open("a.csv", "ab")
            if refusal == "full":
                hosted.uploads.quota_bytes = hosted.uploads.used_bytes + 3
            hosted.uploads.is_down = refusal == "again in a minute"
            hosted.server.house.is_closing = refusal == "stopping"
            with pytest.raises(asyncssh.SFTPError, match=refusal):
                await file.write(b"more")
            hosted.uploads.is_down, hosted.uploads.quota_bytes = False, 1000
            # What follows would leave a hole.
            for attempt in (file.write(b"."), file.close()):
                with pytest.raises(asyncssh.SFTPError, match="could not be written"):
                    await attempt
        assert hosted.uploads.short == WHOLE
        assert (hosted.folder / "a.csv").read_bytes() == b"whole"


async def test_no_resume_begins_where_hosted_folders_are_paused_since(host: Host) -> None:
    async with host() as hosted, _whole(hosted) as connection, connection.start_sftp_client() as client:
        waiting = await client.open("a.csv", "ab")
        going = await client.open("b.csv", "wb")
        [doorman] = hosted.server._doormen
        doorman.rest(is_resting=True)
        with pytest.raises(asyncssh.SFTPFailure, match="paused"):
            await waiting.write(b"1")
        # It has no upload under way that would have to be finished.
        await going.close()
        doorman.rest(is_resting=True)
        await _until_held_no_more(hosted)
        assert hosted.uploads.short == [*WHOLE, ("opened", "shop/b.csv"), ("closed", "shop/b.csv")]


async def test_who_waits_to_go_on_is_in_nobodys_way_and_holds_nothing_that_is_gone(host: Host) -> None:
    async with (
        host(Limits(attend_seconds=0.05)) as hosted,
        _whole(hosted) as connection,
        connection.start_sftp_client() as client,
    ):
        waiting = await client.open("a.csv", "r+b")
        await client.rename("a.csv", "b.csv")
        with pytest.raises(asyncssh.SFTPError):
            await waiting.write(b"1")
        await client.open("b.csv", "r+b")
        await client.remove("b.csv")
        await _until_held_no_more(hosted)
        assert list(hosted.folder.iterdir()) == []


@pytest.mark.parametrize("is_another", [True, False], ids=["replaced", "grown"])
async def test_who_waits_while_a_file_changes_by_another_way_does_not_go_on(host: Host, is_another: bool) -> None:
    async with host() as hosted, _whole(hosted) as connection, connection.start_sftp_client() as client:
        waiting = await client.open("a.csv", "ab")
        there = hosted.folder / "a.csv"
        if is_another:
            (hosted.folder / "new").write_bytes(b"other")
            (hosted.folder / "new").rename(there)
        else:
            there.write_bytes(b"longer")
        with pytest.raises(asyncssh.SFTPFailure, match="another session, or removed"):
            await waiting.write(b"1")
        assert hosted.uploads.short == WHOLE
        assert there.read_bytes() == (b"other" if is_another else b"longer")


async def test_a_put_of_a_part_begins_with_its_first_byte(dav_host: DavHost) -> None:
    async with dav_host() as hosted:
        assert await hosted.status("PUT", "/a.csv", b"whole") == 201
        head = f"PUT /a.csv HTTP/1.1\r\n{PLAIN}Content-Range: bytes 5-9/10\r\nContent-Length: 5\r\n"
        for byte in (b"", b"+"):
            reader, writer = await asyncio.open_connection("127.0.0.1", hosted.server.port)
            writer.write(f"{head}Expect: 100-continue\r\n\r\n".encode())
            # The file is open: its body is waited for.
            assert (await reader.readline()).startswith(b"HTTP/1.1 100")
            assert _of_a(hosted.uploads) == WHOLE
            if byte:
                writer.write(byte)
                await eventually(lambda: (hosted.folder / "a.csv").read_bytes() == b"whole+", "the first byte")
            writer.transport.abort()
            await eventually(lambda: not open_under(hosted.folder), "the put to be over")
            assert (await hosted.client.request("COPY", "/a.csv", headers={"Destination": "/b.csv"})).status_code == (
                409 if byte else 201
            )
        assert _of_a(hosted.uploads) == [*WHOLE, ("opened", "shop/a.csv"), ("broken", "shop/a.csv")]
        assert await hosted.status("PUT", "/a.csv", b"++++", Content_Range="bytes 6-9/10") == 204
        assert hosted.uploads.short[-1] == ("closed", "shop/a.csv")


@asynccontextmanager
async def _whole(hosted: Hosted) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A connection, after a file was uploaded to its end."""
    async with hosted.client() as connection:
        async with connection.start_sftp_client() as client:
            await _put(client, b"whole")
        yield connection


async def _put(client: asyncssh.SFTPClient, content: bytes) -> None:
    async with client.open("a.csv", "wb") as file:
        await file.write(content)


def _of_a(uploads: RememberedUploads) -> list[tuple[str, str]]:
    return [each for each in uploads.short if each[1] == "shop/a.csv"]


def _held(hosted: Hosted) -> list[str]:
    return open_under(hosted.folder)


async def _until_held_no_more(hosted: Hosted) -> None:
    """Until nobody has a file open, and what was to be told of it was."""
    await eventually(lambda: not _held(hosted), "all files to be closed")
    await hosted.server.house.all_carried()
