"""Ask an open place what lies in the directories that goals watch: each once, level by level, within bounds.

Links to directories are never followed, and a directory is listed under one path alone, so there are no loops; a
server that makes up directories without end is stopped by their depth and number. Nothing here decides what a file is.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from operator import attrgetter

from services.poller.spot import Seen
from shared.domain.arrival import FileStamp
from shared.domain.failures import ConnectionLost, DirectoryMissing, Failure, Permanent, TooManyFiles
from shared.domain.goal import AnyImport
from shared.domain.names import joined, split
from shared.domain.watched import watches
from shared.transfer.folder import MAX_ENTRIES, Folder, Listing

MAX_DIRECTORIES = 1_000
"""Of one look."""
SLICE_FILES = 4_000
"""How many files of a look are written down at a time: others of the connection have their turn in between."""
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(slots=True)
class Listed:
    """What the directories hold, and the first failure that left one out."""

    listings: dict[str, Listing] = field(default_factory=dict)
    failure: Failure | None = None
    barred: set[str] = field(default_factory=set)
    """Goals' own directories that cannot be listed, and will not be by waiting."""
    entries: int = 0

    @property
    def known_directories(self) -> frozenset[str]:
        """All directories that were seen, listed or not."""
        return frozenset(path for listing in self.listings.values() for path in listing.directories)


async def list_watched(
    folder: Folder, goals: Sequence[AnyImport], apart: frozenset[str], listed: Listed, *, makes_missing: bool
) -> None:
    """List the directories of these goals. Raises ConnectionLost; what else fails keeps no other from being listed."""
    roots = sorted({goal.source.directory for goal in goals}) or [""]
    for root in roots:
        await _list_one(folder, root, listed, is_asked_for=True, makes_missing=makes_missing)
    level = roots
    while level:
        below = [path for directory in level if directory in listed.listings for path in _below(listed, directory)]
        level = [path for path in below if any(watches(goal, path, apart) for goal in goals)]
        for path in level:
            if len(listed.listings) >= MAX_DIRECTORIES:
                listed.failure = listed.failure or TooManyFiles(f"Found more than {MAX_DIRECTORIES} directories.")
                return
            await _list_one(folder, path, listed, is_asked_for=False, makes_missing=False)


def _below(listed: Listed, directory: str) -> list[str]:
    return [path for path in sorted(set(listed.listings[directory].directories)) if path not in listed.listings]


async def _list_one(folder: Folder, path: str, listed: Listed, *, is_asked_for: bool, makes_missing: bool) -> None:
    try:
        if makes_missing and path:
            await folder.make_directory(path)
        listing = await folder.list(path)
        listed.entries += len(listing.files) + len(listing.refused) + len(listing.directories)
        if listed.entries > MAX_ENTRIES:
            raise TooManyFiles(f"Found more than {MAX_ENTRIES} entries in all watched directories together.")
        listed.listings[path] = listing
    except ConnectionLost:
        raise
    except Failure as failure:
        # One that was found below another may be gone again.
        if is_asked_for or not isinstance(failure, DirectoryMissing):
            listed.failure = listed.failure or failure
        if is_asked_for and isinstance(failure, Permanent):
            listed.barred.add(path)


def slices(listings: Mapping[str, Listing], goals: Iterable[AnyImport]) -> Iterator[list[Seen]]:
    """What was seen, in parts: oldest first, as the goals take it; at least one part, which may be empty."""
    by_name = {goal.source.directory for goal in goals if goal.source.order == "name"}
    # A path is taken once, whatever a server says.
    stamps = {file.path: file for listing in listings.values() for file in listing.files}
    files = sorted(stamps.values(), key=attrgetter("path") if by_name else attrgetter("modified_at", "path"))
    rest = list(_no_files(listings, stamps))
    for begin in range(0, max(len(files), 1), SLICE_FILES):
        part = [Seen(file) for file in files[begin : begin + SLICE_FILES]]
        yield part + (rest if begin + SLICE_FILES >= len(files) else [])


def _no_files(listings: Mapping[str, Listing], taken: Mapping[str, FileStamp]) -> Iterator[Seen]:
    for directory, listing in listings.items():
        for refused in listing.refused:
            path = joined(directory, refused.name)
            if path not in taken:
                yield Seen(_told_once(path), refused=refused.reason, is_name=refused.is_name)
        for path in listing.directories:
            if path not in taken:
                yield Seen(_told_once(path), is_directory=True)


def _told_once(path: str) -> FileStamp:
    """Of what is no file: the same at every look, so that it is told once."""
    return FileStamp(path=path, size_bytes=0, modified_at=_EPOCH)


def is_gone(path: str, listings: Mapping[str, Listing], known_directories: frozenset[str]) -> bool:
    """Whether a file that was not listed is surely not there: its directory was listed, or is gone itself."""
    directory = split(path)[0]
    while directory not in listings:
        above = split(directory)[0] if directory else None
        if above is None or directory in known_directories:
            return False
        if above in listings:
            return True
        directory = above
    return True
