"""The all-in-one's data directory: one process at a time, with secrets that are made once and readable by nobody else.

DIRECTORY/lock  secrets.json  postgres/  drop/  work/  mail/  access.json
"""

import fcntl
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shared.storage.secrets import new_key


class DirectoryInUse(Exception):
    """Another process runs on the data directory."""


@contextmanager
def held(directory: Path) -> Iterator[Path]:
    """Hold a data directory, made where it is missing. Raises DirectoryInUse."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (directory / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DirectoryInUse(
                f"Another tidegate runs on {directory}. Stop it, or choose another place with --data-dir."
            ) from None
        yield directory


def secrets_of(directory: Path) -> dict[str, str]:
    """The secret key and the database passwords, made at the first start."""
    path = directory / "secrets.json"
    if not path.exists():
        made = {name: secrets.token_urlsafe(24) for name in ("owner", "service", "watch")}
        write_private(path, {"secret_key": new_key(), **made})
    found: dict[str, str] = json.loads(path.read_text())
    return found


def write_private(path: Path, content: dict[str, Any]) -> None:
    """Write JSON that only we may read, whole or not at all."""
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    partial.touch(mode=0o600)
    partial.write_text(json.dumps(content, indent=2))
    partial.rename(path)
