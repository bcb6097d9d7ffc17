"""The peak of a process's resident memory, its children's included, sampled from outside.

Not the database's: all in one, its server is a child of the process.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.05
DATABASE = "postgres"


@dataclass(slots=True)
class Peak:
    """The largest sum that was seen, in bytes."""

    bytes: int = 0


@contextmanager
def peak_of(pid: int) -> Iterator[Peak]:
    """Watch a process while inside."""
    peak, ended = Peak(), threading.Event()
    process = psutil.Process(pid)

    def watch() -> None:
        while not ended.wait(SAMPLE_SECONDS):
            peak.bytes = max(peak.bytes, _resident(process))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield peak
    finally:
        ended.set()
        watcher.join()
    peak.bytes = max(peak.bytes, _resident(process))


def resident_bytes(pid: int) -> int:
    """What a process and its children hold now."""
    return _resident(psutil.Process(pid))


def _resident(process: psutil.Process) -> int:
    total, own = process.memory_info().rss, process.cmdline()
    for each in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):  # a child may end between being listed and being asked
            # One that has not begun its own program yet, as gpg, is shown with all memory of its parent.
            total += 0 if each.name() == DATABASE or each.cmdline() == own else each.memory_info().rss
    return total
