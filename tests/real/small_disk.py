"""A disk of a few megabytes that can be filled up and emptied again: a tmpfs of the tests' own."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A directory on a file system of its own."""

    root: Path

    @property
    def _ballast(self) -> Path:
        return self.root / ".ballast"

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Leave room for so many bytes, and no more. Raises OSError where others take the room faster than that."""
        for attempts_left in reversed(range(10)):
            try:
                with self._ballast.open("ab") as file:
                    os.posix_fallocate(file.fileno(), 0, max(4096, self.free_bytes - leave_bytes))
            except OSError:
                # Whoever serves from it wrote between the look and the taking.
                if attempts_left == 0:
                    raise
            else:
                return

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)

    @property
    def free_bytes(self) -> int:
        """What is left."""
        found = os.statvfs(self.root)
        return found.f_bavail * found.f_frsize


@contextmanager
def small_disk(megabytes: int) -> Iterator[SmallDisk]:
    """A disk of that size while inside. Skips the test where the kernel lets us mount none."""
    with tempfile.TemporaryDirectory(prefix="tidegate-disk-") as name:
        # Whoever serves from it may run as nobody.
        Path(name).chmod(0o755)
        options = f"size={megabytes}m,mode=0777"
        if _run("mount", "-t", "tmpfs", "-o", options, "tidegate-tests", name) is None:
            try:
                yield SmallDisk(Path(name))
            finally:
                _run("umount", "--lazy", name)
            return
        with _held_in_namespace(Path(name), options) as root:
            yield SmallDisk(root)


@contextmanager
def _held_in_namespace(directory: Path, options: str) -> Iterator[Path]:
    """Where we may not mount: in a namespace where we may, reached through the process that holds it."""
    script = f"mount -t tmpfs -o {options} tidegate-tests {directory} && echo mounted && exec cat"
    holder = subprocess.Popen(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert holder.stdin is not None
    assert holder.stdout is not None
    with holder:
        said = holder.stdout.readline().decode().strip()
        if said != "mounted":
            pytest.skip(f"the kernel lets us mount no tmpfs, neither here nor in a user namespace: {said}")
        yield Path(f"/proc/{holder.pid}/root{directory}")


def _run(*command: str) -> str | None:
    """None where it went well, else what was said."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    return None if done.returncode == 0 else done.stderr.strip() or str(done.returncode)
