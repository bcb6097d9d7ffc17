"""The protocol of an open place, and what every driver of it shares: deadlines, listings, the checking of names.

All paths are relative to the place's home directory, separated by `/`, and pass names.taken_path: names are bytes,
and `names.from_bytes` and `names.to_bytes` are used at the wire. The empty path is the home directory itself. Nothing
here opens a connection, and nothing here knows one kind of place.
"""

from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from shared.domain.arrival import FileStamp
from shared.domain.names import (
    MAX_LISTED_BYTES,
    MAX_STORED_BYTES,
    cut,
    from_bytes,
    joined,
    shown,
    taken_path,
    to_bytes,
)

CHUNK_BYTES = 1 << 20
"""How much `read` hands out at a time."""

MAX_ENTRIES = 200_000
"""Of one directory, hidden ones and refused ones included; more are a failure, never a silently cut listing."""

MAX_SIZE_BYTES = (1 << 63) - 1
"""What the ledger can hold; a server that claims more is not believed."""

NOT_A_FILE = "it is a symbolic link or a special file, not a regular file"

SHOWN_BYTES = 255
"""Of a name that cannot be taken."""


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
    """An entry that cannot be taken, told so that it is not lost in silence: its name, cut where it is too long."""

    name: str
    reason: str
    is_name: bool = True
    """Whether it is the name that cannot be taken; otherwise it is what it names."""

    @property
    def shown(self) -> str:
        """Fit for eyes."""
        return shown(self.name)


@dataclass(slots=True)
class Listing:
    """What a directory holds: regular files, the paths of directories, and what cannot be taken, with the reason.

    Symbolic links are not followed, not even to directories, and stand among the refused.
    """

    files: list[FileStamp] = field(default_factory=list)
    refused: list[RefusedName] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)


class Folder(Protocol):
    """An open place. Every method may raise ConnectionLost, AccessDenied and ServerFailed besides what it names."""

    async def list(self, directory: str) -> Listing:
        """The regular files of a directory, in no order. Raises DirectoryMissing, TooManyFiles."""

    async def stat(self, path: str) -> FileStamp:
        """Size and time of a regular file. Raises FileGone."""

    def read(self, path: str) -> AsyncGenerator[bytes, None]:
        """The bytes of a file in chunks of at most 1 MiB, none of them empty. Raises FileGone.

        Raises FileChanged where the server tells that it is not the version that `stat` saw last.
        Close it (contextlib.aclosing) where it is not read to its end.
        """

    async def write(self, path: str, chunks: AsyncIterable[bytes], *, size_bytes: int | None = None) -> int:
        """Create or overwrite a file, and say how many bytes it has. Raises DirectoryMissing.

        `size_bytes` is what the chunks come to, where that is known: some servers want to know it beforehand. What was
        written before a failure stays under that name: write to a temporary name and rename.
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
        return _taken(directory, name)
    except ValueError as error:
        listing.refused.append(RefusedName(_storable(name), str(error)))
        return None


def note_directory(listing: Listing, directory: str, name: bytes) -> None:
    """A directory in a directory; `.` and `..` are none of its own, and neither is one with a name like a path."""
    if name in (b".", b".."):
        return
    try:
        listing.directories.append(_taken(directory, name))
    except ValueError:
        # Nothing could be listed under such a name, and no pattern takes it.
        sort_out(listing, directory, name)


def refuse(listing: Listing, name: bytes, reason: str) -> None:
    """Put an entry among the refused that is not what we can take, though its name is none to refuse."""
    listing.refused.append(RefusedName(from_bytes(name), reason, is_name=False))


def refuse_line(listing: Listing, line: bytes, reason: str) -> None:
    """Put a line of a listing among the refused of which no name could be read; it may be anything."""
    listing.refused.append(RefusedName(_storable(line), reason, is_name=False))


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
    text = name[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    shown = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return shown if len(name) <= SHOWN_BYTES else shown + "..."


def _storable(name: bytes) -> str:
    """The beginning of what is no name of a file, as a path of one part that the ledger takes."""
    text = from_bytes(name[:SHOWN_BYTES]).replace("/", "\\x2f").replace("\0", "\\x00")
    return cut(text, SHOWN_BYTES)


def _taken(directory: str, name: bytes) -> str:
    """Raises ValueError with what is wrong with the name."""
    if not name:
        raise ValueError("the server gave an empty name")
    if b"/" in name:
        raise ValueError("the server gave a path where a name was expected")
    path = taken_path(joined(directory, from_bytes(name)))
    if len(to_bytes(path)) > MAX_LISTED_BYTES or len(path.encode()) > MAX_STORED_BYTES:
        raise ValueError(f"found a path of more than {MAX_LISTED_BYTES} bytes")
    return path
