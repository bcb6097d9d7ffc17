"""Places in the road where a test may strike. Unarmed, reaching one does nothing.

Armed from TIDEGATE_FAILPOINTS (`name=kill|stop|raise`, comma-separated), each strikes once: the file that it leaves
in TIDEGATE_FAILPOINTS_DIRECTORY proves that it was reached, and keeps a restarted process from striking again.
"""

import os
import signal
from pathlib import Path

_armed: dict[str, str] = {}
_directory: list[Path] = []


class Struck(RuntimeError):
    """An armed failpoint raised."""


def arm(points: str, directory: Path) -> None:
    """Arm the named failpoints. Raises ValueError for an action that does not exist."""
    for point in filter(None, points.split(",")):
        name, _, action = point.partition("=")
        if action not in ("kill", "stop", "raise"):
            raise ValueError(f"found the failpoint action {action!r}, expected kill, stop or raise")
        _armed[name] = action
    _directory[:] = [directory]


def reach(name: str) -> None:
    """A place where a test may strike."""
    action = _armed.pop(name, None) if _armed else None
    if action is None:
        return
    try:
        (_directory[0] / name).touch(exist_ok=False)
    except FileExistsError:
        return
    if action == "raise":
        raise Struck(name)
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)
