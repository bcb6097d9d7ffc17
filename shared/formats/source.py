"""What every reader here reads from: bytes, in order, once.

Deliberately tiny, so that a file, an unpacker and a transcoder can stand in for one another.
"""

from typing import Protocol


class ByteSource(Protocol):
    """Bytes in order. `read` gives at most `size` bytes, at least one unless the end is reached."""

    def read(self, size: int, /) -> bytes:
        """The next bytes; empty at the end."""
        ...
