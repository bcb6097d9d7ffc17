"""Names of files and directories, as partners and settings give them: checked, matched, derived, shown.

What a place calls a file is bytes, and travels as text: UTF-8 as it stands, and each byte that is none as one of the
code points U+EF80 to U+EFFF. These code points themselves, should a partner use them, count as bytes that are none:
so every name has one text, and every text of a name leads back to its bytes. What people write in settings is strict.

Everything here works on text alone; nothing touches a disk. Names are case-sensitive, separated by `/`.
"""

import re
from hashlib import sha256
from typing import Annotated
from unicodedata import combining, is_normalized, normalize

from pydantic import AfterValidator, Field

MAX_NAME_BYTES = 255
MAX_PATH_BYTES = 1_024
MAX_LISTED_BYTES = 960
"""Of the path of a file that is taken, so that there is room for what is put behind its name."""
MAX_STORED_BYTES = 2_000
"""The same of its text in UTF-8, where a byte that is none takes three: what an index of PostgreSQL can hold."""

_UNDECODED = range(0xEF80, 0xF000)
_SURROGATE_OF = {code: 0xDC00 + (code & 0xFF) for code in _UNDECODED}
_UNDECODED_OF = {surrogate: code for code, surrogate in _SURROGATE_OF.items()}
_BYTES_OF = {code: "".join(chr(0xEF00 + byte) for byte in chr(code).encode()) for code in _UNDECODED}
_ESCAPE = re.compile(r"\\\\|\\x[0-9a-f]{2}|\\u[0-9a-f]{4}|\\U[0-9a-f]{8}")


def checked_path(value: str) -> str:
    """A relative path without surprises: no NUL, no control characters, no empty, `.` or `..` part.

    Raises ValueError with what was found. The empty path is the place itself.
    """
    if value == "":
        return value
    if len(value.encode("utf-8", "surrogateescape")) > MAX_PATH_BYTES:
        raise ValueError(f"found a path of more than {MAX_PATH_BYTES} bytes")
    if any(ord(c) < 32 or ord(c) == 127 or "\ud800" <= c <= "\udfff" or ord(c) in _UNDECODED for c in value):
        raise ValueError("found a control character or an undecodable byte in a path")
    for part in value.split("/"):
        if part in ("", ".", ".."):
            raise ValueError("expected a relative path without empty, '.' or '..' parts")
        if len(part.encode()) > MAX_NAME_BYTES:
            raise ValueError(f"found a name of more than {MAX_NAME_BYTES} bytes")
    return value


def from_bytes(name: bytes) -> str:
    """A name or path of a place as text. Any bytes have one, and no two have the same."""
    if name.isascii():
        return name.decode("ascii")
    # First what is UTF-8 of the code points that stand for bytes, then what is no UTF-8 at all.
    return name.decode("utf-8", "surrogateescape").translate(_BYTES_OF).translate(_UNDECODED_OF)


def to_bytes(text: str) -> bytes:
    """What a place calls a name or path: `from_bytes` undone.

    Raises ValueError for a text that stands for no name: one with surrogates.
    """
    if text.isascii():
        return text.encode("ascii")
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise ValueError("found an undecodable byte in a path")
    return text.translate(_SURROGATE_OF).encode("utf-8", "surrogateescape")


def taken_path(value: str) -> str:
    """A path as a place may have it: any bytes but NUL, no empty, `.` or `..` part, and not too long.

    Raises ValueError with what was found. The empty path is the place itself.
    """
    if value == "":
        return value
    if len(to_bytes(value)) > MAX_PATH_BYTES:
        raise ValueError(f"found a path of more than {MAX_PATH_BYTES} bytes")
    if "\0" in value:
        raise ValueError("found a NUL in a path")
    for part in value.split("/"):
        if part in ("", ".", ".."):
            raise ValueError("expected a relative path without empty, '.' or '..' parts")
        if len(to_bytes(part)) > MAX_NAME_BYTES:
            raise ValueError(f"found a name of more than {MAX_NAME_BYTES} bytes")
    return value


def cut(name: str, limit: int) -> str:
    """The beginning of a name that has at most so many bytes, cut between characters."""
    while len(to_bytes(name)) > limit:
        # A character has four bytes at most, so few rounds are enough.
        name = name[: -max((len(to_bytes(name)) - limit) // 4, 1)]
    return name


def shown(text: str) -> str:
    """A name or path fit for eyes: what is not printable is escaped, and a backslash doubled; no two look the same.

    `\\xff` is a byte: a control character, or one that is no UTF-8. `\\u202e` and `\\U000e0001` are characters. So is
    `\\u0308` in a decomposed name, which is another file than the composed one and would look like it.
    """
    is_composed = is_normalized("NFC", text)
    if is_composed and text.isprintable() and "\\" not in text:
        return text
    pairs = zip(" " + text, text, strict=False)
    return "".join(
        c if c.isprintable() and c != "\\" and (is_composed or not _composes(before, c)) else _escaped(c)
        for before, c in pairs
    )


def _composes(before: str, c: str) -> bool:
    """Whether a character of a decomposed text is what makes it so."""
    return combining(c) > 0 or normalize("NFC", before + c) != normalize("NFC", before) + c


def _escaped(c: str) -> str:
    code = ord(c)
    if c == "\\":
        return "\\\\"
    if code < 0x80 or code in _UNDECODED:
        return f"\\x{code & 0xFF:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def quoted(path: str) -> str:
    """A name or path as a sentence holds it."""
    return f"'{shown(path)}'"


def from_shown(text: str) -> str:
    """The name or path that is shown like this: `shown` undone. What is no escape stands for itself."""
    return _ESCAPE.sub(_unescaped, text) if "\\" in text else text


def _unescaped(escape: re.Match[str]) -> str:
    kind, digits = escape[0][1], escape[0][2:]
    if kind == "\\":
        return "\\"
    code = int(digits, 16)
    if code == 0:
        # No name has a NUL.
        return escape[0]
    if kind == "x":
        return chr(code) if code < 0x80 else chr(0xEF00 + code)
    return chr(code) if code < 0x110000 and not 0xD800 <= code < 0xE000 else escape[0]


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


def free_names(directory: str, name: str, suffix: str = "") -> list[str]:
    """Where a file may be put under its name and a suffix, and how it is called where that is taken, best first.

    A name that a server could not hold with what is behind it is cut, and told from others that begin like it.
    Raises ValueError where the directory leaves no room.
    """
    endings = [suffix, *(f"{suffix}.{number}" for number in range(1, 100))]
    return [joined(directory, fitting(directory, name, ending)) for ending in endings]


def is_free_name(name: str, suffix: str) -> bool:
    """Whether a name may be one of `free_names` with that suffix, numbered or not."""
    return suffix in name and re.search(rf"{re.escape(suffix)}(\.[0-9]{{1,2}})?\Z", name) is not None


def unnumbered(name: str) -> str:
    """One of `free_names` without its number; empty where it has none."""
    match = re.fullmatch(r"(.+)\.[0-9]{1,2}", name, re.DOTALL)
    return match[1] if match else ""


def fitting(directory: str, name: str, ending: str) -> str:
    """A name with its ending, cut where it would be too long for a server or a path. Raises ValueError for no room."""
    room = min(MAX_NAME_BYTES, MAX_PATH_BYTES - len(to_bytes(directory)) - 1) - len(ending)
    raw = to_bytes(name)
    if len(raw) <= room:
        return name + ending
    told_apart = f"~{sha256(raw).hexdigest()[:8]}"
    if room <= len(told_apart):
        raise ValueError(f"found no room for a name in {quoted(directory)}; a path has at most {MAX_PATH_BYTES} bytes")
    return cut(name, room - len(told_apart)) + told_apart + ending
