"""What a look means: a listing against the known arrivals gives new, grown, complete and replaced files.

Pure: nothing here looks, waits or writes. Whatever lies in a watched folder gets a row that says what became of it,
also when no goal takes it. Only our own marks (`.done`, `.failed` and the like) are passed over; those of former goals
the ledger knows: `put_away`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from uuid import UUID

from services.poller.companions import Beside
from services.poller.held import HELD
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.goal import AnyImport
from shared.domain.names import joined, split
from shared.domain.watched import watches
from shared.processing.patterns import taken
from shared.storage.arrivals import UNTOUCHED, Explained, Known
from shared.storage.companions import Companion
from shared.transfer.readiness import Look as Before
from shared.transfer.readiness import Waits, is_own_name, is_temporary, judge

WAITING = ArrivalState.WAITING
_UNREAD = ("checksum_unread", "manifest_unread")
_INCOMPLETE = ("companion", "manifest_incomplete", "manifest_unreadable")
"""Why a file that stands for others still waits."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A file of a listing; on a hosted folder with its latest upload and how that stands."""

    file: FileStamp
    upload_id: UUID | None = None
    upload_state: str | None = None
    refused: str | None = None
    """Why it cannot be taken."""
    is_name: bool = True
    """Whether it is for its name that it cannot be taken; otherwise it is no file."""
    is_directory: bool = False


@dataclass(frozen=True, slots=True)
class Look:
    """When a look began and ended, on the database's clock, and where goals of the connection put files away."""

    began_at: datetime
    ended_at: datetime
    apart: frozenset[str] = frozenset()
    held: Mapping[UUID, Explained] = field(default_factory=dict)
    """What complete files wait for, by goal, of goals whose turn it is not."""
    beside: Beside = field(default_factory=Beside)


@dataclass(frozen=True, slots=True)
class Proof:
    """What said of a file that it is complete, and what its bytes must be where that was said."""

    sha256: str | None = None
    companions: tuple[Companion, ...] = ()


@dataclass(frozen=True, slots=True)
class New:
    """A file that was not known. With goals it is complete, and each of them gets a run."""

    seen: Seen
    explained: Explained
    goals: tuple[UUID, ...] = ()


@dataclass(slots=True)
class Spotted:
    """What a look found; every file stands in at most one place but `vanished`."""

    new: list[New] = field(default_factory=list)
    grown: list[tuple[Known, Seen, Explained]] = field(default_factory=list)
    complete: list[tuple[Known, Seen, tuple[UUID, ...]]] = field(default_factory=list)
    explained: list[tuple[Known, Explained]] = field(default_factory=list)
    uploaded: list[tuple[Known, UUID]] = field(default_factory=list)
    """Taken before their upload was told, and which upload it was."""
    vanished: list[UUID] = field(default_factory=list)
    """Of files in whose place others lie now."""
    proofs: dict[str, Proof] = field(default_factory=dict)
    """By the paths of files that are complete, where there is any."""
    overdue: list[tuple[Known, Explained]] = field(default_factory=list)
    """Files that are not complete in time, and have not been told yet."""
    left_over: set[UUID] = field(default_factory=set)
    """Goals whose turn it is, and that take files of which it is to be read yet whether they are complete."""


def spot(seen: Sequence[Seen], known: Sequence[Known], goals: Mapping[UUID, AnyImport], look: Look) -> Spotted:
    """Compare what was seen, each path once, with what is known of it.

    `known` holds what is present under these paths, and what has gone since the look began.
    """
    found = Spotted()
    present = {each.file.path: each for each in known if each.vanished_at is None}
    # A listing may be older than our own renaming of a file: what left meanwhile is judged by the next look.
    left_meanwhile = {each.file.path for each in known if each.vanished_at is not None} - present.keys()
    watched = _by_directory(seen, goals, look)
    named_for = _named_for(seen, watched)
    beside = look.beside.companions
    for each in seen:
        path = each.file.path
        takers = tuple(
            goal_id for goal_id, paths in named_for.items() if path in paths and path not in beside.get(goal_id, ())
        )
        if each.is_directory and not _is_waited_for(path, takers, goals, look):
            found.vanished += [present[path].id] if path in present else []
            continue
        if path in left_meanwhile or any(is_own_name(path, goal) for goal in goals.values()):
            continue
        # What one goal takes for a marker may be another's file: nobody's data is passed over.
        if not takers and any(path in each_goals for each_goals in beside.values()):
            _explain_companion(each, present.get(path), watched[split(path)[0]], look, found)
            continue
        takes_it = each.refused is None and not each.is_directory
        _judge(each, present.get(path), watched[split(path)[0]], takers if takes_it else (), look, found)
    return found


def _is_waited_for(path: str, takers: Sequence[UUID], goals: Mapping[UUID, AnyImport], look: Look) -> bool:
    """Whether somebody may wait for the import of a directory for its name; not where what lies in it is imported."""
    return bool(takers) and not any(watches(goal, path, look.apart) for goal in goals.values())


def _by_directory(
    seen: Sequence[Seen], goals: Mapping[UUID, AnyImport], look: Look
) -> dict[str, dict[UUID, AnyImport]]:
    """By each directory in which something was seen, the goals that watch it."""
    directories = {split(each.file.path)[0] for each in seen}
    return {
        directory: {goal_id: goal for goal_id, goal in goals.items() if watches(goal, directory, look.apart)}
        for directory in directories
    }


def _named_for(seen: Sequence[Seen], watched: Mapping[str, Mapping[UUID, AnyImport]]) -> dict[UUID, set[str]]:
    """By goal, the paths whose names its pattern takes; a temporary name is nobody's."""
    in_directory: dict[str, list[str]] = {}
    for each in seen:
        directory, name = split(each.file.path)
        if not is_temporary(name):
            in_directory.setdefault(directory, []).append(name)
    found: dict[UUID, set[str]] = {goal_id: set() for goals in watched.values() for goal_id in goals}
    for directory, names in in_directory.items():
        for goal_id, goal in watched[directory].items():
            fits = zip(names, taken(goal.source.pattern, names), strict=True)
            found[goal_id].update(joined(directory, name) for name, is_taken in fits if is_taken)
    return found


def _judge(
    seen: Seen,
    known: Known | None,
    goals: Mapping[UUID, AnyImport],
    takers: tuple[UUID, ...],
    look: Look,
    found: Spotted,
) -> None:
    """Put a file where it belongs; `goals` are those that watch its directory, of which the `takers` take it."""
    if known is not None and not _is_same(seen, known):
        if known.state in UNTOUCHED:
            waits = _waits(seen, known, takers, goals, look, found)
            found.grown.append((known, seen, waits or Explained(WAITING)))
            if waits is None:
                found.complete.append((known, seen, takers))
            return
        if not _is_told_apart(seen, known):
            found.vanished.append(known.id)
            known = None
        elif known.upload_id is None and seen.upload_id is not None:
            found.uploaded.append((known, seen.upload_id))
    if known is not None and known.state not in UNTOUCHED:
        return
    reason = _waits(seen, known, takers, goals, look, found)
    if known is None:
        explained = reason or Explained(ArrivalState.ACCEPTED)
        found.new.append(New(seen, explained, () if reason else takers))
    elif reason is None:
        found.complete.append((known, seen, takers))
    elif reason != known.explained:
        found.explained.append((known, reason))


def _waits(
    seen: Seen,
    known: Known | None,
    takers: Sequence[UUID],
    goals: Mapping[UUID, AnyImport],
    look: Look,
    found: Spotted,
) -> Explained | None:
    """What a file waits for; None where it is complete, and the turn of all that take it."""
    if not takers:
        return _unmatched(seen, goals)
    taking = [goals[taker] for taker in takers]
    held = next((look.held[taker] for taker in takers if taker in look.held), None)
    proof = _proof(seen, known, taking, look)
    if isinstance(proof, Explained):
        if proof.code not in _UNREAD:
            return _in_time(proof, known, taking, look, found)
        # What was complete when it was read is not read at every look until its time has come.
        if held is not None and _was_complete(seen, known):
            return held
        # No sender is late because we have not read it yet.
        found.left_over.update(taker for taker in takers if taker not in look.held)
        return proof
    if proof != Proof():
        found.proofs[seen.file.path] = proof
    return held


def _was_complete(seen: Seen, known: Known | None) -> bool:
    return known is not None and known.explained.code in HELD and _is_same(seen, known)


def _in_time(
    waits: Explained, known: Known | None, goals: Iterable[AnyImport], look: Look, found: Spotted
) -> Explained:
    """The same, told where a file has waited for longer than its goals say."""
    limits = [minutes for goal in goals if (minutes := goal.source.readiness.deadline_minutes) is not None]
    if known is None or not limits:
        return waits
    by = known.seen_at + timedelta(minutes=min(limits))
    if look.ended_at < by:
        return waits
    late = replace(waits, detail=f"{waits.detail} It should have been complete by {by:%Y-%m-%dT%H:%M:%SZ}.")
    if known.overdue_at is None:
        found.overdue.append((known, late))
    return late


def _explain_companion(
    seen: Seen, known: Known | None, goals: Mapping[UUID, AnyImport], look: Look, found: Spotted
) -> None:
    """A marker, a checksum or a manifest is nobody's file. What it stands for tells of it, where that is there."""
    if known is not None and known.state not in UNTOUCHED and _is_same(seen, known):
        return
    is_told_there = seen.file.path in look.beside.awaited and seen.file.path not in look.beside.manifests
    if known is None and is_told_there:
        return
    explained = _companion(seen.file, look)
    if not is_told_there and explained.code in _INCOMPLETE:
        beside = [goal for goal in goals.values() if goal.source.readiness.looks_beside]
        explained = _in_time(explained, known, beside, look, found)
    if known is None:
        found.new.append(New(seen, explained))
    elif known.state not in UNTOUCHED:
        found.vanished.append(known.id)
    elif not _is_same(seen, known):
        found.grown.append((known, seen, explained))
    elif explained != known.explained:
        found.explained.append((known, explained))


def _companion(file: FileStamp, look: Look) -> Explained:
    """What is told of a file that stands for others."""
    if file.path not in look.beside.manifests:
        there = "there" if file.path in look.beside.awaited else "not there yet"
        return Explained(WAITING, "companion", f"It stands for a file that is {there}.")
    said = look.beside.around.said.get(file.path)
    if isinstance(said, str):
        return Explained(WAITING, "manifest_unreadable", f"It cannot be used as a manifest: {said}.")
    if said is None:
        return Explained(WAITING, "manifest_unread", "It is read at the next look.")
    directory = split(file.path)[0]
    taken_already = look.beside.around.taken.get(file.path, frozenset())
    if all(joined(directory, name) in taken_already for name in said):
        return Explained(WAITING, "manifest_done", "All files that it names have been taken.")
    missing = look.beside.around.missing.get(file.path)
    if missing:
        return Explained(WAITING, "manifest_incomplete", f"Of the files that it names {len(missing)} are not there.")
    return Explained(WAITING, "companion", "It stands for files beside it.")


def _is_same(seen: Seen, known: Known) -> bool:
    if seen.upload_id is not None or known.upload_id is not None:
        # A client may set the time after the upload; the upload's own identity is what counts.
        return seen.upload_id == known.upload_id and seen.file.size_bytes == known.file.size_bytes
    return seen.file == known.file


def _is_told_apart(seen: Seen, known: Known) -> bool:
    """Whether both are one file, seen once before and once after its upload was told.

    A name is given on the disk first and told then: a look in between sees a file without an upload.
    """
    if seen.file != known.file:
        return False
    return seen.upload_id is None or (known.upload_id is None and seen.upload_state == "closed")


def _proof(seen: Seen, known: Known | None, goals: Sequence[AnyImport], look: Look) -> Explained | Proof:
    """Why a file that goals take is not complete yet, or what says that it is, for the most careful of them."""
    if seen.upload_state == "open":
        return Explained(WAITING, "upload_open", "The upload has not been closed yet.")
    if seen.upload_state == "broken":
        return Explained(WAITING, "upload_broken_off", "The upload was broken off; upload the file again.")
    before = None if known is None or not _is_same(seen, known) else Before(file=known.file, since=known.stamped_at)
    hashes: set[str] = set()
    companions: dict[str, Companion] = {}
    for goal in goals:
        found = judge(
            seen.file,
            before,
            goal.source.readiness,
            look.ended_at,
            look.beside.around,
            is_closed=seen.upload_state == "closed",
        )
        if isinstance(found, Waits):
            return Explained(WAITING, found.code, found.detail)
        hashes.update((found.sha256,) if found.sha256 else ())
        named = look.beside.named
        for each in (*found.markers, *((found.manifest,) if found.manifest is not None else ())):
            companions[each.path] = Companion(
                each,
                is_manifest=each is found.manifest,
                names=named.get(each.path),
                is_file=each.path in look.beside.files,
            )
    if len(hashes) > 1:
        return Explained(WAITING, "checksums_differ", "What lies beside it says different hashes.")
    return Proof(next(iter(hashes), None), tuple(companions.values()))


def _unmatched(seen: Seen, goals: Mapping[UUID, AnyImport]) -> Explained:
    if seen.refused is not None:
        return Explained(ArrivalState.UNMATCHED, "name_refused" if seen.is_name else "not_a_file", seen.refused)
    if seen.is_directory:
        return Explained(ArrivalState.UNMATCHED, "not_a_file", "it is a directory, not a regular file")
    name = split(seen.file.path)[1]
    if is_temporary(name):
        return Explained(WAITING, "temporary_name", "The name is that of an upload under way; rename the file.")
    patterns = [goal.source.pattern.text for goal in goals.values()]
    # Comparing is slow, and of one there is nothing to choose.
    nearest = patterns if len(patterns) == 1 else get_close_matches(name[:255], patterns, n=1, cutoff=0.0)
    detail = f"The nearest pattern is {nearest[0]}" if nearest else "No active goal watches this directory"
    return Explained(ArrivalState.UNMATCHED, "unmatched", f"{detail}.")
