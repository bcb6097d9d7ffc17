"""Logging in to a real OpenSSH: by password, by every kind of key, by both; and a server whose host keys change."""

import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.failures import HostKeyChanged, LoginRefused, ProtocolRefused, UnsupportedKey
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


def _keygen(*arguments: str) -> None:
    subprocess.run(["ssh-keygen", "-q", *arguments], check=True, capture_output=True, timeout=60)


KEYS = [
    ("ed25519", "256"),
    ("ecdsa", "256"),
    ("ecdsa", "384"),
    ("ecdsa", "521"),
    ("rsa", "2048"),
]
"""Types and sizes that ssh-keygen makes. Its formats: OpenSSH's own; PEM is PKCS #1 of RSA and SEC 1 of ECDSA."""


async def test_every_kind_of_key_in_every_format_and_under_a_passphrase_lets_in(
    openssh_server: PrivateOpenSSH, tmp_path: Path
) -> None:
    seen, passphrases = "", cycle(("", "one two three"))
    for kind, bits in KEYS:
        # PEM knows no ed25519.
        for form in ("RFC4716", "PKCS8", "PEM") if kind != "ed25519" else ("RFC4716",):
            path, passphrase = tmp_path / f"{kind}-{bits}-{form}", next(passphrases)
            _keygen("-t", kind, "-b", bits, "-m", form, "-a", "2", "-N", passphrase, "-f", str(path))
            with (openssh_server.folder / "authorized_keys").open("ab") as known:
                known.write(path.with_suffix(".pub").read_bytes())
            seen += (text := path.read_text())
            await _listed(openssh_server, Login(private_key=text, passphrase=passphrase or None))
    heads = (
        "OPENSSH PRIVATE",
        "BEGIN PRIVATE",
        "ENCRYPTED PRIVATE",
        "RSA PRIVATE",
        "EC PRIVATE",
        "Proc-Type: 4,ENCRYPTED",
    )
    assert [each for each in heads if each not in seen] == []


async def test_sha_1_and_dss_are_used_only_where_the_operator_allows_them(
    own_openssh: Callable[..., PrivateOpenSSH], tmp_path: Path
) -> None:
    old = ("ssh-rsa", "ssh-dss")
    server = own_openssh(settings=[f"HostKeyAlgorithms {','.join(old)}", f"PubkeyAcceptedAlgorithms {','.join(old)}"])
    keys = {}
    for kind, bits in (("rsa", "2048"), ("dsa", "1024")):
        path = tmp_path / kind
        _keygen("-t", kind, "-b", bits, "-N", "", "-f", str(path))
        keys[kind] = Login(private_key=path.read_text())
        with (server.folder / "authorized_keys").open("ab") as known:
            known.write(path.with_suffix(".pub").read_bytes())
    server.change_host_keys("rsa", "dsa")
    server.restart()
    allowing = replace(reach(), allows_legacy_keys=True)
    used = {}
    for host in server.host_keys():
        for kind, login in keys.items():
            told: list[frozenset[str]] = []
            async with open_sftp(_place(server, host), login, allowing, on_legacy=told.append) as folder:
                await folder.list("")
            used[host.split()[0], kind] = told
    assert used == {
        (host, kind): [frozenset({f"host_key_{host.replace('-', '_')}", f"login_ssh_{name}"})]
        for host in old
        for kind, name in (("rsa", "rsa"), ("dsa", "dss"))
    }
    rsa = next(each for each in server.host_keys() if each.startswith("ssh-rsa"))
    with pytest.raises(ProtocolRefused):
        await _listed(server, keys["rsa"], rsa)
    with pytest.raises(UnsupportedKey):
        await _listed(server, keys["dsa"], rsa)


async def test_a_modern_server_is_told_no_legacy_where_it_is_allowed(openssh_server: PrivateOpenSSH) -> None:
    login = Login(private_key=openssh_server.client_key.read_text())
    told: list[frozenset[str]] = []
    allowing = replace(reach(), allows_legacy_keys=True)
    async with open_sftp(_place(openssh_server), login, allowing, on_legacy=told.append) as folder:
        await folder.list("")
    assert told == [frozenset()]


@pytest.mark.parametrize(
    ("offered", "used"),
    [
        ("chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com", "aes128-gcm@openssh.com"),
        ("aes128-ctr,aes256-ctr", "aes256-ctr"),
    ],
    ids=["of many", "without gcm"],
)
async def test_the_fastest_cipher_is_used_that_a_server_has(
    own_openssh: Callable[..., PrivateOpenSSH], offered: str, used: str
) -> None:
    """By the server's own word; the client's order counts (RFC 4253, section 7.1)."""
    server = own_openssh(settings=["LogLevel DEBUG1", f"Ciphers {offered}"])
    await _listed(server, Login(private_key=server.client_key.read_text()))
    ways = re.findall(r"kex: (client->server|server->client) cipher: (\S+)", server.log.read_text())
    assert sorted(set(ways)) == [("client->server", used), ("server->client", used)]


async def test_a_wrong_password_is_counted_once_by_the_server(
    own_openssh: Callable[..., PrivateOpenSSH], password: str
) -> None:
    assert password
    # With one try OpenSSH ends the connection by a message of its own instead of an answer.
    for tries in ("6", "1"):
        server = own_openssh(settings=["KbdInteractiveAuthentication yes", f"MaxAuthTries {tries}"])
        with pytest.raises(LoginRefused):
            await _listed(server, Login(password="wrong one"))
        assert server.log.read_text().count("Failed password") == 1


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
