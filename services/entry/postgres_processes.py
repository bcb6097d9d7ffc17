"""Processes of a PostgreSQL server: how to run one without being root, how to find one again, how to end it.

PostgreSQL refuses to run as root. Root therefore starts it in a user namespace of its own, where it is nobody and yet
the same user to the file system; where namespaces are forbidden, as in many containers, it really becomes nobody.
A server is recognised by the directory it works in, never by its name alone, so that no other one is ever signalled.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NOBODY = 65534
POLL_SECONDS = 0.05
_PROC = Path("/proc")


@dataclass(frozen=True)
class Identity:
    """Who a server runs as: words before its command, and the owner of its files where that is not ourselves."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def own(self, directory: Path) -> None:
        """Hand everything in a directory to this identity, where it is somebody else's as yet."""
        owner = os.geteuid() if self.uid is None else self.uid
        if os.geteuid() != 0 or directory.stat().st_uid == owner:
            return
        for path in [*directory.rglob("*"), directory]:
            os.chown(path, owner, owner, follow_symlinks=False)


def identity() -> Identity:
    """The least that a server can run as on this machine: ourselves, or nobody where we are root."""
    if os.geteuid() != 0:
        return Identity()
    if unshare := shutil.which("unshare"):
        prefix = (unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
        tried = subprocess.run([*prefix, "true"], check=False, capture_output=True, timeout=10)  # noqa: S603 - fixed words
        if tried.returncode == 0:
            return Identity(prefix=prefix)
    return Identity(uid=NOBODY)


def working_in(data: Path) -> list[int]:
    """The server processes that work in a data directory, the postmaster first where it is among them."""
    postmaster = recorded_pid(data)
    if not _PROC.is_dir():
        return [postmaster] if postmaster and _names_directory(postmaster, data) else []
    found = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit() and _works_in(entry, data)]
    return sorted(found, key=lambda pid: (pid != postmaster, pid))


def recorded_pid(data: Path) -> int | None:
    """The process that postmaster.pid names, which may long be gone or be somebody else's by now."""
    lines = status_lines(data)
    return abs(int(lines[0])) if lines and lines[0].lstrip("-").isdigit() else None


def status_lines(data: Path) -> list[str]:
    """The lines of postmaster.pid: process, directory, start, port, sockets, address, memory, status."""
    try:
        return [line.strip() for line in (data / "postmaster.pid").read_text(encoding="utf-8").splitlines()]
    except FileNotFoundError:
        return []


def end_all(data: Path, *, patience_seconds: float) -> bool:
    """End whatever server still works in a data directory; say whether nothing is left of it.

    First the fast shutdown, which a postmaster survives for as long as its last checkpoint takes; then the
    immediate one, which costs the next start a recovery and no committed data; then no more asking.
    """
    for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        # A postmaster ends its own children; those it left behind when it was killed heed SIGQUIT.
        pids = working_in(data)
        heads = [pid for pid in pids if pid == recorded_pid(data)] or pids
        _signal(heads if number != signal.SIGKILL else pids, number)
        if _gone(data, patience_seconds):
            return True
    return False


def _gone(data: Path, patience_seconds: float) -> bool:
    until = time.monotonic() + patience_seconds
    while working_in(data):
        if time.monotonic() > until:
            return False
        time.sleep(POLL_SECONDS)
    return True


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue  # it left between the look and the signal


def _works_in(entry: Path, data: Path) -> bool:
    # Other people's processes cannot be looked into, and ours may end while we look: neither is a server of ours.
    try:
        return (entry / "comm").read_text(encoding="utf-8").strip() == "postgres" and (entry / "cwd").readlink() == data
    except OSError:
        return False


def _names_directory(pid: int, data: Path) -> bool:
    listed = subprocess.run(  # noqa: S603 - fixed words and a number
        ["/bin/ps", "-p", str(pid), "-o", "command="], check=False, capture_output=True, text=True, timeout=10
    )
    return str(data) in listed.stdout
