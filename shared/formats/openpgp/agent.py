"""gpg-agent, which holds private keys for gpg: started for one home directory, and stopped by its own socket.

It makes a process of its own out of itself, so it is no child of ours, and is asked for its process id before it is
ended. It caches nothing and can ask nobody. Its socket speaks Assuan: a line, answered by lines up to OK or ERR.
"""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from shared.domain.failures import GnupgFailed

_OPTIONS = (
    # Not --batch: GnuPG 2.2's agent then breaks off where it needs a passphrase.
    *("--no-options", "--quiet", "--daemon"),
    *("--allow-loopback-pinentry", "--pinentry-program", "/nonexistent", "--disable-scdaemon"),
    *("--default-cache-ttl", "0", "--max-cache-ttl", "0", "--extra-socket", "none", "--browser-socket", "none"),
    # It protects what it takes in anew; to find out by itself how well costs seconds on a busy machine, each time.
    *("--s2k-count", "1048576"),
)
_PATIENCE_SECONDS = 10.0
_LOOK_SECONDS = 0.01


async def start_agent(program: Path, home: Path, environment: dict[str, str]) -> None:
    """Start the agent of a home directory. Raises GnupgFailed."""
    nobody = asyncio.subprocess.DEVNULL
    try:
        starter = await asyncio.create_subprocess_exec(
            program,
            "--homedir",
            home,
            *_OPTIONS,
            stdin=nobody,
            stdout=nobody,
            stderr=nobody,
            env=environment,
            cwd=home,
            start_new_session=True,
        )
    except OSError as error:
        raise GnupgFailed(f"gpg-agent could not be started: {error.strerror}.") from error
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            code = await starter.wait()
    except TimeoutError as error:
        starter.kill()
        raise GnupgFailed("gpg-agent did not come up.") from error
    if code != 0 or not (home / "S.gpg-agent").exists():
        raise GnupgFailed(f"gpg-agent ended with {code}, or without a socket.")


def stop_agent(home: Path) -> None:
    """End the agent of a home directory, if one runs, and wait until it has. Blocks for some milliseconds."""
    path = home / "S.gpg-agent"
    if not path.exists():
        return
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(_PATIENCE_SECONDS)
            line.connect(str(path))
            with line.makefile("rwb", buffering=0) as file:
                _answer(file.readline)
                file.write(b"GETINFO pid\n")
                pid = int(_answer(file.readline))
    except (FileNotFoundError, ConnectionError):
        # It has ended by itself; its socket may outlive it.
        return
    # Asked to end, it takes its time; it has nothing to put in order.
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _await_end(pid)


def _answer(readline: Callable[[], bytes]) -> str:
    data = ""
    while True:
        line = readline().decode("ascii", "replace").rstrip("\n")
        word, _, rest = line.partition(" ")
        if word == "D":
            data = rest
        elif word in ("OK", "ERR", ""):
            return data


def _await_end(pid: int) -> None:
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while not _has_ended(pid):
        if time.monotonic() > give_up:
            raise GnupgFailed(f"gpg-agent {pid} does not end.")
        time.sleep(_LOOK_SECONDS)


def _has_ended(pid: int) -> bool:
    try:
        # Where this is a container's first process, orphans become its children, and stay until they are waited for.
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
        # Dead, and nobody has waited for it yet: in other containers that may take for ever.
        return Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except FileNotFoundError:
        # Gone just now; or a system without such files, on which it lives.
        return Path("/proc/self").exists()
