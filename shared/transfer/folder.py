"""The protocol of an open place, and what every driver of it shares: deadlines, listings, the checking of names.

All paths are relative to the place's home directory, separated by `/`, and pass names.checked_path; the empty
path is the home directory itself. Nothing here opens a connection, and nothing here knows one kind of place.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from shared.domain.arrival import FileStamp
from shared.domain.names import checked_path, joined

CHUNK_BYTES = 1 << 20
"""How much `read` hands out at a time."""

MAX_ENTRIES = 200_000
"""Of one directory, hidden ones and refused ones included; more are a failure, never a silently cut listing."""

MAX_SIZE_BYTES = (1 << 63) - 1
"""What the ledger can hold; a server that claims more is not believed."""

_SHOWN_BYTES = 255


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long each step may take. `idle` is the longest silence while a file is read or written."""

    connect_seconds: float = 15
    login_seconds: float = 30
    step_seconds: float = 30
    listing_seconds: float = 300
    idle_seconds: float = 60


@dataclass(frozen=True, slots=True)
class RefusedName:
    """An entry that cannot be taken, told so that it is not lost in silence. `shown` is escaped and cut."""

    shown: str
    reason: str


@dataclass(slots=True)
class Listing:
    """What a directory holds: its regular files, and the entries that cannot be taken, each with the reason.

    Sub-directories are neither. Symbolic links are not followed and stand among the refused.
    """

    files: list[FileStamp] = field(default_factory=list)
    refused: list[RefusedName] = field(default_factory=list)


class Folder(Protocol):
    """An open place. Every method may raise ConnectionLost, AccessDenied and ServerFailed besides what it names."""

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory, in no order. Raises DirectoryMissing, TooManyFiles."""

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file. Raises FileGone."""

    def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file in chunks of at most 1 MiB, none of them empty. Raises FileGone.

        Close it (contextlib.aclosing) where it is not read to its end.
        """

    async def write(self, path: str, chunks: AsyncIterable[bytes]) -> int:
        """Create or overwrite a file, and say how many bytes it has. Raises DirectoryMissing.

        What was written before a failure stays under that name: write to a temporary name and rename.
        """

    async def rename(self, source: str, target: str, *, replace: bool) -> None:
        """Give a file another name or directory. Raises FileGone, DirectoryMissing, and NameTaken unless `replace`."""

    async def remove(self, path: str) -> None:
        """Delete a file. Raises FileGone."""

    async def make_directory(self, path: str) -> None:
        """Create a directory and those above it; one that is there already is fine. Raises NameTaken for a file."""


def sort_out(listing: Listing, directory: str, name: bytes) -> str | None:
    """The path of a name as the server gave it; None where it was put among the refused."""
    try:
        path = joined(directory, _checked_name(name))
        return checked_path(path)
    except ValueError as error:
        refuse(listing, name, str(error))
        return None


def refuse(listing: Listing, name: bytes, reason: str) -> None:
    """Put an entry among the refused, its name escaped and cut."""
    listing.refused.append(RefusedName(escaped(name), reason))


def stamp(path: str, size_bytes: int | None, modified: float | None) -> FileStamp:
    """A file's stamp from seconds since 1970. Raises ValueError for what no file system has."""
    if size_bytes is None or not 0 <= size_bytes <= MAX_SIZE_BYTES:
        raise ValueError("the server gives no size that can be believed")
    if modified is None:
        raise ValueError("the server gives no modification time")
    try:
        modified_at = datetime.fromtimestamp(modified, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("the server gives a modification time that is no date") from error
    return FileStamp(path=path, size_bytes=size_bytes, modified_at=modified_at)


def escaped(name: bytes) -> str:
    """A hostile name made fit to be shown: control characters and undecodable bytes escaped, cut at 255 bytes."""
    text = name[:_SHOWN_BYTES].decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown if len(name) <= _SHOWN_BYTES else shown + "..."


def _checked_name(name: bytes) -> str:
    try:
        text = name.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError("the name is not valid UTF-8") from error
    if "/" in text:
        raise ValueError("the server gave a path where a name was expected")
    if not text:
        raise ValueError("the server gave an empty name")
    return text
