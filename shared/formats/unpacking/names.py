"""What an archive may call its entries.

Names of an archive never meet a disk here, so nothing could come of a bad one. An archive that holds one was made to
harm somebody, or by a program that is not to be trusted with the rest: it is refused, and the code says why.
"""

import re

from shared.domain.failures import (
    MemberNameAbsolute,
    MemberNameBackslash,
    MemberNameOutward,
    MemberNameTooLong,
    MemberNameTwice,
    MemberNameUnreadable,
)
from shared.domain.names import MAX_NAME_BYTES, MAX_PATH_BYTES

_DRIVE = re.compile(r"[A-Za-z]:")
_UNREADABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_SHOWN_CHARACTERS = 80


class Names:
    """The names of one archive's entries."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def checked(self, name: str, *, is_directory: bool) -> str:
        """The entry's path without `.` and empty parts. Raises what is wrong with it, also that a file of this name
        came before; a directory may come again, which is harmless, and may be the archive itself."""
        path = checked_name(name)
        if is_directory:
            return path
        if not path:
            raise MemberNameUnreadable("Found a file without a name.")
        if path in self._seen:
            raise MemberNameTwice(f"Found {shown(name)} twice.")
        self._seen.add(path)
        return path


def checked_name(name: str) -> str:
    """A relative path without surprises, or a failure by name."""
    if _UNREADABLE.search(name):
        raise MemberNameUnreadable(f"Found {shown(name)}.")
    if "\\" in name:
        raise MemberNameBackslash(f"Found {shown(name)}, expected '/' between its parts.")
    if name.startswith("/") or _DRIVE.match(name):
        raise MemberNameAbsolute(f"Found {shown(name)}.")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise MemberNameOutward(f"Found {shown(name)}.")
    path = "/".join(parts)
    if len(path.encode()) > MAX_PATH_BYTES or any(len(part.encode()) > MAX_NAME_BYTES for part in parts):
        raise MemberNameTooLong(
            f"Found a name of {len(path.encode())} bytes; a path may have {MAX_PATH_BYTES}, a part {MAX_NAME_BYTES}."
        )
    return path


def shown(name: str) -> str:
    """A name as a message may carry it: printable and short."""
    return ascii(name if len(name) <= _SHOWN_CHARACTERS else name[:_SHOWN_CHARACTERS] + "...")
