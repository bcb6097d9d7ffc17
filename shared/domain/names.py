"""Names of files and directories, as partners and settings give them: checked, matched, derived.

Everything here works on text alone; nothing touches a disk. Names are case-sensitive, separated by `/`.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1_024


def checked_path(value: str) -> str:
    """A relative path without surprises: no NUL, no control characters, no empty, `.` or `..` part.

    Raises ValueError with what was found. The empty path is the place itself.
    """
    if value == "":
        return value
    if len(value.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
        raise ValueError(f"found a path of more than {MAX_PATH_BYTES} bytes")
    if any(ord(c) < 32 or ord(c) == 127 or "\ud800" <= c <= "\udfff" for c in value):
        raise ValueError("found a control character or an undecodable byte in a path")
    for part in value.split("/"):
        if part in ("", ".", ".."):
            raise ValueError("expected a relative path without empty, '.' or '..' parts")
        if len(part.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"found a name of more than {MAX_NAME_BYTES} bytes")
    return value


Directory = Annotated[str, Field(max_length=1_024), AfterValidator(lambda value: checked_path(value.strip("/")))]
RelativePath = Annotated[str, Field(min_length=1, max_length=1_024), AfterValidator(checked_path)]


def matches(wildcard: str, name: str) -> bool:
    """Whether a file name fits a wildcard: `*` any run of characters, `?` one; all else is literal.

    Two pointers with one point of return, so the time is at most len(wildcard) x len(name) whatever a
    partner calls a file.
    """
    w = n = 0
    star, resume = -1, 0
    while n < len(name):
        if w < len(wildcard) and wildcard[w] == "*":
            star, resume = w, n
            w += 1
        elif w < len(wildcard) and wildcard[w] in ("?", name[n]):
            w += 1
            n += 1
        elif star >= 0:
            resume += 1
            w, n = star + 1, resume
        else:
            return False
    return all(c == "*" for c in wildcard[w:])


def joined(directory: str, name: str) -> str:
    """The path of a name in a directory; the empty directory is the place itself."""
    return f"{directory}/{name}" if directory else name


def split(path: str) -> tuple[str, str]:
    """A path's directory and name."""
    directory, _, name = path.rpartition("/")
    return directory, name


def free_names(path: str) -> list[str]:
    """A path and what to call it where that is taken, best first; a bounded list."""
    directory, name = split(path)
    return [path, *(joined(directory, f"{name}.{number}") for number in range(1, 100))]
