"""The peak of a process's resident memory, its children's included, sampled from outside."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psutil

SAMPLE_SECONDS = 0.05


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


def _resident(process: psutil.Process) -> int:
    total = 0
    for each in (process, *process.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # a child may end between being listed and being asked
            total += each.memory_info().rss
    return total
