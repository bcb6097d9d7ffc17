"""Who may come in, where they are let, and to whom uploads are told: the protocol server's own words.

What stands behind Gate and Uploads (the database) is wired in; the protocol server knows nothing of it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol
from uuid import UUID

from services.dropserver.guard import Knock, Scores
from shared.domain.hosted_login import ALL_RIGHTS, Right
from shared.storage.login_scores import Looked


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
    quota_bytes: int | None = None
    """Of the whole drop folder; None takes the server's own limit."""
    rights: frozenset[Right] = ALL_RIGHTS
    expires_at: datetime | None = None

    def may(self, right: Right) -> bool:
        """Whether the login allows that."""
        return right in self.rights

    @property
    def has_expired(self) -> bool:
        """Whether the login's time has passed, also within a session."""
        return self.expires_at is not None and self.expires_at <= datetime.now(UTC)


class Gate(Scores, Protocol):
    """Knows the credentials. May raise a Failure when it cannot tell; then nobody is let in and nobody is blamed.

    Who knocks with a user name that nobody has is answered after as long as others are.
    """

    async def look(self, username: str, network: str) -> Looked:
        """Whose user name that is, and how the scores stand for it and where it comes from."""

    async def password(self, knock: Knock, password: str, address: str) -> Tenant | None:
        """Who that is by its password, where the login may come from that address."""

    async def public_key(self, knock: Knock, key: str, address: str) -> Tenant | None:
        """Who that is by its public key (OpenSSH's one line, without comment), from that address."""


class Uploads(Protocol):
    """Is told what becomes of uploads. May raise a Failure; then the client is told that it did not work."""

    async def opened(self, tenant: Tenant, path: str) -> UUID:
        """A client begins to write a file, new or over an old one. Called before the old one is touched."""

    async def closed(self, tenant: Tenant, upload_id: UUID, path: str, size_bytes: int, modified_at: datetime) -> None:
        """The client finished the file, and it is safely on disk. The client has no answer yet.

        Called again with the same id where the client sets the file's time afterwards, as some do.
        """

    async def broken(self, tenant: Tenant, upload_id: UUID) -> None:
        """The upload ended without its end, or `closed` could not be told. Must be harmless after `closed`."""

    async def renamed(
        self, tenant: Tenant, source: str, target: str, size_bytes: int, modified_at: datetime
    ) -> UUID | None:
        """The client gave a finished file another name; the client has no answer yet.

        Under the id, None where the file is not complete, `closed` is told a time that is set afterwards.
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
    closing_seconds: float = 30
    """How long running uploads may go on when the server stops."""
    quota_bytes: int = 20 * 1024**3
    quota_entries: int = 100_000
