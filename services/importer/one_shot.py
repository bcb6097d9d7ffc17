"""The server that a one-shot import fetches its file from: the first host key is pinned, and failures say what helps.

Who asked said host, port, user and file in one request, so that a failure names what was asked for. Nothing here
lists, writes or marks: the file stays where it lies.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog

from services.importer.tools import Tools
from shared.domain.arrival import FileStamp
from shared.domain.connection import Login
from shared.domain.failures import (
    ConnectionLost,
    FileGone,
    HostBusy,
    HostKeyChanged,
    LoginNotTried,
    LoginRefused,
    NoSuchFile,
    PortNotGiven,
    ProtocolRefused,
)
from shared.domain.place import SftpPlace
from shared.domain.run import Reason
from shared.observe.failpoints import reach
from shared.storage import one_shots, pinned_keys
from shared.transfer.folder import Folder
from shared.transfer.open_folder import open_folder
from shared.transfer.sessions import PATIENCE_SECONDS

log = structlog.get_logger()

FTP_PORT = 21
"""Counts where no port was given, as that request is documented; hardly any SFTP server listens there."""
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0
"""Between two questions whether a login may be tried; doubled each time."""


@dataclass(frozen=True, slots=True)
class OneShot:
    """What a one-shot import has that others have not."""

    run_id: UUID
    connection_id: UUID
    place: SftpPlace
    login: Login
    email_position: int
    """The column by which its first row is judged: see first_row.py."""
    told: tuple[Reason, ...]
    """What the request was told besides its run."""


@asynccontextmanager
async def open_server(asked: OneShot, tools: Tools, account_id: UUID) -> AsyncIterator["Named"]:
    """The server for as long as the block lasts.

    Raises PortNotGiven, TooManyRefusals, LoginNotTried, HostBusy, and what opening a folder raises.
    """

    async def pin(line: str) -> None:
        async with tools.database.account(account_id) as tx:
            await pinned_keys.pin_first_host_key(tx, asked.connection_id, asked.place.server, line)
        log.info("host_key.pinned_on_first_use")
        reach("importer.pinned")

    await _may_try(asked, tools, account_id)
    async with AsyncExitStack() as stack:
        # Somebody asked for just this login just now, so it is tried even where it was refused before.
        opening = open_folder(
            asked.place,
            asked.login,
            tools.places,
            account_id=account_id,
            insists=True,
            on_first_key=pin,
        )
        try:
            folder = await stack.enter_async_context(opening)
        except HostKeyChanged as changed:
            await _offer(asked, changed, tools, account_id)
            raise
        except LoginRefused as refused:
            if refused.was_tried:
                raise
            # The server has seen it once: it is no refusal of its own, of which only so many are borne.
            raise LoginNotTried(refused.detail) from refused
        except (ConnectionLost, ProtocolRefused) as failure:
            if asked.place.port == FTP_PORT and not asked.place.host_keys:
                raise PortNotGiven(failure.detail) from failure
            raise
        yield Named(folder, asked.place)


async def _may_try(asked: OneShot, tools: Tools, account_id: UUID) -> None:
    """Return once the login may be tried: others may have been refused since it was asked for, or be about to be.

    Raises TooManyRefusals, and HostBusy where it may not yet after some patience.
    """
    pause = FIRST_PAUSE_SECONDS
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                async with tools.database.account(account_id) as tx:
                    await one_shots.require_rest(tx, asked.connection_id, asked.place.username)
                    if await one_shots.may_try(tx, asked.connection_id, asked.place.username, asked.run_id):
                        return
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
    except TimeoutError as error:
        raise HostBusy(
            f"{one_shots.MAX_REFUSALS} logins that it has not accepted yet, or has refused, are the most at a time."
        ) from error


async def _offer(asked: OneShot, changed: HostKeyChanged, tools: Tools, account_id: UUID) -> None:
    """Let a person compare the key and accept it; until then every import from there fails."""
    if changed.presented_key:
        async with tools.database.account(account_id) as tx:
            await pinned_keys.offer_host_key(tx, asked.connection_id, changed.presented_key)


@dataclass(frozen=True, slots=True)
class Named:
    """One file, by the path that was asked for: absolute, or from the user's home. Raises NoSuchFile."""

    folder: Folder
    place: SftpPlace

    async def stat(self, path: str) -> FileStamp:
        """Size and time of the file. Raises what the folder raises."""
        with self._told(path):
            found = await self.folder.stat(_within(path))
        return FileStamp(path=path, size_bytes=found.size_bytes, modified_at=found.modified_at)

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """Its bytes. Raises what the folder raises."""
        with self._told(path):
            async with aclosing(self.folder.read(_within(path))) as chunks:
                async for chunk in chunks:
                    yield chunk

    @contextmanager
    def _told(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileGone as gone:
            where = f"{self.place.host}:{self.place.port}"
            user = self.place.username
            raise NoSuchFile(f"Looked for a regular file {path!r} on {where} as {user!r}.") from gone


def _within(path: str) -> str:
    """The path from the place's home directory, which is the root where it is absolute."""
    return path.removeprefix("/")
