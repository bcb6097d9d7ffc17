"""A folder in memory for servers of tests, on machines that have room for it.

A copy of a database is some three hundred files: on some disks making them takes ten times what the test takes.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

MEMORY = Path("/dev/shm")
ROOM_BYTES = 8 << 30
"""Free, and of the machine's memory: several servers keep gigabytes of their log at times."""


@contextmanager
def quick_folder(prefix: str) -> Iterator[Path]:
    """A temporary folder, in memory where there is room, while inside."""
    with tempfile.TemporaryDirectory(prefix=prefix, dir=_memory()) as name:
        yield Path(name)


def _memory() -> Path | None:
    """None: where temporary folders are made otherwise."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK)):
        return None
    free = min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available)
    return MEMORY if free >= ROOM_BYTES else None
