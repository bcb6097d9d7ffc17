"""Servers that ask: to what the password is shown, how often, and what a server means that hangs up over it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncssh
import pytest
from asyncssh import constants

from shared.domain.connection import Login
from shared.domain.failures import LoginCutOff, LoginRefused
from shared.transfer.sftp import open_sftp
from tests.integration.transfer.conftest import PASSWORD, Partner, reach

LOGIN = Login(password=PASSWORD)
QUESTION = ("(partner@host) Password: ", False)
Prompts = Sequence[tuple[str, bool]]


class Asking(asyncssh.SSHServer):
    """Asks one set of questions after another, whatever the answers are, and keeps them; takes only right ones."""

    def __init__(self, rounds: Sequence[Prompts], shown: list[str], *, plain: bool, ends: str) -> None:
        self._rounds = list(rounds)
        self._shown = shown
        self._plain = plain
        self._ends = ends
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return self._plain

    def validate_password(self, username: str, password: str) -> bool:
        self._shown.append(password)
        assert self._connection is not None
        if self._ends == "word":
            self._connection.disconnect(constants.DISC_NO_MORE_AUTH_METHODS_AVAILABLE, "go away")
        elif self._ends == "silence":
            self._connection.abort()
        return password == PASSWORD

    def kbdint_auth_supported(self) -> bool:
        return bool(self._rounds)

    def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> tuple[str, str, str, Prompts]:
        return "Password authentication", "Welcome", "en", self._rounds.pop(0)

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool | tuple[str, str, str, Prompts]:
        self._shown += responses
        return ("", "", "", self._rounds.pop(0)) if self._rounds else list(responses)[-1:] == [PASSWORD]


@asynccontextmanager
async def asking(
    root: Path, *rounds: Prompts, plain: bool = False, ends: str = "no"
) -> AsyncIterator[tuple[Partner, list[str]]]:
    """A server that asks, and what it was shown."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    shown: list[str] = []
    acceptor = await asyncssh.create_server(
        lambda: Asking(rounds, shown, plain=plain, ends=ends),
        "127.0.0.1",
        0,
        server_host_keys=[key],
        sftp_factory=lambda channel: asyncssh.SFTPServer(channel, chroot=str(root).encode()),
    )
    try:
        yield Partner(acceptor.get_port(), [key], []), shown
    finally:
        acceptor.close()
        await acceptor.wait_closed()


async def entered(server: Partner, login: Login = LOGIN) -> None:
    async with open_sftp(server.place(*server.lines), login, reach()) as folder:
        await folder.list("")


@pytest.mark.parametrize("rounds", [[[QUESTION]], [[], [QUESTION]]], ids=["asked", "greeted, then asked"])
async def test_a_server_that_asks_only_for_the_password_gets_it(tmp_path: Path, rounds: list[Prompts]) -> None:
    async with asking(tmp_path, *rounds) as (server, shown):
        await entered(server)
    assert shown == [PASSWORD]


@pytest.mark.parametrize(
    "prompts",
    [
        [QUESTION, ("Verification code: ", False)],
        [("Verification code: ", False)],
        [("New password: ", False)],
        [("Password: ", True)],
    ],
    ids=["two", "a code", "a new one", "shown on the screen"],
)
async def test_whatever_else_a_server_asks_is_not_answered(tmp_path: Path, prompts: Prompts) -> None:
    async with asking(tmp_path, prompts) as (server, shown):
        with pytest.raises(LoginRefused, match="something else than the password"):
            await entered(server)
    assert shown == []


async def test_a_password_is_answered_once_however_often_it_is_asked_for(tmp_path: Path) -> None:
    async with asking(tmp_path, [QUESTION], [QUESTION], [QUESTION]) as (server, shown):
        with pytest.raises(LoginRefused):
            await entered(server)
    assert shown == [PASSWORD]


async def test_a_wrong_password_is_shown_once_by_whichever_way(tmp_path: Path) -> None:
    async with asking(tmp_path, [QUESTION], plain=True) as (server, shown):
        with pytest.raises(LoginRefused):
            await entered(server, Login(password="wrong one"))
    assert shown == ["wrong one"]


@pytest.mark.parametrize(("ends", "failure"), [("word", LoginRefused), ("silence", LoginCutOff)])
async def test_a_server_that_hangs_up_over_a_password_is_not_taken_for_a_broken_line(
    tmp_path: Path, ends: str, failure: type[Exception]
) -> None:
    async with asking(tmp_path, plain=True, ends=ends) as (server, shown):
        with pytest.raises(failure):
            await entered(server)
    assert shown == [PASSWORD]
