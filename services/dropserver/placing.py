"""What lies under a name, and giving the name to a new file. Who calls holds the path's lock where it matters."""

import os
import stat

from services.dropserver.refusals import MEANWHILE, NameTaken, Refusal
from shared.domain.names import split
from shared.transfer.tree import Tree

_ATTEMPTS = 5
"""To be the one who makes a file."""


def require_place(tree: Tree, path: str, flags: int) -> None:
    """Raises OSError where there is no such directory, NameTaken where who wants a new name has one that is not."""
    tree.stat(split(path)[0])
    if flags & os.O_CREAT and flags & os.O_EXCL and found(tree, path) is not None:
        raise NameTaken("The name is taken.")


def anew(tree: Tree, path: str, flags: int) -> int:
    """A descriptor of a new file in the place of what lies there now: who reads or writes that goes on with it.

    Exclusively: somebody may put one there by another way just now.
    """
    for _ in range(_ATTEMPTS):
        there = found(tree, path)
        if not (flags & os.O_CREAT if there is None else stat.S_ISREG(there.st_mode)):
            return tree.open(path, flags)
        try:
            if there is not None:
                tree.remove(path)
            return tree.open(path, flags | os.O_CREAT | os.O_EXCL)
        except (FileExistsError, FileNotFoundError):
            continue
    raise Refusal(MEANWHILE)


def size(tree: Tree, path: str) -> int | None:
    """How large it is; None where nothing lies there."""
    there = found(tree, path)
    return None if there is None else there.st_size


def left(tree: Tree, path: str, counted: int) -> int | None:
    """The same; what is counted of it where the disk does not say."""
    try:
        return size(tree, path)
    except OSError:
        return counted


def found(tree: Tree, path: str) -> os.stat_result | None:
    """What lies there; None for nothing."""
    try:
        return tree.stat(path)
    except FileNotFoundError:
        return None
