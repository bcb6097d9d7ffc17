"""Places in the road where a test may strike. Unarmed, reaching one does nothing.

Armed for one process by TIDEGATE_FAILPOINTS (`name=kill|stop|raise`, comma-separated), or for whichever process comes
first by a file `armed-<name>` with the action in TIDEGATE_FAILPOINTS_DIRECTORY. Each strikes once: the file `<name>`
that it leaves there holds the process that was struck, and keeps a restarted one from striking again.
"""

import os
import signal
from pathlib import Path

ACTIONS = ("kill", "stop", "raise")

_armed: dict[str, str] = {}
_directory: list[Path] = []


class Struck(RuntimeError):
    """An armed failpoint raised."""


def arm(points: str, directory: Path) -> None:
    """Arm the named failpoints of this process, and look into the directory from now on.

    Raises ValueError for an action that does not exist.
    """
    for point in filter(None, points.split(",")):
        name, _, action = point.partition("=")
        _armed[name] = _checked(action)
    _directory[:] = [directory]


def reach(name: str) -> None:
    """A place where a test may strike."""
    if not _directory:
        return
    action = _own(name) or _anybodys(name)
    if action is None:
        return
    if action == "raise":
        raise Struck(name)
    os.kill(os.getpid(), signal.SIGKILL if action == "kill" else signal.SIGSTOP)


def _own(name: str) -> str | None:
    """What this process was armed with."""
    action = _armed.pop(name, None)
    if action is not None:
        try:
            with (_directory[0] / name).open("x") as struck:
                struck.write(str(os.getpid()))
        except FileExistsError:
            return None
    return action


def _anybodys(name: str) -> str | None:
    """What the first process to come here is to suffer. Renaming the file decides who that is."""
    taken = _directory[0] / f"taken-{name}"
    try:
        (_directory[0] / f"armed-{name}").rename(taken)
    except FileNotFoundError:
        return None
    action = _checked(taken.read_text())
    taken.write_text(str(os.getpid()))
    taken.rename(_directory[0] / name)
    return action


def _checked(action: str) -> str:
    if action not in ACTIONS:
        raise ValueError(f"found the failpoint action {action!r}, expected kill, stop or raise")
    return action
