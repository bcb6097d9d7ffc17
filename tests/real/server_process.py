"""A server's process, started in a folder of the tests' own, waited for, and ended with all its children."""

import os
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 20.0


@dataclass(slots=True)
class ServerProcess:
    """One program; what it says goes to a file."""

    command: Sequence[str]
    said: Path
    _process: psutil.Popen | None = None

    def start(self, accepts: Callable[[], bool], also: Sequence[Path] = ()) -> None:
        """Start, and return once it accepts. Raises TimeoutError with what it said there and in `also`."""
        environment = {"PATH": os.environ.get("PATH", "/usr/bin:/bin")}
        with self.said.open("ab") as said:
            self._process = psutil.Popen(
                [*self.command], stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=environment
            )
        deadline = time.monotonic() + START_SECONDS
        while not accepts():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                logs = [path.read_text("utf-8", "replace") for path in (self.said, *also) if path.exists()]
                raise TimeoutError(f"{self.command[0]} does not start; it said: {' '.join(logs)}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it and every process of it."""
        if self._process is None:
            return
        everyone = [self._process, *self._process.children(recursive=True)]
        for process in everyone:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait(10)
        psutil.wait_procs(everyone[1:], timeout=10)
        self._process = None
