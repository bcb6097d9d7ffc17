"""A whole file that is open to be gone on with, and to which nothing has happened yet.

Its upload begins with the first byte, not when it is opened: a connection that breaks before leaves a whole file whole.
"""

import os
from dataclasses import dataclass

from services.dropserver.refusals import MEANWHILE, Refusal, on_disk, registered, told
from services.dropserver.tenant import Latest, Tenant, Uploads
from shared.transfer.tree import Tree

_ANEW = os.O_TRUNC | os.O_EXCL


@dataclass(frozen=True, slots=True)
class Resuming:
    """The file as it was when it was opened, and the latest upload of it then."""

    tree: Tree
    path: str
    descriptor: int
    size_bytes: int
    latest: Latest

    @classmethod
    async def open(cls, uploads: Uploads, tenant: Tenant, tree: Tree, path: str, flags: int) -> "Resuming | None":
        """Open a whole file to go on with it; None where it is begun at once. Raises Refusal, OSError."""
        if flags & _ANEW:
            return None
        try:
            with told():
                descriptor = tree.open(path, flags & ~os.O_CREAT)
        except FileNotFoundError:
            return None
        is_kept = False
        try:
            with registered():
                latest = await uploads.latest(tenant, path)
            if not latest.is_whole:
                return None
            # Only now: its size as that upload has left it.
            whole = cls(tree, path, descriptor, os.fstat(descriptor).st_size, latest)
            is_kept = True
            return whole
        finally:
            if not is_kept:
                os.close(descriptor)

    def size(self) -> int:
        """Its size, where it still lies there as it was. Raises NotOnDisk, Refusal."""
        with on_disk():
            there, ours = self.tree.stat(self.path), os.fstat(self.descriptor)
        if there.st_size != self.size_bytes or not os.path.samestat(there, ours):
            raise Refusal(MEANWHILE)
        return there.st_size

    def stay(self) -> None:
        """The upload gets the file that is open already. Raises the same."""
        self.size()
