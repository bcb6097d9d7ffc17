"""What lies in a hosted folder, as the disk has it, and how files are taken away there. All of it blocks.

Only the very file that was looked at is removed, and never what somebody puts in its place meanwhile. Whether a file
may go is decided elsewhere.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from shared.domain.arrival import FileStamp
from shared.domain.names import from_bytes, joined, split
from shared.transfer.tree import Tree, stamp_of

log = structlog.get_logger()

_STAYS = 4
"""So much of an identity stays when a file gets another name."""


@dataclass(frozen=True, slots=True)
class Lying:
    """A regular file of the folder, as the disk has it."""

    stamp: FileStamp
    changed_at: datetime
    """When the disk noted its last change, which no client can set."""
    identity: tuple[int, ...] = ()
    """What tells whether it is still the same."""

    @property
    def path(self) -> str:
        """Where it lies."""
        return self.stamp.path

    @property
    def is_left_over(self) -> bool:
        """Whether it was being removed by somebody who died at it."""
        return bool(self.identity) and split(self.path)[1] == _aside(self.identity)

    @classmethod
    def found(cls, path: str, facts: os.stat_result) -> "Lying":
        """As a listing has it."""
        changed_at = datetime.fromtimestamp(facts.st_ctime, UTC)
        return cls(stamp_of(path, facts), changed_at, _identity(facts))


def all_lying(tree: Tree) -> Iterator[Lying]:
    """All regular files. What somebody else put there under a name that we do not walk is left alone, and a directory
    that cannot be listed keeps no other from it."""
    waiting = [""]
    while waiting:
        directory = waiting.pop()
        try:
            for name, facts in tree.scan(directory):
                with suppress(ValueError):
                    path = joined(directory, from_bytes(name))
                    if stat.S_ISREG(facts.st_mode):
                        yield Lying.found(path, facts)
                    elif stat.S_ISDIR(facts.st_mode):
                        waiting.append(path)
        except (FileNotFoundError, ValueError):
            continue
        except OSError as error:
            log.warning("directory.not_listed", errno=error.errno)


def at(tree: Tree, path: str) -> Lying | None:
    """The regular file that lies there, if any can be seen."""
    try:
        facts = tree.stat(path)
    except (OSError, ValueError):
        return None
    return Lying.found(path, facts) if stat.S_ISREG(facts.st_mode) else None


def take_away(tree: Tree, files: Iterable[Lying]) -> list[Lying]:
    """Remove files that are still as they were seen; those that were."""
    gone = []
    for each in files:
        try:
            if _took_away(tree, each):
                gone.append(each)
        except OSError as error:
            # One that cannot be removed keeps no other.
            log.warning("file.not_removed", errno=error.errno)
    return gone


def _took_away(tree: Tree, file: Lying) -> bool:
    """By another name first: what somebody puts there in this moment is given its name back.

    In one step, and not by a second link: between a link and the loss of the first name a new file would be lost.
    """
    aside = joined(split(file.path)[0], _aside(file.identity))
    try:
        if _identity(tree.stat(file.path)) != file.identity:
            return False
        tree.rename(file.path, aside, replace=True)
    except FileNotFoundError:
        return False
    if _identity(tree.stat(aside))[:_STAYS] != file.identity[:_STAYS]:
        with suppress(FileExistsError):
            tree.rename(aside, file.path, replace=False)
        return False
    tree.remove(aside)
    return True


def _aside(identity: tuple[int, ...]) -> str:
    """A name that only this very file has: whoever finds it under that knows what it is, also after a crash."""
    _, *known = identity[:_STAYS]
    said = " ".join(str(each) for each in known)
    return f".{hashlib.blake2b(said.encode(), digest_size=16).hexdigest()}.tidegate"


def _identity(facts: os.stat_result) -> tuple[int, ...]:
    return (facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
