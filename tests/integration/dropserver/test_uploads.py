"""A finished upload rings, a broken one never does; clients are OpenSSH's own and asyncssh's."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncssh
import pytest

from services.dropserver.tenant import Limits
from shared.domain.failures import SecretKeyMissing
from shared.transfer.directory import LocalDirectory
from tests.integration.dropserver.conftest import Host, Hosted, kill


def _file(hosted: Hosted, name: str, content: bytes) -> Path:
    file = hosted.desk / name
    file.write_bytes(content)
    return file


async def test_an_upload_by_openssh_rings_once_it_is_closed(host: Host) -> None:
    async with host() as hosted:
        content = os.urandom(3_000_000)
        ended = await hosted.sftp(f"put {_file(hosted, 'a.csv', content)} a.csv")
        assert ended.code == 0, ended.said
        assert hosted.uploads.short == [("opened", "shop/a.csv"), ("closed", "shop/a.csv")]
        closed = hosted.uploads.told[-1]
        listed = (await LocalDirectory(hosted.tenant.root).list("shop")).files[0]
        assert (closed.path, closed.size_bytes, closed.modified_at) == (
            listed.path,
            listed.size_bytes,
            listed.modified_at,
        )
        assert (hosted.folder / "a.csv").read_bytes() == content


async def test_an_upload_has_rung_before_the_client_has_its_answer(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        async with client.open("a.csv", "wb") as file:
            await file.write(b"1,2,3\n")
            assert hosted.uploads.short == [("opened", "shop/a.csv")]
        assert hosted.uploads.short[-1] == ("closed", "shop/a.csv")


async def test_a_rename_to_the_final_name_rings(host: Host) -> None:
    async with host() as hosted:
        file = _file(hosted, "a.csv", b"12345")
        ended = await hosted.sftp(f"put {file} a.csv.part", "rename a.csv.part a.csv")
        assert ended.code == 0, ended.said
        assert hosted.uploads.short == [
            ("opened", "shop/a.csv.part"),
            ("closed", "shop/a.csv.part"),
            ("renamed", "shop/a.csv.part -> shop/a.csv"),
        ]
        assert hosted.uploads.told[-1].size_bytes == 5


async def test_a_file_that_is_renamed_to_its_own_name_rings_no_second_time(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _write(client, "a.csv", b"1")
        await client.posix_rename("a.csv", "a.csv")
        with pytest.raises(asyncssh.SFTPError):
            await client.posix_rename("none.csv", "none.csv")
        assert hosted.uploads.short == [("opened", "shop/a.csv"), ("closed", "shop/a.csv")]
        assert (hosted.folder / "a.csv").read_bytes() == b"1"


async def test_a_client_killed_in_the_middle_never_rings(host: Host) -> None:
    async with host() as hosted:
        # As much as the client can send: it must be at it when it is killed.
        big = hosted.desk / "big.bin"
        with big.open("wb") as file:
            file.truncate(2 << 30)
        process = await hosted.start_sftp(f"put {big} big.csv")
        await _until(lambda: (hosted.folder / "big.csv").exists() and (hosted.folder / "big.csv").stat().st_size > 0)
        kill(process)
        await process.wait()
        await hosted.uploads.until(lambda: ("broken", "shop/big.csv") in hosted.uploads.short)
        assert hosted.uploads.short == [("opened", "shop/big.csv"), ("broken", "shop/big.csv")]


async def test_a_session_that_ends_without_close_never_rings(host: Host) -> None:
    async with host() as hosted:
        async with hosted.client() as connection:
            client = await connection.start_sftp_client()
            file = await client.open("half.csv", "wb")
            await file.write(b"half a row")
            client.exit()
            await client.wait_closed()
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 1)
        assert hosted.uploads.short == [("opened", "shop/half.csv"), ("broken", "shop/half.csv")]


async def test_a_connection_cut_off_never_rings(host: Host) -> None:
    async with host() as hosted:
        async with hosted.client() as connection:
            client = await connection.start_sftp_client()
            file = await client.open("half.csv", "wb")
            await file.write(b"half a row")
            connection.abort()
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 1)
        assert hosted.uploads.short == [("opened", "shop/half.csv"), ("broken", "shop/half.csv")]


async def test_a_close_that_arrived_before_the_cut_still_rings(host: Host) -> None:
    async with host() as hosted:
        async with hosted.client() as connection:
            client = await connection.start_sftp_client()
            file = await client.open("whole.csv", "wb")
            await file.write(b"a row\n")
            # The request is on its way, and nobody waits for the answer.
            closing = asyncio.ensure_future(file.close())
            await asyncio.sleep(0)
            connection.close()
            await asyncio.gather(closing, return_exceptions=True)
        await hosted.uploads.until(lambda: len(hosted.uploads.told) > 1)
        assert hosted.uploads.short == [("opened", "shop/whole.csv"), ("closed", "shop/whole.csv")]


async def test_an_upload_that_cannot_be_registered_fails_for_the_client(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        file = await client.open("a.csv", "wb")
        await file.write(b"1")
        hosted.uploads.is_down = True
        with pytest.raises(asyncssh.SFTPFailure, match="try again in a minute"):
            await file.close()
        with pytest.raises(asyncssh.SFTPFailure, match="try again in a minute"):
            await client.open("a.csv", "wb")
        # The old content is only given up when the new upload is in the ledger.
        assert (hosted.folder / "a.csv").read_bytes() == b"1"


async def test_a_rename_that_cannot_be_registered_did_not_happen(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _write(client, "a.part", b"1")
        await _write(client, "b.csv", b"what was there before")
        hosted.uploads.is_down = True
        for target in ("a.csv", "b.csv"):
            with pytest.raises(asyncssh.SFTPFailure):
                await client.posix_rename("a.part", target)
        lying = {file.name: file.read_bytes() for file in hosted.folder.iterdir()}
        assert lying == {"a.part": b"1", "b.csv": b"what was there before"}
        with pytest.raises(asyncssh.SFTPError):
            await client.posix_rename("none.csv", "b.csv")
        hosted.uploads.is_down = False
        await client.posix_rename("a.part", "b.csv")
        assert {file.name: file.read_bytes() for file in hosted.folder.iterdir()} == {"b.csv": b"1"}


async def test_a_time_set_after_the_upload_is_told_under_the_same_id(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _write(client, "a.csv", b"1")
        await client.utime("a.csv", (1_700_000_000, 1_700_000_000))
        first, second = (told for told in hosted.uploads.told if told.what in ("closed", "retimed"))
        assert first.upload_id == second.upload_id
        assert second.modified_at == datetime.fromtimestamp(1_700_000_000, UTC)


async def test_the_time_that_openssh_preserves_is_the_uploads_time(host: Host) -> None:
    async with host() as hosted:
        file = _file(hosted, "a.csv", b"1")
        os.utime(file, (1_600_000_000, 1_600_000_000))
        ended = await hosted.sftp(f"put -p {file} a.csv")
        assert ended.code == 0, ended.said
        assert hosted.uploads.told[-1].modified_at == datetime.fromtimestamp(1_600_000_000, UTC)


async def test_owner_and_permissions_are_ignored_politely(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _write(client, "a.csv", b"1")
        await client.chmod("a.csv", 0o777)
        assert (hosted.folder / "a.csv").stat().st_mode & 0o777 == 0o640


async def test_the_newer_of_two_uploads_of_one_name_wins(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        old = await client.open("a.csv", "wb")
        await old.write(b"old")
        new = await client.open("a.csv", "wb")
        await new.write(b"new one")
        with pytest.raises(asyncssh.SFTPFailure, match="another session"):
            await old.write(b"more")
        with pytest.raises(asyncssh.SFTPFailure, match="another session"):
            await old.close()
        await new.close()
        assert [what for what, _ in hosted.uploads.short] == ["opened", "opened", "broken", "closed"]
        assert (hosted.folder / "a.csv").read_bytes() == b"new one"


async def test_a_file_removed_while_it_is_written_does_not_ring(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        file = await client.open("a.csv", "wb")
        await file.write(b"1")
        await client.remove("a.csv")
        with pytest.raises(asyncssh.SFTPNoSuchFile):
            await file.close()
        assert [what for what, _ in hosted.uploads.short] == ["opened", "broken"]


async def test_nobody_keeps_files_that_have_no_name(host: Host) -> None:
    """Room that was given back is free on the disk too, however many uploads a client leaves open."""
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        for _ in range(3):
            file = await client.open("a.csv", "wb")
            await file.write(bytes(1000))
        await client.remove("a.csv")
        for attempt in (file.write(b"1"), file.close()):
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await attempt
        held = [str(each.readlink()) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        assert [each for each in held if str(hosted.folder) in each] == []
        assert (hosted.uploads.used_bytes, hosted.uploads.used_files) == (0, 0)


async def test_a_client_is_not_told_what_our_own_mistakes_say(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        await _write(client, "a.csv", b"1")
        for broken in (KeyError("/srv/secret"), SecretKeyMissing("/srv/secret")):
            hosted.uploads.broken_by = broken
            for attempt in (_write(client, "b.csv", b"1"), client.mkdir("d"), client.utime("a.csv", (1, 1))):
                with pytest.raises(asyncssh.SFTPFailure) as refused:
                    await attempt
                assert "secret" not in str(refused.value)


async def test_an_upload_may_be_resumed_and_downloaded_again(host: Host) -> None:
    async with host() as hosted:
        content = os.urandom(600_000)
        file = _file(hosted, "a.csv", content)
        (hosted.folder).mkdir(parents=True)
        (hosted.folder / "a.csv").write_bytes(content[:200_000])
        ended = await hosted.sftp(
            f"reput {file} a.csv", f"get a.csv {hosted.desk / 'back'}", "ls -l", "mkdir x", "rmdir x"
        )
        assert ended.code == 0, ended.said
        assert (hosted.desk / "back").read_bytes() == content
        assert hosted.uploads.told[-1].size_bytes == len(content)


async def test_the_quota_refuses_what_goes_beyond_it_and_forgets_what_was_taken_away(host: Host) -> None:
    async with host() as hosted:
        hosted.uploads.quota_bytes = 100_000
        async with hosted.client() as connection, connection.start_sftp_client() as client:
            await _write(client, "a.csv", b"x" * 60_000)
            file = await client.open("b.csv", "wb")
            with pytest.raises(asyncssh.SFTPFailure, match="quota is used up"):
                await file.write(b"x" * 60_000)
            with pytest.raises(asyncssh.SFTPFailure, match="what was written of the file is removed"):
                await file.close()
            # Written anew, a file's old bytes do not count.
            await _write(client, "a.csv", b"y" * 90_000)
            await client.remove("a.csv")
            await _write(client, "c.csv", b"z" * 90_000)
        ended = await hosted.sftp(f"put {_file(hosted, 'd.csv', b'x' * 60_000)} d.csv")
        assert ended.code != 0
        # OpenSSH closes the file after a refused write: that must not pass for the end of an upload.
        assert hosted.uploads.short[-2:] == [("opened", "shop/d.csv"), ("broken", "shop/d.csv")]
        # Nothing half stands under a final name, and its room is free again.
        assert [file.name for file in hosted.folder.iterdir()] == ["c.csv"]
        assert (hosted.uploads.used_bytes, hosted.uploads.used_files) == (90_000, 1)


async def test_the_number_of_entries_is_limited_too(host: Host) -> None:
    async with (
        host() as hosted,
        hosted.client() as connection,
        connection.start_sftp_client() as client,
    ):
        hosted.uploads.quota_files = 3
        for name in ("1", "2", "3"):
            await _write(client, name, b"")
        for attempt in (client.mkdir("4"), _write(client, "5", b"")):
            with pytest.raises(asyncssh.SFTPFailure, match="quota is used up"):
                await attempt


async def test_a_stopping_server_lets_a_running_upload_finish(host: Host) -> None:
    async with host() as hosted:
        async with hosted.client() as connection, connection.start_sftp_client() as client:
            file = await client.open("a.csv", "wb")
            await file.write(b"first")
            stopping = asyncio.create_task(hosted.server._close())
            await _until(lambda: hosted.server.house.is_closing)
            with pytest.raises(asyncssh.SFTPFailure, match="stopping"):
                await client.open("b.csv", "wb")
            await file.write(b" and last")
            await file.close()
            await stopping
        assert hosted.uploads.short[-1] == ("closed", "shop/a.csv")
        assert (hosted.folder / "a.csv").read_bytes() == b"first and last"


async def test_a_stopping_server_does_not_wait_for_ever(host: Host) -> None:
    async with host(limits=Limits(closing_seconds=0.2)) as hosted:
        async with hosted.client() as connection:
            client = await connection.start_sftp_client()
            await client.open("a.csv", "wb")
            async with asyncio.timeout(10):
                await hosted.server._close()
        assert hosted.uploads.short == [("opened", "shop/a.csv"), ("broken", "shop/a.csv")]


async def _write(client: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    async with client.open(path, "wb") as file:
        await file.write(content)


async def _until(is_so: Callable[[], bool], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not is_so():  # noqa: ASYNC110 - what is waited for happens in other processes
            await asyncio.sleep(0.01)
