"""What a look means: a listing against the known arrivals gives new, grown, complete and replaced files.

Pure: nothing here looks, waits or writes. Whatever lies in a watched folder gets a row that says what became of it,
also when no goal takes it. Only our own marks (`.done` and the like) are passed over.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from uuid import UUID

from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.goal import AnyImport
from shared.domain.names import joined, split
from shared.domain.watched import watches
from shared.processing.patterns import taken
from shared.storage.arrivals import Explained, Known
from shared.transfer.readiness import Look as Before
from shared.transfer.readiness import decide, is_own_name, is_temporary

WAITING = ArrivalState.WAITING
UNTOUCHED = (ArrivalState.WAITING, ArrivalState.UNMATCHED)


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
    for each in seen:
        path = each.file.path
        takers = tuple(goal_id for goal_id, paths in named_for.items() if path in paths)
        if each.is_directory and not _is_waited_for(path, takers, goals, look):
            found.vanished += [present[path].id] if path in present else []
            continue
        if path in left_meanwhile or any(is_own_name(path, goal) for goal in goals.values()):
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
            waits = _waits(seen, None, takers, goals, look)
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
    reason = _waits(seen, known, takers, goals, look)
    if known is None:
        explained = reason or Explained(ArrivalState.ACCEPTED)
        found.new.append(New(seen, explained, () if reason else takers))
    elif reason is None:
        found.complete.append((known, seen, takers))
    elif reason != known.explained:
        found.explained.append((known, reason))


def _waits(
    seen: Seen, known: Known | None, takers: Sequence[UUID], goals: Mapping[UUID, AnyImport], look: Look
) -> Explained | None:
    """What a file waits for; None where it is complete, and the turn of all that take it."""
    if not takers:
        return _unmatched(seen, goals)
    unready = _unready(seen, known, [goals[taker] for taker in takers], look)
    return unready or next((look.held[taker] for taker in takers if taker in look.held), None)


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


def _unready(seen: Seen, known: Known | None, goals: Sequence[AnyImport], look: Look) -> Explained | None:
    """Why a file that goals take is not complete yet; None when it is, for the most careful of them."""
    if seen.upload_state == "open":
        return Explained(WAITING, "upload_open", "The upload has not been closed yet.")
    if seen.upload_state == "broken":
        return Explained(WAITING, "upload_broken_off", "The upload was broken off; upload the file again.")
    for goal in goals:
        readiness = goal.source.readiness
        if readiness.strategy == "rename" or (readiness.strategy == "closed" and seen.upload_state == "closed"):
            continue
        before = None if known is None else Before(file=known.file, since=known.stamped_at)
        decision = decide(before, seen.file, look.ended_at, readiness.minimum_age_seconds)
        if not decision.is_ready:
            return Explained(WAITING, "still_growing", f"The file waits for {decision.waits_for}.")
    return None


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
