"""Carry out what becomes of a file when its runs have ended: rename, move, delete or leave.

Only a file whose size and time are still those that were read is touched; another one is a new arrival. Between
the look and the deed a sender may still overwrite the file: no protocol closes that gap, and then the new version
is moved unread, so `changed` keeps it as small as one request. Nothing here decides when a run has ended.
"""

from typing import Literal

from shared.domain.arrival import FileStamp
from shared.domain.failures import DirectoryMissing, FileGone, NameTaken
from shared.domain.goal import AfterDone, AfterFailed
from shared.domain.model import Model
from shared.domain.names import MAX_NAME_BYTES, MAX_PATH_BYTES, free_names, joined, split
from shared.transfer.folder import Folder


class Marked(Model):
    """What became of the file. `already`: an earlier attempt had done it. `path` is where it lies now, if known."""

    outcome: Literal["renamed", "moved", "deleted", "left", "changed", "gone", "already"]
    path: str | None = None


async def mark(folder: Folder, file: FileStamp, action: AfterDone | AfterFailed) -> Marked:
    """Rename, move, delete or leave a file. May be repeated after a crash at any point.

    Raises NameTaken where a hundred names are taken, and what the Folder raises. A missing file that should be
    deleted counts as deleted already.
    """
    target = _target(file.path, action)
    if target is None and not _deletes(action):
        return Marked(outcome="left", path=file.path)
    try:
        found = await folder.stat(file.path)
    except FileGone:
        return await _already(folder, file, target)
    if not _is_same(found, file):
        return Marked(outcome="changed", path=file.path)
    try:
        if target is None:
            await folder.remove(file.path)
            return Marked(outcome="deleted")
        return await _brought(folder, file.path, target, "renamed" if _renames(action) else "moved")
    except FileGone:
        return await _already(folder, file, target)


async def _brought(folder: Folder, source: str, target: str, outcome: Literal["renamed", "moved"]) -> Marked:
    """Give the file the first free name."""
    if outcome == "moved":
        await folder.make_directory(split(target)[0])
    for path in free_names(target):
        try:
            await folder.rename(source, path, replace=False)
        except NameTaken:
            continue
        return Marked(outcome=outcome, path=path)
    raise NameTaken(f"Found {target!r} and every numbered name after it.")


async def _already(folder: Folder, file: FileStamp, target: str | None) -> Marked:
    """The file is not where it was: done before, or taken by somebody."""
    if target is None:
        return Marked(outcome="already")
    try:
        listing = await folder.list(split(target)[0])
    except DirectoryMissing:
        return Marked(outcome="gone")
    ours = set(free_names(target))
    for found in listing.files:
        if found.path in ours and _is_same(found, file):
            return Marked(outcome="already", path=found.path)
    return Marked(outcome="gone")


def _target(path: str, action: AfterDone | AfterFailed) -> str | None:
    """Where the file goes; None where it stays or is deleted. Moving to where it lies is staying."""
    directory, name = split(path)
    if isinstance(action, AfterDone) and action.rename_suffix is not None:
        return _fitting(directory, name, action.rename_suffix)
    if action.move_to is None:
        return None
    target = _fitting(action.move_to, name, "")
    return None if action.move_to == directory else target


def _fitting(directory: str, name: str, suffix: str) -> str:
    """The path of a name with its suffix, the name cut where a server could not hold it with a number behind."""
    limit = min(MAX_NAME_BYTES, MAX_PATH_BYTES - len(directory.encode()) - 1) - len(f"{suffix}.99")
    return joined(directory, name.encode()[:limit].decode("utf-8", "ignore") + suffix)


def _renames(action: AfterDone | AfterFailed) -> bool:
    return isinstance(action, AfterDone) and action.rename_suffix is not None


def _deletes(action: AfterDone | AfterFailed) -> bool:
    return isinstance(action, AfterDone) and action.delete is True


def _is_same(found: FileStamp, read: FileStamp) -> bool:
    return (found.size_bytes, found.modified_at) == (read.size_bytes, read.modified_at)
