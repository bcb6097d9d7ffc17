"""One file that gets another name, on disk: so that it can be undone, and what had the name before is had back."""

import os
import stat
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from services.dropserver.refusals import Refusal, on_disk
from services.dropserver.tenant import Moved
from shared.domain.names import joined, split
from shared.transfer.tree import Tree, stamp_of

log = structlog.get_logger()


@dataclass(slots=True)
class Renaming:
    """From `source` to `target`, in the place of what lies there where it `replaces`."""

    tree: Tree
    source: str
    target: str
    replaces: bool
    _aside: str | None = field(default=None, init=False)
    """Another name of what had the new one before."""
    _moved: os.stat_result | None = field(default=None, init=False)

    def do(self) -> Moved:
        """Rename it."""
        with on_disk():
            if stat.S_ISDIR(self.tree.stat(self.source).st_mode):
                raise Refusal("A directory cannot be renamed here; move its files.")
            replaced = self._set_aside() if self.replaces and self.source != self.target else None
            try:
                self.tree.rename(self.source, self.target, replace=self.replaces)
            except OSError:
                self._put_back()
                raise
            self._moved = self.tree.stat(self.target)
        return Moved(stamp_of(self.target, self._moved), replaced)

    def undo(self) -> None:
        """Give both their names again. What somebody else has put there meanwhile is not touched."""
        moved, self._moved = self._moved, None
        if moved is None:
            return
        try:
            if os.path.samestat(self.tree.stat(self.target), moved):
                self.tree.rename(self.target, self.source, replace=False)
                self._put_back()
            else:
                self.conclude()
        except OSError as error:
            # The client is told what went wrong first; this is for who looks why the file has its new name.
            log.warning("renaming.not_undone", errno=error.errno)

    def conclude(self) -> None:
        """It is done for good: what had the name before goes. Where it cannot, it is done all the same."""
        if self._aside is None:
            return
        try:
            self.tree.remove(self._aside)
        except OSError as error:
            log.warning("renaming.left_aside", errno=error.errno)

    def _set_aside(self) -> int | None:
        """The size of what lies there; a file gets another name beside it as well, so that it can be had back."""
        try:
            there = self.tree.stat(self.target)
        except FileNotFoundError:
            return None
        if stat.S_ISREG(there.st_mode):
            aside = joined(split(self.target)[0], f".{uuid4().hex}.tidegate")
            self.tree.set_aside(self.target, aside)
            self._aside = aside
        return there.st_size

    def _put_back(self) -> None:
        """Give what was set aside its name again, which it may still have."""
        if self._aside is not None:
            self.tree.rename(self._aside, self.target, replace=False)
