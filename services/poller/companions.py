"""What lies beside files and says that they are complete: found by name, and read where it matters.

Only checksums and manifests are read, and only while a file waits for them: so many at a look, each within bounds. The
rest has its turn at the next look, which follows soon. Nothing here decides whether a file is complete.
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.poller.held import HELD, held
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
_AT_ONCE = 4_000
Said = dict[str, dict[str, Entry] | str]


@dataclass(frozen=True, slots=True)
class Beside:
    """What a look found beside files."""

    around: Around = field(default_factory=Around)
    companions: Mapping[UUID, AbstractSet[str]] = field(default_factory=dict)
    """By goal what may stand for files of it, by their names."""
    files: frozenset[str] = frozenset()
    """What of this another goal takes as its file."""
    awaited: frozenset[str] = frozenset()
    """Markers and checksums whose file is there."""
    manifests: frozenset[str] = frozenset()
    named: Mapping[str, int] = field(default_factory=dict)
    """How many of goals' files a marker or checksum stands for that are there, or a manifest names that was read."""
    is_unread: bool = False
    """Whether something is left to be read."""


@dataclass(slots=True)
class _Names:
    """What the names alone say."""

    companions: dict[UUID, set[str]] = field(default_factory=dict)
    awaited: dict[str, set[str]] = field(default_factory=dict)
    """The paths of files by that of their marker or checksum: one named after their stem may stand for several."""
    manifests: set[str] = field(default_factory=set)
    checksums: dict[str, set[str]] = field(default_factory=dict)
    """The same of checksums that are to be read."""
    asked_by: dict[str, set[UUID]] = field(default_factory=dict)
    """The goals for whose files a checksum or a manifest is to be read."""


async def find_beside(
    database: Database,
    connection: StoredConnection,
    folder: Folder,
    goals: Mapping[UUID, AnyImport],
    listings: Mapping[str, Listing],
    began_at: datetime,
) -> Beside:
    """What lies beside the listed files. Raises ConnectionLost, StorageUnavailable."""
    looking = {goal_id: goal for goal_id, goal in goals.items() if goal.source.readiness.looks_beside}
    if not looking:
        return Beside()
    files = {file.path: file for listing in listings.values() for file in listing.files}
    await _leave_out_open(database, connection, files)
    names = await asyncio.to_thread(_by_name, looking, files)
    wanted = await _wanted(database, connection, looking, names, files, began_at)
    said, tried = await _read_all(folder, wanted[:MOST_READ], files, names.checksums)
    unread = names.manifests.intersection(wanted) - said.keys()
    async with database.account(connection.account_id, read_only=True) as tx:
        read = [files[path] for path in said if path in names.manifests]
        taken_by = await companions.taken(tx, connection.id, read)
    return Beside(
        await asyncio.to_thread(
            Around.of, files, said, [path for path in said if path in names.manifests], taken_by, unread
        ),
        names.companions,
        await asyncio.to_thread(_files, goals, names.companions),
        frozenset(names.awaited),
        frozenset(names.manifests),
        {path: len(of) for path, of in names.awaited.items()}
        | await asyncio.to_thread(_named, looking, {each.path: said[each.path] for each in read}, names.companions),
        is_unread=tried < len(wanted),
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


def _by_name(goals: Mapping[UUID, AnyImport], files: Mapping[str, FileStamp]) -> _Names:
    """Pure: which files stand beside which."""
    found = _Names()
    in_directory: dict[str, list[str]] = {}
    for path in files:
        directory, name = split(path)
        in_directory.setdefault(directory, []).append(name)
    for goal_id, goal in goals.items():
        for directory, names in in_directory.items():
            if watches(goal, directory):
                _add(found, goal_id, goal, directory, names)
    return found


def _add(found: _Names, goal_id: UUID, goal: AnyImport, directory: str, names: Sequence[str]) -> None:
    readiness = goal.source.readiness
    own = {name for name in names if is_temporary(name) or is_own_name(joined(directory, name), goal)}
    mine = set()
    if "manifest" in readiness.strategies:
        manifests = {name for name in names if matches(readiness.manifest, name)} - own
        for name in manifests:
            found.manifests.add(joined(directory, name))
            found.asked_by.setdefault(joined(directory, name), set()).add(goal_id)
        mine |= manifests
    for template in readiness.templates:
        bases = {name: base for name in names if name not in own and (base := stands_for(template, name)) is not None}
        if "{name}" in template:
            fits = taken(goal.source.pattern, list(bases.values()))
            mine |= {name for name, is_taken in zip(bases, fits, strict=True) if is_taken}
        else:
            mine |= bases.keys()
    found.companions.setdefault(goal_id, set()).update(joined(directory, name) for name in mine)
    there = set(names)
    files = [name for name in names if name not in mine and name not in own]
    for name in (name for name, is_taken in zip(files, taken(goal.source.pattern, files), strict=True) if is_taken):
        for template in readiness.templates:
            other = beside(template, name)
            if other in there and other != name:
                found.awaited.setdefault(joined(directory, other), set()).add(joined(directory, name))
                if template == readiness.checksum and "checksum" in readiness.strategies:
                    found.checksums.setdefault(joined(directory, other), set()).add(joined(directory, name))
                    found.asked_by.setdefault(joined(directory, other), set()).add(goal_id)


def _files(goals: Mapping[UUID, AnyImport], companions: Mapping[UUID, AbstractSet[str]]) -> frozenset[str]:
    """Pure: what stands for files of one goal, and is a file of another."""
    in_directory: dict[str, set[str]] = {}
    for path in set().union(*companions.values()):
        directory, name = split(path)
        if not is_temporary(name):
            in_directory.setdefault(directory, set()).add(name)
    found = set()
    for goal_id, goal in goals.items():
        for directory, names in in_directory.items():
            if watches(goal, directory):
                fits = zip(names, taken(goal.source.pattern, list(names)), strict=True)
                found.update(
                    {joined(directory, name) for name, is_taken in fits if is_taken} - companions.get(goal_id, set())
                )
    return frozenset(found)


async def _wanted(
    database: Database,
    connection: StoredConnection,
    goals: Mapping[UUID, AnyImport],
    names: _Names,
    files: Mapping[str, FileStamp],
    began_at: datetime,
) -> list[str]:
    """Which checksums and manifests are to be read, in order: of each goal first what was left over.

    Of files that are complete and wait for their goals' turn none is read until then. Goals go in turn, so that those
    of one whose checksums cannot be read, or whose manifests name what never comes, keep no other's from being read.
    """
    known: dict[str, Known] = {}
    async with database.account(connection.account_id) as tx:
        waiting = await held(tx, connection.id, connection.settings, goals, await arrivals.clock(tx))
        for paths in _parts([*set().union(*names.checksums.values()), *names.manifests]):
            present = await arrivals.present(tx, connection.id, began_at, paths)
            known.update({each.file.path: each for each in present if each.vanished_at is None})
    wanted: list[tuple[int, str]] = []
    for path, of in names.checksums.items():
        are_held = names.asked_by[path] <= waiting.keys()
        turns = [
            _turn(known.get(file)) for file in of if _is_to_be_judged(known.get(file), files[file], is_held=are_held)
        ]
        if turns:
            wanted.append((min(turns), path))
    for path in names.manifests:
        arrival = known.get(path)
        is_done = arrival is not None and arrival.file == files[path] and arrival.explained.code == "manifest_done"
        if not is_done:
            wanted.append((_turn(arrival), path))
    wanted.sort(key=lambda each: (each[0], files[each[1]].modified_at, each[1]))
    return _in_turn([path for _, path in wanted], names.asked_by)


def _in_turn(paths: Sequence[str], asked_by: Mapping[str, AbstractSet[UUID]]) -> list[str]:
    """Pure: the same, so that of every goal the first comes before the second of any."""
    before: Counter[UUID] = Counter()
    place: dict[str, int] = {}
    for path in paths:
        place[path] = min(before[goal_id] for goal_id in asked_by[path])
        before.update(asked_by[path])
    return sorted(paths, key=place.__getitem__)


def _named(goals: Mapping[UUID, AnyImport], said: Said, companions: Mapping[UUID, AbstractSet[str]]) -> dict[str, int]:
    """How many of the files that each manifest names are some goal's: not what no goal ever takes."""
    found: dict[str, int] = {}
    for path, entries in said.items():
        directory, name = split(path)
        wanted: set[str] = set()
        for goal_id, goal in goals.items():
            readiness = goal.source.readiness
            asks = "manifest" in readiness.strategies and matches(readiness.manifest, name)
            if asks and watches(goal, directory) and not isinstance(entries, str):
                mine = companions.get(goal_id, ())
                files = [each for each in entries if not _is_never_taken(joined(directory, each), goal, mine)]
                fits = taken(goal.source.pattern, files)
                wanted |= {file for file, is_taken in zip(files, fits, strict=True) if is_taken}
        found[path] = len(wanted)
    return found


def _is_never_taken(path: str, goal: AnyImport, companions: Collection[str]) -> bool:
    """Whether a file is none of a goal's, whatever its pattern says."""
    return path in companions or is_temporary(split(path)[1]) or is_own_name(path, goal)


def _is_to_be_judged(arrival: Known | None, file: FileStamp, *, is_held: bool) -> bool:
    if arrival is None or arrival.file != file:
        return True
    return arrival.state in UNTOUCHED and not (is_held and arrival.explained.code in HELD)


def _turn(arrival: Known | None) -> int:
    """Smaller comes first: what was left over by a look, or waited for its goal's turn, goes before what is new, and
    both before what was read."""
    if arrival is None:
        return 1
    code = arrival.explained.code or ""
    if code.endswith("_unread") or code in HELD:
        return 0
    return 3 if code.endswith("_unreadable") or code == "marker_missing" else 2


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
