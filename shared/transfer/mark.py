"""Carry out what becomes of a file when its runs have ended: rename, move, delete or leave.

Only a file whose size and time are still those that were read is touched; another one is a new arrival. Between
the look and the deed a sender may still overwrite the file: no protocol closes that gap, and then the new version
is moved unread, so `changed` keeps it as small as one request. Nothing here decides when a run has ended.
"""

from collections.abc import Sequence
from typing import Literal

from shared.domain.afterwards import AfterDone, AfterFailed
from shared.domain.arrival import FileStamp
from shared.domain.failures import DirectoryMissing, FileGone, NameTaken
from shared.domain.model import Model
from shared.domain.names import free_names, joined, quoted, split
from shared.transfer.folder import Folder


class Marked(Model):
    """What became of the file. `already`: an earlier attempt had done it. `path` is where it lies now, if known."""

    outcome: Literal["renamed", "moved", "deleted", "left", "changed", "gone", "already"]
    path: str | None = None


async def mark(
    folder: Folder, file: FileStamp, action: AfterDone | AfterFailed, *, beneath: str = "", name: str | None = None
) -> Marked:
    """Rename, move, delete or leave a file. May be repeated after a crash at any point.

    `beneath` is the subdirectory that the file came from; what is moved keeps it. `name` is what it was called when it
    came, where it was put away before: it is called after that again, and left where it is called so already.

    Raises NameTaken where a hundred names are taken or a path has no room for any, and what the Folder raises. A
    missing file that should be deleted counts as deleted already.
    """
    targets = _targets(file.path, action, beneath, name)
    if not targets and not _deletes(action):
        return Marked(outcome="left", path=file.path)
    try:
        found = await folder.stat(file.path)
    except FileGone:
        return await _already(folder, file, targets)
    if not _is_same(found, file):
        return Marked(outcome="changed", path=file.path)
    try:
        if not targets:
            await folder.remove(file.path)
            return Marked(outcome="deleted")
        return await _brought(folder, file.path, targets, "moved" if action.rename_suffix is None else "renamed")
    except FileGone:
        return await _already(folder, file, targets)


async def _brought(folder: Folder, source: str, targets: Sequence[str], outcome: Literal["renamed", "moved"]) -> Marked:
    """Give the file the first free name."""
    if outcome == "moved":
        await folder.make_directory(split(targets[0])[0])
    for path in targets:
        try:
            await folder.rename(source, path, replace=False)
        except NameTaken:
            continue
        return Marked(outcome=outcome, path=path)
    raise NameTaken(f"Found {quoted(targets[0])} and every numbered name after it.")


async def _already(folder: Folder, file: FileStamp, targets: Sequence[str]) -> Marked:
    """The file is not where it was: done before, or taken by somebody."""
    if not targets:
        return Marked(outcome="already")
    try:
        listing = await folder.list(split(targets[0])[0])
    except DirectoryMissing:
        return Marked(outcome="gone")
    ours = set(targets)
    for found in listing.files:
        if found.path in ours and _is_same(found, file):
            return Marked(outcome="already", path=found.path)
    return Marked(outcome="gone")


def _targets(path: str, action: AfterDone | AfterFailed, beneath: str, name: str | None) -> list[str]:
    """Where the file goes, best first; nowhere where it stays or is deleted. Moving to where it lies is staying, and so
    is renaming what was renamed like that."""
    directory, called = split(path)
    name = name or called
    try:
        if action.rename_suffix is not None:
            targets = free_names(directory, name, action.rename_suffix)
            return [] if path in targets else targets
        if action.move_to is None:
            return []
        target = joined(action.move_to, beneath) if beneath else action.move_to
        return [] if target == directory else free_names(target, name)
    except ValueError as error:
        raise NameTaken(f"While marking {quoted(path)}, {error}.") from error


def _deletes(action: AfterDone | AfterFailed) -> bool:
    return isinstance(action, AfterDone) and action.delete is True


def _is_same(found: FileStamp, read: FileStamp) -> bool:
    return (found.size_bytes, found.modified_at) == (read.size_bytes, read.modified_at)
