"""One service as a process of its own, as it runs in a deployment. Ended by its process id and by nothing else."""

import http.client
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 40.0
LOOK_SECONDS = 0.05
TAIL_CHARACTERS = 4_000


class ServiceProcess:
    """A running service; its output is kept in `log`."""

    def __init__(self, name: str, command: list[str], environment: dict[str, str], log: Path, url: str) -> None:
        self.name = name
        self.log = log
        self._url = url
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )

    @property
    def url(self) -> str:
        """Where its own web server listens."""
        return self._url

    @property
    def pid(self) -> int:
        """The process."""
        return self._child.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._child.poll() is None

    def await_ready(self) -> None:
        """Return when the service says that it can work; fail with its output when it does not."""
        deadline = time.monotonic() + START_SECONDS
        while self.answer("/readyz") != 200:
            assert self.is_running, f"{self.name} ended with {self._child.returncode}:\n{self.tail()}"
            assert time.monotonic() < deadline, f"{self.name} is not ready after {START_SECONDS} s:\n{self.tail()}"
            time.sleep(LOOK_SECONDS)

    def await_end(self, limit_seconds: float = STOP_SECONDS) -> int:
        """Its return code: negative where a signal ended it. Fails when it goes on."""
        try:
            return self._child.wait(limit_seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {limit_seconds} s:\n{self.tail()}") from None

    def kill(self) -> None:
        """kill -9."""
        self._child.send_signal(signal.SIGKILL)
        self._child.wait(STOP_SECONDS)

    def ask_to_stop(self) -> None:
        """SIGTERM; `await_end` waits for what comes of it."""
        self._child.send_signal(signal.SIGTERM)

    def freeze(self) -> None:
        """Stop its clock: connections stay open and nobody answers."""
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen process go on."""
        self._child.send_signal(signal.SIGCONT)

    def tail(self) -> str:
        """The end of its output."""
        return self.log.read_text(errors="replace")[-TAIL_CHARACTERS:]

    def answer(self, path: str) -> int:
        """The status that its own web server answers a path with; 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self._url + path, timeout=2) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except (OSError, http.client.HTTPException):
            # The second is somebody else's server, on a port that was free a moment ago.
            return 0
