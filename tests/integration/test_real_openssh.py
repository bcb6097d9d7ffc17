"""The stand-in for a partner's server is a real sshd: it checks keys and passwords, and shows its host keys."""

import asyncio
from collections.abc import Callable

import asyncssh
import pytest

from tests.real.openssh import PrivateOpenSSH

Make = Callable[..., PrivateOpenSSH]


def connect(server: PrivateOpenSSH, *, host_keys: list[str] | None = None, **credentials: object):  # type: ignore[no-untyped-def] # asyncssh's own awaitable context
    pinned = [asyncssh.import_public_key(line) for line in host_keys or server.host_keys()]
    options: dict[str, object] = {
        "client_keys": None,
        "password": None,
        "login_timeout": 10,
        "config": None,
        "agent_path": None,
    }
    options |= {"username": server.username, "known_hosts": (pinned, [], []), **credentials}
    return asyncssh.connect(server.host, server.port, **options)


async def test_the_key_opens_the_drop_place(openssh_server: PrivateOpenSSH) -> None:
    openssh_server.put("key/seen.csv", b"a;b\n")
    async with (
        connect(openssh_server, client_keys=[str(openssh_server.client_key)]) as connection,
        connection.start_sftp_client() as sftp,
    ):
        assert "seen.csv" in await sftp.listdir("key")
        await sftp.rename("key/seen.csv", "key/seen.csv.done")
    assert (openssh_server.drop / "key" / "seen.csv.done").read_bytes() == b"a;b\n"


async def test_the_password_opens_it_and_another_does_not(openssh_server: PrivateOpenSSH) -> None:
    if openssh_server.password is None:
        pytest.skip("sshd checks passwords only as root with a mount namespace of its own")
    async with connect(openssh_server, password=openssh_server.password) as connection:
        assert (await connection.run(timeout=10)).exit_status is not None
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(openssh_server, password="not it")


async def test_both_can_be_demanded(own_openssh: Make) -> None:
    server = own_openssh(authentication="publickey,password")
    if server.password is None:
        pytest.skip("sshd checks passwords only as root with a mount namespace of its own")
    key = [str(server.client_key)]
    with pytest.raises(asyncssh.PermissionDenied):
        await connect(server, client_keys=key)
    async with connect(server, client_keys=key, password=server.password) as connection:
        assert connection.get_extra_info("username") == server.username


async def test_new_host_keys_are_shown_after_a_restart(own_openssh: Make) -> None:
    server = own_openssh()
    former = server.host_keys()
    assert len(former) == 3
    server.change_host_keys("ed25519")
    server.restart()
    with pytest.raises(asyncssh.HostKeyNotVerifiable):
        await connect(server, host_keys=former, client_keys=[str(server.client_key)])
    async with connect(server, client_keys=[str(server.client_key)]) as connection:
        assert connection.get_server_host_key() is not None


async def test_stopping_cuts_open_sessions(own_openssh: Make) -> None:
    server = own_openssh()
    async with connect(server, client_keys=[str(server.client_key)]) as connection:
        server.stop()
        await asyncio.wait_for(connection.wait_closed(), 10)
        with pytest.raises(ConnectionRefusedError):
            await connect(server, client_keys=[str(server.client_key)])
