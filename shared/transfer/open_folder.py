"""The way to a place: choose the driver by its transport, and open it.

Nothing here keeps a connection open longer than the caller's block. How a place is tried step by step is verify.py's
business.
"""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from shared.domain.connection import Login
from shared.domain.failures import (
    DirectoryNotAllowed,
    DirectoryNotMounted,
    DropFolderMissing,
)
from shared.domain.place import DirectoryPlace, DropPlace, FtpsPlace, HostedPlace, PartnerPlace, WebDavPlace
from shared.transfer.dialling import OnProof, OnStep, Reach
from shared.transfer.directory import LocalDirectory
from shared.transfer.folder import Folder
from shared.transfer.ftps.opening import open_ftps
from shared.transfer.hosted import HostedFolder
from shared.transfer.mounted import Mounted, open_mounted
from shared.transfer.room import Room
from shared.transfer.sessions import PATIENCE_SECONDS, Session, Sessions
from shared.transfer.sftp import FirstKey, OnLegacy, open_sftp
from shared.transfer.webdav.opening import open_webdav

Rooms = Callable[[UUID, UUID, Path], Room]
"""The room of an account's drop folder that lies there."""
MakeRoot = Callable[[UUID, UUID, Path], Awaitable[None]]
"""Makes the directory of an account's drop folder where it is missing. Raises DropFolderMissing where it must not."""


@dataclass(frozen=True, slots=True)
class Places:
    """What is needed to open any place: how partners are reached, and where drop folders of this machine lie."""

    drop_directory: Path
    reach: Reach = field(default_factory=Reach)
    mounted: Mapping[str, Mounted] = field(default_factory=dict)
    """The local directories that the operator offers, by their names."""
    sessions: Sessions = field(kw_only=True)
    rooms: Rooms | None = field(default=None, kw_only=True)
    """Of hosted folders; without it what is written to them is not counted."""
    make_root: MakeRoot | None = field(default=None, kw_only=True)
    """Of hosted folders; without it nobody knows what lies in them, and all are made."""

    def hosted(self, account_id: UUID, drop_folder_id: UUID) -> Path:
        """The directory of a hosted drop folder."""
        return self.drop_directory / str(account_id) / str(drop_folder_id)


def open_folder(
    place: DropPlace,
    login: Login,
    places: Places,
    *,
    account_id: UUID,
    insists: bool = False,
    makes_root: bool = True,
    patience_seconds: float = PATIENCE_SECONDS,
    on_first_key: FirstKey | None = None,
    on_step: OnStep = lambda _: None,
    on_legacy: OnLegacy = lambda _: None,
) -> AbstractAsyncContextManager[Folder]:
    """A Folder for as long as the block lasts; raises what the driver's opening raises (open_sftp, open_ftps, ...).

    Raises DirectoryNotAllowed at once. A partner's server is dialled within one of the sessions that its host may have:
    sessions.Sessions.held says what is raised besides, and what `insists` means. `on_first_key` is told the host key to
    pin where the place trusts the first one. A hosted folder is made where it is missing and nothing is known to lie in
    it, so that it can be used before its first upload; where it is not to be made, DropFolderMissing is raised.
    """
    if isinstance(place, HostedPlace):
        return _open_hosted(places, account_id, place.drop_folder_id, makes_root=makes_root)
    if isinstance(place, DirectoryPlace):
        return open_mounted(_mounted(place, login, places), place.home_directory, places.reach.deadlines)
    proof = _Proof()
    opened = _dialled(place, login, places.reach, on_first_key, on_step, proof.take, on_legacy)
    held = places.sessions.held(place, login, insists=insists, patience_seconds=patience_seconds)
    return _open_partner(held, opened, proof)


@dataclass(slots=True)
class _Proof:
    """Whether the server has taken a proof of who we are."""

    was_taken: bool = False

    def take(self) -> None:
        """It has."""
        self.was_taken = True


@asynccontextmanager
async def _open_partner(
    held: AbstractAsyncContextManager[Session], opened: AbstractAsyncContextManager[Folder], proof: _Proof
) -> AsyncIterator[Folder]:
    """The one way to a partner's server, whatever is spoken with it."""
    async with held as session:
        async with opened as folder:
            is_proved = proof.was_taken
            await (session.logged_in() if is_proved else session.let_in())
            yield folder
        if proof.was_taken and not is_proved:
            # Some servers let everybody look, and ask before anything is written.
            await session.logged_in()


def _dialled(
    place: PartnerPlace,
    login: Login,
    reach: Reach,
    on_first_key: FirstKey | None,
    on_step: OnStep,
    on_proof: OnProof,
    on_legacy: OnLegacy,
) -> AbstractAsyncContextManager[Folder]:
    if isinstance(place, FtpsPlace):
        return open_ftps(place, login, reach, on_step=on_step, on_proof=on_proof)
    if isinstance(place, WebDavPlace):
        return open_webdav(place, login, reach, on_step=on_step, on_proof=on_proof)
    return open_sftp(
        place, login, reach, on_first_key=on_first_key, on_step=on_step, on_proof=on_proof, on_legacy=on_legacy
    )


@asynccontextmanager
async def _open_hosted(
    places: Places, account_id: UUID, drop_folder_id: UUID, *, makes_root: bool
) -> AsyncIterator[Folder]:
    root = places.hosted(account_id, drop_folder_id)
    if makes_root and places.make_root is not None:
        await places.make_root(account_id, drop_folder_id, root)
    elif makes_root:
        root.mkdir(mode=0o750, parents=True, exist_ok=True)
    elif not os.path.isdir(root):  # noqa: PTH112 a broken mount is none, and raises from Path
        raise DropFolderMissing
    directory = LocalDirectory(root)
    yield directory if places.rooms is None else HostedFolder(directory, places.rooms(account_id, drop_folder_id, root))


def _mounted(place: DirectoryPlace, login: Login, places: Places) -> Mounted:
    """The directory, if the account may use it now: what was allowed when the place was saved may be so no more."""
    if place.root not in login.local_directories:
        raise DirectoryNotAllowed(f"Found {place.root!r}.")
    if place.root not in places.mounted:
        raise DirectoryNotMounted(f"TIDEGATE_LOCAL_DIRECTORIES of this service does not name {place.root!r}.")
    return places.mounted[place.root]
