"""What lies beside files and says that they are complete: found by name, and read where it matters.

Only checksums and manifests are read, and only while a file waits for them: so many at a look, each within bounds. The
rest has its turn at the next look, which follows soon. Nothing here decides whether a file is complete.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime

from services.poller.held import HELD
from shared.domain.announced import MAX_BYTES, Entry, checksum_of, entries_of
from shared.domain.arrival import FileStamp
from shared.domain.failures import ConnectionLost, Failure, FileGone
from shared.domain.goal import AnyImport
from shared.domain.names import joined, matches, split
from shared.domain.place import HostedPlace
from shared.domain.readiness import beside, stands_for
from shared.domain.watched import watches
from shared.processing.patterns import taken
from shared.storage import arrivals, companions, uploads
from shared.storage.arrivals import UNTOUCHED, Known
from shared.storage.connections import StoredConnection
from shared.storage.database import Database
from shared.transfer.folder import Folder, Listing
from shared.transfer.readiness import Around, is_own_name, is_temporary

MOST_READ = 200
"""Checksums and manifests, at one look."""
MOST_NAMES = 100_000
"""That manifests which are read at one look may name together."""
READ_SECONDS = 30.0
_HELD_TURN = 4
_AT_ONCE = 4_000
Said = dict[str, dict[str, Entry] | str]


@dataclass(frozen=True, slots=True)
class Beside:
    """What a look found beside files."""

    around: Around = field(default_factory=Around)
    companions: frozenset[str] = frozenset()
    """All that may stand for other files, by their names."""
    awaited: frozenset[str] = frozenset()
    """Those of them whose file is there."""
    manifests: frozenset[str] = frozenset()
    named: Mapping[str, int] = field(default_factory=dict)
    """By the path of a manifest that was read, how many of the files that it names goals take."""
    is_unread: bool = False
    """Whether something is left to be read."""
    is_read_soon: bool = False
    """Whether some of it should be, and not when its goal's time has come."""


@dataclass(slots=True)
class _Names:
    """What the names alone say."""

    companions: set[str] = field(default_factory=set)
    awaited: set[str] = field(default_factory=set)
    manifests: set[str] = field(default_factory=set)
    checksums: dict[str, set[str]] = field(default_factory=dict)
    """The paths of files by that of their checksum: one that is named after their stem may stand for several."""


async def find_beside(
    database: Database,
    connection: StoredConnection,
    folder: Folder,
    goals: Collection[AnyImport],
    listings: Mapping[str, Listing],
    began_at: datetime,
) -> Beside:
    """What lies beside the listed files. Raises ConnectionLost, StorageUnavailable."""
    looking = [goal for goal in goals if goal.source.readiness.looks_beside]
    if not looking:
        return Beside()
    files = {file.path: file for listing in listings.values() for file in listing.files}
    await _leave_out_open(database, connection, files)
    names = await asyncio.to_thread(_by_name, looking, files)
    wanted = await _wanted(database, connection, names, files, began_at)
    said, tried = await _read_all(folder, [path for _, path in wanted[:MOST_READ]], files, names.checksums)
    async with database.account(connection.account_id, read_only=True) as tx:
        read = [files[path] for path in said if path in names.manifests]
        taken_by = await companions.taken(tx, connection.id, read)
    return Beside(
        await asyncio.to_thread(Around.of, files, said, [path for path in said if path in names.manifests], taken_by),
        frozenset(names.companions),
        frozenset(names.awaited),
        frozenset(names.manifests),
        await asyncio.to_thread(_named, looking, {each.path: said[each.path] for each in read}),
        is_unread=tried < len(wanted),
        is_read_soon=any(turn < _HELD_TURN for turn, _ in wanted[tried:]),
    )


async def _leave_out_open(database: Database, connection: StoredConnection, files: dict[str, FileStamp]) -> None:
    """On a hosted folder what is being uploaded, or was broken off, says nothing and is not there."""
    place = connection.settings.place
    if not isinstance(place, HostedPlace):
        return
    async with database.account(connection.account_id, read_only=True) as tx:
        for paths in _parts(list(files)):
            for path, upload in (await uploads.latest(tx, place.drop_folder_id, paths)).items():
                if upload.state != "closed":
                    del files[path]


def _by_name(goals: Iterable[AnyImport], files: Mapping[str, FileStamp]) -> _Names:
    """Pure: which files stand beside which."""
    found = _Names()
    in_directory: dict[str, list[str]] = {}
    for path in files:
        directory, name = split(path)
        in_directory.setdefault(directory, []).append(name)
    for goal in goals:
        for directory, names in in_directory.items():
            if watches(goal, directory):
                _add(found, goal, directory, names)
    return found


def _add(found: _Names, goal: AnyImport, directory: str, names: Sequence[str]) -> None:
    readiness = goal.source.readiness
    own = {name for name in names if is_temporary(name) or is_own_name(joined(directory, name), goal)}
    mine = set()
    if "manifest" in readiness.strategies:
        manifests = {name for name in names if matches(readiness.manifest, name)} - own
        found.manifests.update(joined(directory, name) for name in manifests)
        mine |= manifests
    for template in readiness.templates:
        bases = {name: base for name in names if name not in own and (base := stands_for(template, name)) is not None}
        if "{name}" in template:
            fits = taken(goal.source.pattern, list(bases.values()))
            mine |= {name for name, is_taken in zip(bases, fits, strict=True) if is_taken}
        else:
            mine |= {name for name in bases if beside(template, name) != name}
    found.companions.update(joined(directory, name) for name in mine)
    there = set(names)
    files = [name for name in names if name not in mine and name not in own]
    for name in (name for name, is_taken in zip(files, taken(goal.source.pattern, files), strict=True) if is_taken):
        for template in readiness.templates:
            other = beside(template, name)
            if other in there and other != name:
                found.awaited.add(joined(directory, other))
                if template == readiness.checksum and "checksum" in readiness.strategies:
                    found.checksums.setdefault(joined(directory, other), set()).add(joined(directory, name))


async def _wanted(
    database: Database,
    connection: StoredConnection,
    names: _Names,
    files: Mapping[str, FileStamp],
    began_at: datetime,
) -> list[tuple[int, str]]:
    """Which checksums and manifests are to be read, with their turns: first what had none yet, last what is held."""
    known: dict[str, Known] = {}
    async with database.account(connection.account_id, read_only=True) as tx:
        for paths in _parts([*set().union(*names.checksums.values()), *names.manifests]):
            present = await arrivals.present(tx, connection.id, began_at, paths)
            known.update({each.file.path: each for each in present if each.vanished_at is None})
    wanted: list[tuple[int, str]] = []
    for path, of in names.checksums.items():
        turns = [_turn(known.get(file)) for file in of if _is_untaken(known.get(file), files[file])]
        if turns:
            wanted.append((min(turns), path))
    for path in names.manifests:
        arrival = known.get(path)
        is_done = arrival is not None and arrival.file == files[path] and arrival.explained.code == "manifest_done"
        if not is_done:
            wanted.append((_turn(arrival), path))
    return sorted(wanted, key=lambda each: (each[0], files[each[1]].modified_at, each[1]))


def _named(goals: Iterable[AnyImport], said: Said) -> dict[str, int]:
    """How many of the files that each manifest names are some goal's."""
    found: dict[str, int] = {}
    for path, entries in said.items():
        directory, name = split(path)
        wanted: set[str] = set()
        for goal in goals:
            readiness = goal.source.readiness
            asks = "manifest" in readiness.strategies and matches(readiness.manifest, name)
            if asks and watches(goal, directory) and not isinstance(entries, str):
                files = list(entries)
                fits = taken(goal.source.pattern, files)
                wanted |= {file for file, is_taken in zip(files, fits, strict=True) if is_taken}
        found[path] = len(wanted)
    return found


def _is_untaken(arrival: Known | None, file: FileStamp) -> bool:
    return arrival is None or arrival.state in UNTOUCHED or arrival.file != file


def _turn(arrival: Known | None) -> int:
    """Smaller comes first: what was left over by a look goes before what is new, and both before what was read; what is
    complete and waits for its goal's time goes last."""
    if arrival is None:
        return 1
    code = arrival.explained.code or ""
    if code in HELD:
        return _HELD_TURN
    return 0 if code.endswith("_unread") else 3 if code.endswith("_unreadable") or code == "marker_missing" else 2


async def _read_all(
    folder: Folder, wanted: Sequence[str], files: Mapping[str, FileStamp], checksums: Mapping[str, Collection[str]]
) -> tuple[Said, int]:
    """What they say, and how many were tried, as far as there was time for it."""
    said: Said = {}
    names = tried = 0
    loop = asyncio.get_running_loop()
    until = loop.time() + READ_SECONDS
    for path in wanted:
        if loop.time() > until or names > MOST_NAMES:
            break
        tried += 1
        told = await _read(folder, files[path], [split(each)[1] for each in checksums.get(path, ())])
        if told is not None:
            said[path] = told
            names += len(told)
    return said, tried


async def _read(folder: Folder, file: FileStamp, of: Sequence[str]) -> dict[str, Entry] | str | None:
    """What one file says; a sentence where it cannot be used, None where it is gone.

    `of` are the names of the files whose checksum it is; a manifest's are its own to say.
    """
    if file.size_bytes > MAX_BYTES:
        return f"it has more than {MAX_BYTES} bytes"
    try:
        content = await _content(folder, file.path)
        if await folder.stat(file.path) != file:
            # It was written anew since it was listed: what is put away later must be what was read.
            return None
        if not of:
            return await asyncio.to_thread(entries_of, content, split(file.path)[1])
        return _checksums(content, of)
    except ValueError as error:
        return str(error)
    except FileGone:
        return None
    except ConnectionLost:
        raise
    except Failure as failure:
        return f"{failure.sentence} {failure.detail}".strip().rstrip(".")


def _checksums(content: bytes, of: Sequence[str]) -> dict[str, Entry]:
    """What a checksum says of its files. Raises ValueError where it says nothing of any."""
    said: dict[str, Entry] = {}
    flaws: list[ValueError] = []
    for name in of:
        try:
            said[name] = Entry(sha256=checksum_of(content, name))
        except ValueError as flaw:
            flaws.append(flaw)
    if not said:
        raise flaws[0]
    return said


async def _content(folder: Folder, path: str) -> bytes:
    """All of a small file; one byte too many of a large one."""
    content = b""
    async with aclosing(folder.read(path)) as chunks:
        async for chunk in chunks:
            content += chunk
            if len(content) > MAX_BYTES:
                break
    return content


def _parts(paths: Sequence[str]) -> Iterable[list[str]]:
    return (list(paths[begin : begin + _AT_ONCE]) for begin in range(0, len(paths), _AT_ONCE))
