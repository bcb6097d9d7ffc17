"""The way to a place: choose the driver by its transport, open it, or try it step by step.

`verify` is what a person reads when a connection does not work: which step failed, why, what to do. It never raises
for a failure of the place. Nothing here keeps a connection open longer than the caller's block.
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import UUID

from shared.domain.connection import Login
from shared.domain.failures import (
    DirectoryNotAllowed,
    DirectoryNotMounted,
    Failure,
    FileGone,
    HostKeyFailure,
    LoginRefused,
    UnsupportedKey,
)
from shared.domain.model import Model
from shared.domain.names import joined
from shared.domain.place import DirectoryPlace, DropPlace, HostedPlace, PartnerPlace
from shared.transfer.dialling import Reach
from shared.transfer.directory import LocalDirectory
from shared.transfer.folder import Folder
from shared.transfer.mounted import Mounted, open_mounted
from shared.transfer.sessions import Session, Sessions
from shared.transfer.sftp import FirstKey, OnStep, open_sftp

StepName = Literal["resolve", "connect", "host_key", "login", "list", "write"]

_PROBE = b"Tidegate tried whether it may write here. This file can be deleted.\n"


@dataclass(frozen=True, slots=True)
class Places:
    """What is needed to open any place: how partners are reached, and where drop folders of this machine lie."""

    drop_directory: Path
    reach: Reach = field(default_factory=Reach)
    mounted: Mapping[str, Mounted] = field(default_factory=dict)
    """The local directories that the operator offers, by their names."""
    sessions: Sessions = field(kw_only=True)

    def hosted(self, account_id: UUID, drop_folder_id: UUID) -> Path:
        """The directory of a hosted drop folder."""
        return self.drop_directory / str(account_id) / str(drop_folder_id)


class Step(Model):
    """One step of `verify`. A host key that was shown and not accepted comes along, to be accepted."""

    name: StepName
    outcome: Literal["ok", "failed", "not_tried"]
    code: str | None = None
    detail: str = ""
    what_to_do: str = ""
    presented_key: str | None = None
    fingerprint: str | None = None


def open_folder(
    place: DropPlace,
    login: Login,
    places: Places,
    *,
    account_id: UUID,
    insists: bool = False,
    on_first_key: FirstKey | None = None,
    on_step: OnStep = lambda _: None,
) -> AbstractAsyncContextManager[Folder]:
    """A Folder for as long as the block lasts; raises what the driver's opening raises (sftp.open_sftp, open_mounted).

    Raises DirectoryNotAllowed at once. A partner's server is dialled within one of the sessions that its host may have:
    sessions.Sessions.held says what is raised besides, and what `insists` means. `on_first_key` is told the host key to
    pin where the place trusts the first one. A hosted folder is created where it is missing, so that it can be watched
    before its first upload.
    """
    if isinstance(place, HostedPlace):
        return _open_hosted(places.hosted(account_id, place.drop_folder_id))
    if isinstance(place, DirectoryPlace):
        return open_mounted(_mounted(place, login, places), place.home_directory, places.reach.deadlines)
    opened = open_sftp(place, login, places.reach, on_first_key=on_first_key, on_step=on_step)
    return _open_partner(places.sessions.held(place, login, insists=insists), opened)


async def verify(
    place: DropPlace,
    login: Login,
    places: Places,
    *,
    account_id: UUID,
    directories: tuple[str, ...] = ("",),
    write_to: str | None = None,
    on_first_key: FirstKey | None = None,
) -> list[Step]:
    """Try a place: resolve, connect, host key, login, list each directory, and write a probe where asked."""
    trail = _Trail(place, wants_write=write_to is not None)
    try:
        opened = open_folder(
            place, login, places, account_id=account_id, insists=True, on_first_key=on_first_key, on_step=trail.begin
        )
        async with opened as folder:
            trail.begin("list")
            for directory in directories:
                await folder.list(directory)
            if write_to is not None:
                trail.begin("write")
                await _probe(folder, write_to)
    except Failure as failure:
        return trail.failed(failure)
    return trail.finished()


@asynccontextmanager
async def _open_partner(
    held: AbstractAsyncContextManager[Session], opened: AbstractAsyncContextManager[Folder]
) -> AsyncIterator[Folder]:
    """The one way to a partner's server, whatever is spoken with it."""
    async with held as session, opened as folder:
        await session.logged_in()
        yield folder


@asynccontextmanager
async def _open_hosted(root: Path) -> AsyncIterator[Folder]:
    root.mkdir(mode=0o750, parents=True, exist_ok=True)
    yield LocalDirectory(root)


def _mounted(place: DirectoryPlace, login: Login, places: Places) -> Mounted:
    """The directory, if the account may use it now: what was allowed when the place was saved may be so no more."""
    if place.root not in login.local_directories:
        raise DirectoryNotAllowed(f"Found {place.root!r}.")
    if place.root not in places.mounted:
        raise DirectoryNotMounted(f"TIDEGATE_LOCAL_DIRECTORIES of this service does not name {place.root!r}.")
    return places.mounted[place.root]


async def _probe(folder: Folder, directory: str) -> None:
    """Write a file and take it away again. Its name is a temporary one, so that no goal takes it."""
    path = joined(directory, f".tidegate-{secrets.token_hex(8)}.tmp")
    try:
        await folder.write(path, _once(_PROBE))
    finally:
        await _removed(folder, path)


async def _removed(folder: Folder, path: str) -> None:
    try:
        await folder.remove(path)
    except FileGone:
        return


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


class _Trail:
    """Which steps there are, and how far we came."""

    def __init__(self, place: DropPlace, *, wants_write: bool) -> None:
        remote: tuple[StepName, ...] = ("resolve", "connect", "host_key", "login")
        self._names: list[StepName] = [*(remote if isinstance(place, PartnerPlace) else ()), "list"]
        if wants_write:
            self._names.append("write")
        self._reached = 0

    def begin(self, name: str) -> None:
        """A step begins; those before it went well."""
        self._reached = next((n for n, known in enumerate(self._names) if known == name), self._reached)

    def finished(self) -> list[Step]:
        """Every step went well."""
        return [Step(name=name, outcome="ok") for name in self._names]

    def failed(self, failure: Failure) -> list[Step]:
        """The step that was begun last failed, those after it were not tried.

        A key that cannot be read is a matter of its own step, though it shows before anything is contacted.
        """
        at = self._reached
        if isinstance(failure, (UnsupportedKey, LoginRefused)):
            at = self._names.index("login")
        elif isinstance(failure, HostKeyFailure):
            at = self._names.index("host_key")
        return [
            _broken(name, failure)
            if number == at
            else Step(name=name, outcome="ok" if number < self._reached else "not_tried")
            for number, name in enumerate(self._names)
        ]


def _broken(name: StepName, failure: Failure) -> Step:
    key = failure if isinstance(failure, HostKeyFailure) and failure.presented_key else None
    return Step(
        name=name,
        outcome="failed",
        code=failure.code,
        detail=f"{failure.sentence} {failure.detail}".strip(),
        what_to_do=failure.what_to_do,
        presented_key=key.presented_key if key else None,
        fingerprint=key.fingerprint if key else None,
    )
