"""Who may come in, where they are let, and to whom uploads are told: the protocol server's own words.

What stands behind Gate and Uploads (the database) is wired in; the protocol server knows nothing of it.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, Protocol
from uuid import UUID

from services.dropserver.guard import Knock, Scores
from shared.domain.arrival import FileStamp
from shared.domain.hosted_login import ALL_RIGHTS, Right, Transport
from shared.storage.credentials import InUse, Proof
from shared.storage.login_scores import Looked

NO_PROOF = Proof()


@dataclass(frozen=True, slots=True)
class Tenant:
    """One login: whose it is, and the directory it is confined to.

    `root` is the drop folder's directory on disk; `base` is the credential's directory inside it, relative, and
    the client's `/`. Paths that are reported are relative to `root`, like those of the poller's listing.
    """

    account_id: UUID
    drop_folder_id: UUID
    credential_id: UUID
    root: Path
    base: str = ""
    rights: frozenset[Right] = ALL_RIGHTS
    expires_at: datetime | None = None
    """When what it came in with opens no longer: the login's end, or that of its former secret."""
    version: int = 1
    """Of the login, as it was judged."""
    proof: Proof = NO_PROOF
    """What it came in with, so that it can be judged anew where the login is changed."""
    transport: Transport = "sftp"
    makes_root: bool = field(default=True, compare=False)
    """Whether the folder's directory may be made where it is missing."""

    def may(self, right: Right) -> bool:
        """Whether the login allows that."""
        return right in self.rights

    @property
    def has_expired(self) -> bool:
        """Whether the login's time has passed, also within a session."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class Gate(Scores, Protocol):
    """Knows the credentials. May raise a Failure when it cannot tell; then nobody is let in and nobody is blamed.

    So is whoever brings the right secret while the account has hosted folders paused: IntegrationOff.

    Who knocks with a user name that nobody has is answered after as long as others are.
    """

    async def look(self, username: str, network: str) -> Looked:
        """Whose user name that is, and how the scores stand for it and where it comes from."""

    async def password(self, knock: Knock, password: str, address: str) -> Tenant | None:
        """Who that is by its password, where the login may come from that address."""

    async def in_use(self, credential_ids: frozenset[UUID]) -> Mapping[UUID, InUse]:
        """How these stand, with which somebody is in; those that open nothing any more are left out."""

    async def again(self, tenant: Tenant, address: str) -> Tenant | None:
        """What a login that was changed allows now to who came in with that secret from there; None: nothing."""

    async def public_key(self, knock: Knock, key: str, address: str) -> Tenant | None:
        """Who that is by its public key (OpenSSH's one line, without comment), from that address."""


@dataclass(frozen=True, slots=True)
class Begun:
    """An upload that was written down, and how many bytes are counted for its file: what it has or has set aside."""

    id: UUID
    counted_bytes: int


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest upload under a path, None where what lies there has come by none; and whether that is a whole file."""

    upload_id: UUID | None
    is_whole: bool


class Moved(NamedTuple):
    """A file under its new name, and of how many bytes the one was that had it before, if any."""

    file: FileStamp
    replaced_bytes: int | None


class Moving(Protocol):
    """Another name for a file, on disk."""

    def do(self) -> Moved:
        """Give it the name. Raises NotOnDisk, Refusal."""

    def undo(self) -> None:
        """Take it back, where it was done and nobody has put something else there."""


Look = Callable[[], int | None]
"""Of how many bytes what lies there is; None: nothing does. Raises NotOnDisk, Refusal."""
Place = Callable[[], None]
"""Raises NotOnDisk."""
Remove = Callable[[], int]
"""Of how many bytes it was. Raises NotOnDisk."""


class Uploads(Protocol):
    """Is told what becomes of uploads, and counts what the folder holds.

    What changes who has a name on disk is done by what is handed over here, while nobody else can begin, move or
    delete anything of that name, at whichever replica: so names are given on disk in the order of the ledger.

    May raise a Failure, PlaceFull where the folder's quota is used up; then the client is told that it did not work.
    """

    async def opened(
        self, tenant: Tenant, path: str, look: Look, *, cuts: bool, after: Latest | None = None, end_bytes: int = 0
    ) -> Begun:
        """A client begins to write a file, new, or over an old one, which it cuts or goes on with.

        Called before the old one is touched. `after`: only where nothing was uploaded since, else UploadBrokenOff.
        `end_bytes`: so large it is to grow at once.
        """

    async def placed(self, tenant: Tenant, begun: Begun, path: str, place: Place) -> None:
        """The upload gets its file by `place`, unless another one of that name has begun: UploadBrokenOff."""

    async def grown(self, tenant: Tenant, begun: Begun, size_bytes: int) -> Begun:
        """The file is to grow to that size, which is more than is counted."""

    async def closed(self, tenant: Tenant, begun: Begun, path: str, size_bytes: int, modified_at: datetime) -> None:
        """The client finished the file, and it is safely on disk. The client has no answer yet."""

    async def retimed(self, tenant: Tenant, upload_id: UUID, path: str, modified_at: datetime) -> None:
        """The client set the file's time after it had finished it, as some do."""

    async def broken(self, tenant: Tenant, begun: Begun, left_bytes: int | None) -> None:
        """The upload ended without its end, or `closed` could not be told; so much of it lies there, None: no file."""

    async def discarded(self, tenant: Tenant, begun: Begun, path: str, discard: Look) -> None:
        """As `broken`, of one that found no room: `discard` takes away what there is of it, and says what is left.

        It is not called where another one of that name has begun: what lies there is that one's.
        """

    async def removed(self, tenant: Tenant, path: str, remove: Remove) -> None:
        """The client deletes a file by `remove`; an upload of it that is under way is broken off with it."""

    async def latest(self, tenant: Tenant, path: str) -> Latest:
        """What is known of a file that a client opens to go on with it. PlaceFull: it is whole, and has no room."""

    async def is_whole(self, tenant: Tenant, path: str) -> bool:
        """Whether a file was uploaded to its end, or has come by no upload at all."""

    async def superseded(self, upload_ids: Collection[UUID]) -> Collection[UUID]:
        """Which of these, that are under way here, were broken off elsewhere, because another upload has their name."""

    async def changed(self, tenant: Tenant, bytes_: int, files: int) -> None:
        """So many bytes and files, directories included, are more or fewer. Raises PlaceFull."""

    async def renamed(self, tenant: Tenant, source: str, target: str, moving: Moving) -> UUID | None:
        """The client gives a file another name, and has no answer yet. None: it is not whole, and keeps its name.

        Under the id `retimed` is told a time that is set afterwards.
        """


@dataclass(frozen=True, slots=True)
class Limits:
    """What clients may use."""

    sessions: int = 800
    sessions_per_address: int = 40
    channels_per_session: int = 8
    open_files_per_session: int = 64
    login_seconds: float = 30
    idle_seconds: float = 900
    attend_seconds: float = 15
    """How soon a login that is changed, or an account that is paused, is noticed by those who are in."""
    stall_seconds: float = 60
    """How long the body of an HTTP request may stand still, or an answer be left lying."""
    closing_seconds: float = 30
    """How long running uploads may go on when the server stops."""
