"""Decide whether a file is complete, and which names are never an import's own.

Senders rarely say when an upload is complete, so we look twice and trust a file only when its size and time held
still for the goal's minimum age. The age is counted on our own clock, from the first look at that stamp: senders
keep old times, and their clocks are wrong. Where another file says it (a marker, a checksum, a manifest), its time is
compared with the file's, both on the server's clock. Pure; nothing here opens a file.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.domain.announced import Entry
from shared.domain.arrival import FileStamp
from shared.domain.goal import TEMPORARY_SUFFIXES, AnyImport
from shared.domain.model import Model
from shared.domain.names import is_free_name, joined, matches, quoted, split
from shared.domain.readiness import Readiness, beside
from shared.domain.watched import levels_below

_TIMES_DIFFER = timedelta(seconds=2)
"""So much later a file may be than one that was written behind it: some file systems keep times no more exactly."""
_SHOWN_NAMES = 5


class Look(Model):
    """A file as it was last seen, and since when it has been seen like that."""

    file: FileStamp
    since: datetime


class Decision(Model):
    """Whether the file is ready, why not, and what to compare with next time."""

    is_ready: bool
    look: Look
    waits_for: str = ""


def decide(previous: Look | None, seen: FileStamp, now: datetime, minimum_age_seconds: int) -> Decision:
    """Readiness `stable`: size and time unchanged over two looks and the minimum age."""
    if previous is None:
        return Decision(is_ready=False, look=Look(file=seen, since=now), waits_for="a second look")
    if previous.file != seen:
        return Decision(is_ready=False, look=Look(file=seen, since=now), waits_for="the file to hold still")
    # A clock set back must not make a file wait for ever.
    since = min(previous.since, now)
    look = Look(file=seen, since=since)
    age = now - since
    if age < timedelta(seconds=minimum_age_seconds):
        left = minimum_age_seconds - int(age.total_seconds())
        return Decision(is_ready=False, look=look, waits_for=f"the minimum age, {left} seconds more")
    return Decision(is_ready=True, look=look)


@dataclass(frozen=True, slots=True)
class Around:
    """What lies beside files and may say that they are complete: `Around.of`."""

    files: Mapping[str, FileStamp] = field(default_factory=dict)
    said: Mapping[str, Mapping[str, Entry] | str] = field(default_factory=dict)
    taken: Mapping[str, frozenset[str]] = field(default_factory=dict)
    named_by: Mapping[str, Sequence[FileStamp]] = field(default_factory=dict)
    """By the path of a file, the manifests that name it, newest first; not those by which it was taken already."""
    unread: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By directory the names of manifests that were not read at this look: they may name any file."""
    missing: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By the path of a manifest, the names of files that are neither there, as it says them, nor taken already."""

    @classmethod
    def of(
        cls,
        files: Mapping[str, FileStamp],
        said: Mapping[str, Mapping[str, Entry] | str],
        manifests: Collection[str],
        taken: Mapping[str, frozenset[str]],
        unread: Collection[str] = (),
    ) -> "Around":
        """`files` by their paths, but for uploads that are under way or broken off. `said` by the path of a checksum
        or a manifest what it says by names; a sentence where it cannot be read. `taken` by the path of a manifest, the
        paths of its files that have been taken already. `unread` are the paths of manifests that are to be read yet.
        """
        named_by: dict[str, list[FileStamp]] = {}
        missing: dict[str, list[str]] = {}
        newest_first = sorted((files[path] for path in manifests), key=lambda each: each.path)
        for manifest in sorted(newest_first, key=lambda each: each.modified_at, reverse=True):
            entries = said.get(manifest.path)
            if entries is None or isinstance(entries, str):
                continue
            directory, had = split(manifest.path)[0], taken.get(manifest.path, frozenset())
            missing[manifest.path] = []
            for name, entry in entries.items():
                path = joined(directory, name)
                if path in had:
                    continue
                named_by.setdefault(path, []).append(manifest)
                if path not in files or not _is_as_said(files[path], entry, manifest):
                    missing[manifest.path].append(name)
        to_be_read: dict[str, list[str]] = {}
        for path in sorted(unread):
            to_be_read.setdefault(split(path)[0], []).append(split(path)[1])
        return cls(files, said, taken, named_by, to_be_read, missing)


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a file is not complete: a stable code, and a sentence."""

    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Complete:
    """A file is complete, by what lies beside it; and what its bytes must be, where that is said."""

    sha256: str | None = None
    markers: tuple[FileStamp, ...] = ()
    """Also checksums: what stands for this file alone."""
    manifest: FileStamp | None = None


def judge(
    file: FileStamp,
    previous: Look | None,
    readiness: Readiness,
    now: datetime,
    around: Around,
    *,
    is_closed: bool = False,
) -> Complete | Waits:
    """Whether all strategies of a goal hold for a file, and what it waits for otherwise.

    `is_closed`: the hosted server saw its upload's end.
    """
    asked = readiness.strategies
    must_hold_still = "stable" in asked or ("closed" in asked and not is_closed)
    found = Complete()
    if "marker" in asked:
        marker = around.files.get(_beside(readiness.marker, file.path))
        if marker is None:
            return Waits("marker_missing", f"The file waits for {_named(readiness.marker, file)}.")
        if _is_older(marker, file):
            return Waits("marker_outdated", f"The file is newer than {_named(readiness.marker, file)}.")
        found = replace(found, markers=(marker,))
    if "checksum" in asked:
        checksum = around.files.get(_beside(readiness.checksum, file.path))
        if checksum is None:
            return Waits("checksum_missing", f"The file waits for {_named(readiness.checksum, file)}.")
        said = around.said.get(checksum.path)
        if said is None or isinstance(said, str):
            return _unread("checksum", _named(readiness.checksum, file), said)
        entry = said.get(split(file.path)[1])
        if entry is None:
            # Read for another file that it stands for as well, or before the goal asked for it.
            return _unread("checksum", _named(readiness.checksum, file), "it says nothing of this file")
        found = replace(found, sha256=entry.sha256, markers=(*found.markers, checksum))
        is_told_otherwise = is_closed or not asked.isdisjoint(("marker", "manifest", "rename"))
        must_hold_still |= _is_older(checksum, file) and not is_told_otherwise
    if "manifest" in asked:
        announced = _announced(file, readiness, around)
        if isinstance(announced, Waits):
            return announced
        manifest, entry = announced
        if entry.sha256 and found.sha256 and entry.sha256 != found.sha256:
            return Waits("checksums_differ", "Its checksum and its manifest say different hashes.")
        found = replace(found, sha256=found.sha256 or entry.sha256, manifest=manifest)
    if must_hold_still:
        decision = decide(previous, file, now, readiness.minimum_age_seconds)
        if not decision.is_ready:
            return Waits("still_growing", f"The file waits for {decision.waits_for}.")
    return found


def _announced(file: FileStamp, readiness: Readiness, around: Around) -> tuple[FileStamp, Entry] | Waits:
    """The newest manifest that names a file, once all that it names is there."""
    directory, name = split(file.path)
    manifests = (each for each in around.named_by.get(file.path, ()) if _is_manifest(each.path, readiness))
    manifest = next(manifests, None)
    if manifest is None:
        for unread in around.unread.get(directory, ()):
            if matches(readiness.manifest, unread):
                return _unread("manifest", quoted(unread), None)
        for path, said in around.said.items():
            if isinstance(said, str) and split(path)[0] == directory and _is_manifest(path, readiness):
                return _unread("manifest", quoted(split(path)[1]), said)
        return Waits("manifest_missing", f"The file waits for a manifest {readiness.manifest} that names it.")
    missing = around.missing[manifest.path]
    if missing:
        shown = ", ".join(quoted(each) for each in missing[:_SHOWN_NAMES])
        more = f" and {len(missing) - _SHOWN_NAMES} more" if len(missing) > _SHOWN_NAMES else ""
        return Waits(
            "manifest_incomplete",
            f"Not all files are there as {quoted(split(manifest.path)[1])} says them: {shown}{more}.",
        )
    said = around.said[manifest.path]
    assert not isinstance(said, str)
    return manifest, said[name]


def _is_manifest(path: str, readiness: Readiness) -> bool:
    return matches(readiness.manifest, split(path)[1])


def _is_as_said(file: FileStamp, entry: Entry, manifest: FileStamp) -> bool:
    """Without a size, what is no newer than the manifest is what it was written of."""
    return not _is_older(manifest, file) if entry.size_bytes is None else file.size_bytes == entry.size_bytes


def _unread(kind: str, shown: str, flaw: str | None) -> Waits:
    if flaw is None:
        return Waits(f"{kind}_unread", f"The file waits until {shown} is read, at the next look.")
    return Waits(f"{kind}_unreadable", f"The {kind} {shown} cannot be used: {flaw}.")


def _beside(template: str, path: str) -> str:
    directory, name = split(path)
    return joined(directory, beside(template, name))


def _named(template: str, file: FileStamp) -> str:
    return quoted(beside(template, split(file.path)[1]))


def _is_older(one: FileStamp, other: FileStamp) -> bool:
    return one.modified_at < other.modified_at - _TIMES_DIFFER


def is_temporary(name: str) -> bool:
    """Whether a sender means the file to be complete only under another name. Suffixes in any case."""
    return name.startswith(".") or name.lower().endswith(TEMPORARY_SUFFIXES)


def is_own_name(path: str, goal: AnyImport) -> bool:
    """Whether the path is one under which this goal puts files away, numbered where a name was taken.

    What it moves from a subdirectory keeps that below the place that it is moved to.
    """
    directory, name = split(path)
    afterwards = goal.source.afterwards
    if any(is_free_name(name, suffix) for suffix in afterwards.suffixes):
        return True
    places = (afterwards.done.move_to, afterwards.failed.move_to)
    kept = {place for place in places if place is not None} - {goal.source.directory}
    if goal.source.subdirectories == 0:
        return directory in kept
    return any(place and levels_below(place, directory) is not None for place in kept) or directory in kept
