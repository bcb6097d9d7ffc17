"""Logging in to a real OpenSSH: by password, by key, by both; and a server whose host keys change under us."""

from collections.abc import Callable

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.failures import HostKeyChanged, LoginRefused
from shared.domain.place import SftpPlace
from shared.transfer.keys import make_private_key
from shared.transfer.sftp import open_sftp
from tests.integration.transfer.conftest import Partner, reach
from tests.real.openssh import PrivateOpenSSH


def _place(server: PrivateOpenSSH, *pinned: str) -> SftpPlace:
    return Partner(server.port, [], []).place(*(pinned or server.host_keys()), username=server.username)


async def _listed(server: PrivateOpenSSH, login: Login, *pinned: str) -> int:
    async with open_sftp(_place(server, *pinned), login, reach()) as folder:
        return len((await folder.list("")).files)


@pytest.fixture
def password(openssh_server: PrivateOpenSSH) -> str:
    """The user's password; only as root can the tests have an account with one."""
    if openssh_server.password is None:
        pytest.skip("the account that runs the tests has no password of ours")
    return openssh_server.password


async def test_a_password_lets_in_and_a_wrong_one_does_not(openssh_server: PrivateOpenSSH, password: str) -> None:
    await _listed(openssh_server, Login(password=password))
    with pytest.raises(LoginRefused):
        await _listed(openssh_server, Login(password=password + "x"))


async def test_a_key_lets_in_and_a_strange_one_does_not(openssh_server: PrivateOpenSSH) -> None:
    await _listed(openssh_server, Login(private_key=openssh_server.client_key.read_text()))
    rsa = asyncssh.generate_private_key("ssh-rsa", key_size=4096)
    login = Login(private_key=rsa.export_private_key().decode())
    for strange in (login, Login(private_key=make_private_key())):
        with pytest.raises(LoginRefused):
            await _listed(openssh_server, strange)
    with (openssh_server.folder / "authorized_keys").open("ab") as known:
        known.write(rsa.export_public_key())
    await _listed(openssh_server, login)


async def test_a_server_that_wants_key_and_password_gets_both(own_openssh: Callable[..., PrivateOpenSSH]) -> None:
    server = own_openssh(authentication="publickey,password")
    if server.password is None:
        pytest.skip("the account that runs the tests has no password of ours")
    key = server.client_key.read_text()
    await _listed(server, Login(password=server.password, private_key=key))
    for half in (Login(password=server.password), Login(private_key=key), Login()):
        with pytest.raises(LoginRefused):
            await _listed(server, half)


async def test_a_server_that_comes_back_with_other_host_keys_is_not_trusted(
    own_openssh: Callable[..., PrivateOpenSSH],
) -> None:
    server = own_openssh()
    pinned = server.host_keys()
    login = Login(private_key=server.client_key.read_text())
    await _listed(server, login, *pinned)
    server.change_host_keys("rsa")
    server.restart()
    with pytest.raises(HostKeyChanged) as caught:
        await _listed(server, login, *pinned)
    assert caught.value.presented_key == server.host_keys()[0]
    assert "Accepted publickey" not in server.log.read_text().rpartition("Server listening")[2]
    await _listed(server, login, *pinned, *server.host_keys())
