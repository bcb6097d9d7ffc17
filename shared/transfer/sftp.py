"""The driver for a partner's SFTP server: an SSH connection on which a Folder is open.

A login is sent only to a server that has proved one of the pinned host keys. Where none is pinned the key is
fetched by a connection of its own that ends before any login; the caller accepts it, or the place says that
the first one is trusted. Nothing of the machine's own ssh settings takes part: no config, no agent, no keys of ours.
Everything a server says is hostile; paths are composed here and never taken from it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncssh

from shared.domain.connection import Login
from shared.domain.failures import ConnectionLost, HostKeyUnknown, ProtocolRefused, UnsupportedKey
from shared.domain.place import SftpPlace
from shared.observe.cancellation import heed_cancellation
from shared.transfer.dialling import OnProof, OnStep, Reach, find
from shared.transfer.folder import Deadlines
from shared.transfer.keys import described, loaded_private_key, loaded_public_key
from shared.transfer.sftp_entry import Entry, Line
from shared.transfer.sftp_folder import SftpFolder, Watch

FirstKey = Callable[[str], Awaitable[None]]
"""Told the key line to pin, before it is used for a login."""

OnLegacy = Callable[[frozenset[str]], None]
"""Told after the login which legacy algorithms it took (sftp_login.legacy_of); none of them, as a rule."""

_CLOSING_SECONDS = 5.0


@asynccontextmanager
async def open_sftp(
    place: SftpPlace,
    login: Login,
    reach: Reach,
    *,
    on_first_key: FirstKey | None = None,
    on_step: OnStep = lambda _: None,
    on_proof: OnProof = lambda: None,
    on_legacy: OnLegacy = lambda _: None,
) -> AsyncIterator[SftpFolder]:
    """Connect, prove who the server is, log in, and open the home directory.

    Raises UnsupportedKey, NameUnresolved, AddressRefused, ConnectionLost, HostKeyUnknown, HostKeyChanged,
    LoginRefused, LoginCutOff, ProtocolRefused. `on_first_key` is asked where the place trusts the first key it sees.
    """
    legacy = reach.allows_legacy_keys
    keys = await _own_keys(login, legacy=legacy)
    pinned = [_pinned_key(text, legacy=legacy) for text in place.host_keys]
    on_step("resolve")
    line = Line(place, await find(place.host, place.port, reach), allows_legacy=legacy)
    on_step("connect")
    dialled = await line.dial()
    on_step("host_key")
    if not pinned:
        pinned = [await _first_key(line, await line.presented(dialled), on_first_key)]
        dialled = await line.dial()
    entry = Entry(line, pinned, login, keys)
    connection = await entry.enter(dialled, on_step)
    on_legacy(entry.legacy)
    if entry.was_proved:
        on_proof()
    try:
        heed_cancellation()
        yield await _at_home(connection, place, reach.deadlines)
    finally:
        connection.close()
        with Watch(connection, _CLOSING_SECONDS):
            await connection.wait_closed()


async def _own_keys(login: Login, *, legacy: bool) -> list[asyncssh.SSHKey]:
    given = ((login.ssh_key, None), (login.private_key, login.passphrase))
    return [
        await asyncio.to_thread(loaded_private_key, text, passphrase, legacy=legacy)
        for text, passphrase in given
        if text is not None
    ]


def _pinned_key(line: str, *, legacy: bool) -> asyncssh.SSHKey:
    try:
        return loaded_public_key(line, legacy=legacy)
    except UnsupportedKey as error:
        raise HostKeyUnknown(f"A pinned host key cannot be read. {error.detail}") from error


async def _first_key(line: Line, key: asyncssh.SSHKey, on_first_key: FirstKey | None) -> asyncssh.SSHKey:
    """The key to pin, told before it is used; HostKeyUnknown where a person has to accept it."""
    shown = described(key)
    if not line.place.trust_on_first_use or on_first_key is None:
        raise HostKeyUnknown(
            f"{line.shown} shows {shown.algorithm} {shown.fingerprint}; no credential was sent.",
            presented_key=shown.line,
            fingerprint=shown.fingerprint,
        )
    await on_first_key(shown.line)
    return key


async def _at_home(connection: asyncssh.SSHClientConnection, place: SftpPlace, deadlines: Deadlines) -> SftpFolder:
    """The Folder, with the home directory made absolute, so that the server's idea of it is asked once."""
    with Watch(connection, deadlines.step_seconds) as watch:
        try:
            client = await connection.start_sftp_client()
            home = await client.realpath(place.home_directory.encode() or b".")
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.DisconnectError, OSError) as error:
            raise ConnectionLost(watch.told("The server closed the connection after the login.")) from error
        except (asyncssh.SFTPError, asyncssh.ChannelOpenError) as error:
            raise ProtocolRefused("The server let us in, but offers no SFTP or no such home directory.") from error
    return SftpFolder(connection, client, home, deadlines)
