"""A login goes only to a server that proved a pinned host key. The server counts what it was shown."""

import base64
from pathlib import Path

import asyncssh
import pytest

from shared.domain.connection import Login
from shared.domain.failures import HostKeyChanged, HostKeyUnknown, LoginRefused, UnsupportedKey
from shared.transfer.keys import described, loaded_private_key, make_private_key
from shared.transfer.sftp import open_sftp
from tests.integration.transfer.conftest import PASSWORD, partner, reach
from tests.real.openssh import PrivateOpenSSH

LOGIN = Login(password=PASSWORD)


def _key(kind: str = "ssh-ed25519") -> str:
    return described(asyncssh.generate_private_key(kind)).line


async def test_an_unknown_server_is_shown_and_gets_no_credential(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        with pytest.raises(HostKeyUnknown) as caught:
            async with open_sftp(server.place(), LOGIN, reach()):
                pass
    assert caught.value.presented_key == server.lines[0]
    assert caught.value.fingerprint == server.keys[0].get_fingerprint()
    assert server.logins == []


async def test_the_first_key_is_told_before_it_is_used_where_it_is_trusted(tmp_path: Path) -> None:
    told: list[tuple[str, list[str]]] = []
    async with partner(tmp_path) as server:

        async def pin(line: str) -> None:
            told.append((line, list(server.logins)))

        async with open_sftp(server.place(trust_on_first_use=True), LOGIN, reach(), on_first_key=pin) as folder:
            await folder.list("")
    assert told == [(server.lines[0], [])]
    assert server.logins == ["begin partner", "password"]


async def test_a_first_key_that_cannot_be_pinned_is_not_used(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        with pytest.raises(HostKeyUnknown):
            async with open_sftp(server.place(trust_on_first_use=True), LOGIN, reach()):
                pass
    assert server.logins == []


async def test_trust_on_first_use_ends_with_the_first_pinned_key(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        with pytest.raises(HostKeyChanged):
            async with open_sftp(server.place(_key(), trust_on_first_use=True), LOGIN, reach()):
                pass
    assert server.logins == []


@pytest.mark.parametrize("pinned", ["ssh-ed25519", "ecdsa-sha2-nistp256"])
async def test_a_changed_server_gets_no_credential_whatever_the_type_of_its_new_key(
    tmp_path: Path, pinned: str
) -> None:
    async with partner(tmp_path, "ssh-ed25519") as server:
        with pytest.raises(HostKeyChanged) as caught:
            async with open_sftp(server.place(_key(pinned)), LOGIN, reach()):
                pass
    assert caught.value.fingerprint == server.keys[0].get_fingerprint()
    assert caught.value.presented_key == server.lines[0]
    assert server.logins == []


async def test_a_partner_may_rotate_among_pinned_keys(tmp_path: Path) -> None:
    async with (
        partner(tmp_path, "ssh-ed25519") as server,
        open_sftp(server.place(_key(), server.lines[0]), LOGIN, reach()) as folder,
    ):
        assert (await folder.list("")).files == []


@pytest.mark.parametrize("index", [0, 1, 2])
async def test_a_server_with_several_keys_is_asked_for_the_pinned_type(tmp_path: Path, index: int) -> None:
    async with (
        partner(tmp_path, "ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa") as server,
        open_sftp(server.place(server.lines[index]), LOGIN, reach()) as folder,
    ):
        assert (await folder.list("")).files == []


async def test_a_wrong_password_is_refused_without_being_told(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        with pytest.raises(LoginRefused) as caught:
            async with open_sftp(server.place(*server.lines), Login(password="wrong one"), reach()):
                pass
    assert "wrong one" not in str(caught.value)
    assert "partner" not in caught.value.detail


async def test_keys_of_openssh_open_and_a_changed_one_stops(openssh_server: PrivateOpenSSH) -> None:
    place = {
        "transport": "sftp",
        "host": "127.0.0.1",
        "port": openssh_server.port,
        "username": openssh_server.username,
    }
    login = Login(private_key=openssh_server.client_key.read_text())
    async with partner(Path()) as other:  # only for its way of making a place
        shape = other.place(*openssh_server.host_keys()[:1], **place)
        strange = other.place(_key("ssh-rsa"), **place)
    async with open_sftp(shape, login, reach()) as folder:
        await folder.list("")
    with pytest.raises(HostKeyChanged):
        async with open_sftp(strange, login, reach()):
            pass


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp521", "ssh-rsa"])
async def test_a_private_key_with_a_passphrase_is_opened(kind: str) -> None:
    key = asyncssh.generate_private_key(kind)
    sealed = key.export_private_key("openssh", passphrase="words", rounds=50).decode()
    assert described(loaded_private_key(sealed, "words")) == described(key)
    for wrong in ("other words", None):
        with pytest.raises(UnsupportedKey) as caught:
            loaded_private_key(sealed, wrong)
        assert sealed not in str(caught.value)


async def test_a_key_that_cannot_be_used_is_told_before_anything_is_contacted(tmp_path: Path) -> None:
    dss = asyncssh.generate_private_key("ssh-dss").export_private_key("openssh").decode()
    async with partner(tmp_path) as server:
        for text in ("no key at all", dss, make_private_key()[:80]):
            with pytest.raises(UnsupportedKey):
                async with open_sftp(server.place(*server.lines), Login(private_key=text), reach()):
                    pass
    assert server.logins == []


def test_a_key_that_would_keep_us_busy_for_hours_is_refused_at_once() -> None:
    text = (
        asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh", passphrase="w", rounds=50).decode()
    )
    lines = text.splitlines()
    body = base64.b64decode("".join(lines[1:-1]))
    slow = body.replace((50).to_bytes(4), (4_000_000_000).to_bytes(4), 1)
    sealed = "\n".join([lines[0], base64.b64encode(slow).decode(), lines[-1]])
    with pytest.raises(UnsupportedKey, match="rounds"):
        loaded_private_key(sealed, "w")


def test_a_pem_key_that_would_keep_us_busy_is_refused_and_a_usual_one_is_opened() -> None:
    key = asyncssh.generate_private_key("ecdsa-sha2-nistp256")
    text = key.export_private_key("pkcs8-pem", passphrase="w").decode()
    assert described(loaded_private_key(text, "w")) == described(key)
    lines = text.splitlines()
    body = base64.b64decode("".join(lines[1:-1]))
    # The DER integer 2048 becomes another one of the same length, taken from the salt before it.
    at = body.index(b"\x02\x02\x08\x00")
    slow = body[: at - 10] + bytes([4, 6]) + body[at - 8 : at - 2] + b"\x02\x04\x7f\xff\xff\xff" + body[at + 4 :]
    sealed = "\n".join([lines[0], base64.b64encode(slow).decode(), lines[-1]])
    with pytest.raises(UnsupportedKey, match="iterations"):
        loaded_private_key(sealed, "w")


async def test_a_pinned_key_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    async with partner(tmp_path) as server:
        with pytest.raises(HostKeyUnknown):
            async with open_sftp(server.place("ssh-ed25519 nonsense", trust_on_first_use=True), LOGIN, reach()):
                pass
    assert server.logins == []
