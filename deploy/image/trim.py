"""Leave of the running image's system only what Tidegate runs on; a step of the Dockerfile, never run elsewhere.

What cannot be found in a container cannot be used by who breaks into one: no shell, no package manager, no pip, no
tool to change users with. Programs stay by a list, so that nothing which a base image adds later slips through. The
package database stays, for scanners. Being the last to run a program here, it is written in Python.
"""

import os
import shutil
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

PROGRAM_FOLDERS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
KEPT_PROGRAMS = {"python", "python3", f"python3.{sys.version_info.minor}", "gpg", "gpg-agent"}
INSTALLERS = ("pip", "pip-*", "setuptools", "setuptools-*", "wheel", "wheel-*", "pkg_resources", "_distutils_hack")
UNUSED = (
    "/usr/lib/apt",
    "/usr/lib/dpkg",
    "/usr/lib/*/perl-base",
    "/usr/share/doc",
    "/usr/share/info",
    "/usr/share/locale",
    "/usr/share/man",
    "/usr/share/perl5",
    "/usr/share/python-wheels",
    "/var/cache/*",
    "/var/lib/apt",
    "/var/lib/dpkg/info",
    "/var/log/*",
)


def main() -> None:
    """Delete; what cannot be deleted stops the build."""
    library = Path(os.__file__).parent
    for folder in {library, *(Path(entry) for entry in sys.path if entry.endswith("-packages"))}:
        for pattern in (*INSTALLERS, "ensurepip", "idlelib", "tkinter", "turtledemo"):
            _delete(folder.glob(pattern))
    for pattern in UNUSED:
        _delete(Path("/").glob(pattern.lstrip("/")))
    for name in PROGRAM_FOLDERS:
        folder = Path(name)
        if folder.is_dir() and not folder.is_symlink():
            _delete(entry for entry in folder.iterdir() if entry.name not in KEPT_PROGRAMS)
    _take_privileges_away()


def _delete(entries: Iterable[Path]) -> None:
    for entry in list(entries):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _take_privileges_away() -> None:
    """No file lends its owner's rights to who runs it."""
    for path in Path("/usr").rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISREG(mode) and mode & (stat.S_ISUID | stat.S_ISGID):
            path.chmod(mode & 0o777)


if __name__ == "__main__":
    main()
