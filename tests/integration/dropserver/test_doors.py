"""What the hosted server does not let through: other directories, shells, forwarding, guesses, crowds."""

import asyncio
import resource
from uuid import uuid4

import asyncssh
import pytest

from services.dropserver.sftp import raise_descriptor_limit
from services.dropserver.tenant import Limits, Tenant
from shared.storage.login_scores import Patience
from shared.transfer.keys import described, make_private_key
from tests.integration.dropserver.conftest import PASSWORD, USERNAME, Host, Hosted


async def _bytes(client: asyncssh.SFTPClient, path: str | bytes) -> bytes:
    async with client.open(path, "rb") as file:
        content: bytes = await file.read()
        return content


@pytest.mark.parametrize(
    "path",
    [
        "../../secret.txt",
        "/../secret.txt",
        "../other/secret.txt",
        "/etc/passwd",
        "x/../../secret.txt",
        "out/secret.txt",
        "link",
    ],
)
async def test_no_path_leads_out_of_the_credentials_directory(host: Host, path: str) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        root = hosted.tenant.root
        (root.parent / "secret.txt").write_text("secret")
        (root / "secret.txt").write_text("secret")
        (root / "other").mkdir()
        (root / "other" / "secret.txt").write_text("secret")
        # Somebody else put these there; the client itself cannot.
        (hosted.folder / "out").symlink_to(root.parent)
        (hosted.folder / "link").symlink_to(root / "secret.txt")
        with pytest.raises(asyncssh.SFTPError):
            await _bytes(client, path)
        with pytest.raises(asyncssh.SFTPError):
            await client.open(path.replace("secret", "new") if "/" in path else path, "r+b")
        with pytest.raises(asyncssh.SFTPError):
            await client.listdir(path.rpartition("/")[0] + "/other" if "/" in path else path)
        assert (root.parent / "secret.txt").read_text() == (root / "secret.txt").read_text() == "secret"
        assert (root / "other" / "secret.txt").exists()


async def test_writing_through_a_link_is_refused(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        victim = hosted.tenant.root / "victim.txt"
        victim.write_text("untouched")
        (hosted.folder / "link").symlink_to(victim)
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await client.open("link", "wb")
        assert victim.read_text() == "untouched"
        assert hosted.uploads.short == [("opened", "shop/link"), ("broken", "shop/link")]


async def test_links_cannot_be_made(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        async with client.open("a", "wb") as file:
            await file.write(b"1")
        for attempt in (client.symlink("/etc/passwd", "l"), client.link("a", "l"), client.readlink("a")):
            with pytest.raises(asyncssh.SFTPPermissionDenied):
                await attempt
        assert [entry.name for entry in hosted.folder.iterdir()] == ["a"]


async def test_the_client_sees_its_directory_as_the_root_and_no_names_of_our_machine(host: Host) -> None:
    async with host() as hosted:
        ended = await hosted.sftp("pwd", "cd ../../..", "pwd", "mkdir in", "cd in", "pwd", "cd ..", "ls -l")
        assert ended.code == 0, ended.said
        said = [line for line in ended.said.splitlines() if "working directory" in line]
        assert [line.split(": ")[1].strip() for line in said] == ["/", "/", "/in"]
        assert str(hosted.tenant.root) not in ended.said
        async with hosted.client() as connection, connection.start_sftp_client() as client:
            assert await client.realpath("../x/./y") == "/x/y"
            names = await client.readdir(".")
            assert all(str(name.longname).split()[2:4] == ["drop", "drop"] for name in names)


@pytest.mark.parametrize("name", [b"bad\xff.csv", b"new\nline.csv", b"x" * 300, b"d/" * 600 + b"x", b"\x7f"])
async def test_names_that_are_not_allowed_are_refused_with_the_reason(host: Host, name: bytes) -> None:
    async with host() as hosted, hosted.client() as connection, connection.start_sftp_client() as client:
        with pytest.raises(asyncssh.SFTPFailure, match="name is not"):
            await client.open(name, "wb")
        assert hosted.uploads.told == []


@pytest.mark.parametrize("command", [["id"], ["-s", "other"], ["-tt"], []], ids=["exec", "subsystem", "pty", "shell"])
async def test_there_is_no_shell_no_command_and_no_other_subsystem(host: Host, command: list[str]) -> None:
    async with host() as hosted:
        ended = await hosted.ssh(*command)
        assert ended.code != 0
        assert "uid=" not in ended.said


async def test_nothing_is_forwarded(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection:
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_connection("127.0.0.1", hosted.server.port)
        with pytest.raises(asyncssh.ChannelListenError):
            await connection.forward_remote_port("127.0.0.1", 0, "127.0.0.1", 1)
        with pytest.raises(asyncssh.ChannelOpenError):
            await connection.open_unix_connection("/run/x")


async def test_scp_of_the_old_kind_is_refused(host: Host) -> None:
    async with host() as hosted, hosted.client() as connection:
        file = hosted.desk / "a"
        file.write_text("1")
        with pytest.raises((asyncssh.Error, OSError)):
            await asyncssh.scp(str(file), (connection, "a"))
        assert hosted.uploads.told == []


async def test_a_wrong_password_an_unknown_user_and_a_strange_key_are_refused(host: Host) -> None:
    async with host() as hosted:
        for username, password in ((USERNAME, "wrong"), ("nobody", PASSWORD), (USERNAME, "x" * 5_000)):
            with pytest.raises(asyncssh.PermissionDenied):
                async with hosted.client(username, password):
                    pass
        (hosted.desk / "id").write_text(make_private_key())
        assert (await hosted.sftp("ls")).code != 0


async def test_a_weak_dss_key_is_refused_though_the_gate_knows_it(host: Host) -> None:
    async with host() as hosted:
        key = asyncssh.generate_private_key("ssh-dss")
        hosted.gate.keys[USERNAME, described(key).line] = hosted.tenant
        with pytest.raises(asyncssh.PermissionDenied):
            await asyncssh.connect(
                "127.0.0.1",
                hosted.server.port,
                username=USERNAME,
                client_keys=[key],
                known_hosts=([asyncssh.import_public_key(shown.line) for shown in hosted.server.host_keys], [], []),
                signature_algs=["ssh-dss"],
                config=None,
                agent_path=None,
            )


async def test_everybody_sees_only_their_own(host: Host) -> None:
    async with host() as hosted:
        other = Tenant(uuid4(), uuid4(), uuid4(), hosted.tenant.root.parent / "others", "")
        hosted.gate.passwords["other", PASSWORD] = other
        async with (
            hosted.client() as connection,
            connection.start_sftp_client() as client,
            client.open("mine.csv", "wb") as file,
        ):
            await file.write(b"1")
        async with hosted.client("other") as connection, connection.start_sftp_client() as client:
            assert sorted(await client.listdir(".")) == [".", ".."]


async def test_a_gate_that_cannot_tell_lets_nobody_in_and_blames_nobody(host: Host) -> None:
    async with host(patience=Patience(failures=2)) as hosted:
        hosted.gate.is_down = True
        for _ in range(4):
            with pytest.raises(asyncssh.ServiceNotAvailable):
                async with hosted.client():
                    pass
        hosted.gate.is_down = False
        async with hosted.client():
            pass


async def test_who_guesses_is_not_compared_any_more(host: Host) -> None:
    async with host(patience=Patience(failures=3)) as hosted:
        for _ in range(3):
            with pytest.raises(asyncssh.PermissionDenied):
                async with hosted.client(password="guess"):
                    pass
        asked = len(hosted.gate.asked)
        with pytest.raises(asyncssh.PermissionDenied):
            async with hosted.client():
                pass
        assert len(hosted.gate.asked) == asked


async def test_there_is_room_for_so_many_connections_and_no_more(host: Host) -> None:
    async with host(limits=Limits(sessions_per_address=2)) as hosted:
        async with hosted.client(), hosted.client():
            with pytest.raises((asyncssh.Error, OSError)):
                async with hosted.client():
                    pass
        await _empty(hosted)
        async with hosted.client():
            assert hosted.server.sessions == 1


async def test_who_does_nothing_is_sent_away(host: Host) -> None:
    async with host(limits=Limits(idle_seconds=0.3)) as hosted, hosted.client() as connection:
        async with asyncio.timeout(10):
            await connection.wait_closed()


async def test_who_does_not_log_in_is_sent_away(host: Host) -> None:
    async with host(limits=Limits(login_seconds=0.3)) as hosted:
        reader, writer = await asyncio.open_connection("127.0.0.1", hosted.server.port)
        async with asyncio.timeout(10):
            assert (await reader.readline()).startswith(b"SSH-2.0-Tidegate")
            await reader.read(-1)
        writer.close()
        await _empty(hosted)


async def test_the_fingerprints_are_those_that_clients_are_shown(host: Host) -> None:
    async with host() as hosted:
        key = await asyncssh.get_server_host_key(
            "127.0.0.1", hosted.server.port, server_host_key_algs=["ssh-ed25519"], config=None
        )
        assert key is not None
        assert key.get_fingerprint() == hosted.server.fingerprints[0]


async def test_two_hundred_logins_at_once_are_served(host: Host) -> None:
    async def visit(number: int, hosted: Hosted) -> None:
        async with (
            hosted.client() as connection,
            connection.start_sftp_client() as client,
            client.open(f"{number}.csv", "wb") as file,
        ):
            await file.write(b"1")

    async with host(limits=Limits(sessions_per_address=300)) as hosted:
        async with asyncio.timeout(60):
            await asyncio.gather(*(visit(number, hosted) for number in range(200)))
        assert sum(told.what == "closed" for told in hosted.uploads.told) == 200


async def _empty(hosted: Hosted) -> None:
    async with asyncio.timeout(10):
        while hosted.server.sessions:  # noqa: ASYNC110 - the driver tells of an end only after a while
            await asyncio.sleep(0.01)


def test_the_descriptor_limit_is_raised_as_far_as_it_may_be() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        raise_descriptor_limit()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 256
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
