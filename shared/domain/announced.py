"""What a checksum or a manifest says of files: names, sizes, SHA-256. Read from bytes of strangers, within bounds.

A list is as sha256sum of GNU coreutils writes it (or with its option --tag, the BSD form); a manifest of ours is JSON
with `files`, of each `name`, and where given `bytes` and `sha256`. Names are of files beside it and nothing else.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shared.domain.names import from_bytes, quoted, taken_path

MAX_BYTES = 1 << 20
MAX_NAMES = 10_000

_DIGITS = 64
_HASH = re.compile(rb"[0-9A-Fa-f]{64}")
_LINE = re.compile(rb"(\\?)([0-9A-Fa-f]+)(?: [ *]|\t)(.+)", re.DOTALL)
_TAGGED = re.compile(rb"(\\?)([A-Za-z0-9/-]{1,20}) \((.+)\) = ([0-9A-Fa-f]+)", re.DOTALL)
_ESCAPES = re.compile(rb"\\([\\nr])")
_PLAIN = {b"\\": b"\\", b"n": b"\n", b"r": b"\r"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What is said of one file."""

    size_bytes: int | None = None
    sha256: str | None = None


def checksum_of(content: bytes, name: str) -> str:
    """The SHA-256 that a checksum file says of a file, in lower case. Raises ValueError with what was found.

    A file with nothing but the hash is one too; and one line may name the file with a path, as sha256sum does where it
    was called elsewhere.
    """
    text = _text(content)
    if _HASH.fullmatch(text.strip()):
        return text.strip().decode().lower()
    found = list(_lines(text))
    if len(found) == 1:
        found = [(found[0][0].rpartition("/")[2], found[0][1])]
    hashes = {sha256 for listed, sha256 in found if listed.removeprefix("./") == name}
    if not hashes:
        raise ValueError(f"it says nothing of {quoted(name)}")
    if len(hashes) > 1:
        raise ValueError(f"it says two things of {quoted(name)}")
    return hashes.pop()


def entries_of(content: bytes, name: str) -> dict[str, Entry]:
    """What a manifest of that name says, by the names of files. Raises ValueError with what was found."""
    text = _text(content)
    told = _from_json(text) if text.lstrip()[:1] in (b"{", b"[") else _from_lines(text)
    entries: dict[str, Entry] = {}
    for listed, entry in told:
        if listed == name:
            # sha256sum * > SHA256SUMS lists the file that is being written as well.
            continue
        if entries.setdefault(listed, entry) != entry:
            raise ValueError(f"it says two things of {quoted(listed)}")
        if len(entries) > MAX_NAMES:
            raise ValueError(f"it names more than {MAX_NAMES} files")
    if not entries:
        raise ValueError("it names no file")
    return entries


def _text(content: bytes) -> bytes:
    if len(content) > MAX_BYTES:
        raise ValueError(f"it has more than {MAX_BYTES} bytes")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in content:
        raise ValueError("it is no text in ASCII or UTF-8")
    return content.removeprefix(b"\xef\xbb\xbf")


def _from_lines(text: bytes) -> Iterator[tuple[str, Entry]]:
    for listed, sha256 in _lines(text):
        yield _checked_name(listed.removeprefix("./")), Entry(sha256=sha256)


def _lines(text: bytes) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.replace(b"\r\n", b"\n").split(b"\n"), 1):
        if not line.strip() or line.startswith(b"#"):
            continue
        tagged, plain = _TAGGED.fullmatch(line), _LINE.fullmatch(line)
        if tagged is not None:
            if tagged[2].upper() not in (b"SHA256", b"SHA2-256"):
                raise ValueError(f"line {number} has another hash than SHA-256")
            mark, raw, digits = tagged[1], tagged[3], tagged[4]
        elif plain is not None:
            mark, digits, raw = plain[1], plain[2], plain[3]
        else:
            raise ValueError(f"line {number} is no hash with a name")
        yield from_bytes(_ESCAPES.sub(_unescaped, raw) if mark else raw), _checked_hash(digits.decode(), number)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return _PLAIN[escape[1]]


def _from_json(text: bytes) -> Iterator[tuple[str, Entry]]:
    try:
        told: Any = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except ValueError as error:
        raise ValueError("it begins like JSON and is none") from error
    files = told.get("files") if isinstance(told, dict) else None
    if not isinstance(files, list):
        raise ValueError("it is JSON without a list of 'files'")
    for number, each in enumerate(files, 1):
        if not isinstance(each, dict) or not isinstance(each.get("name"), str):
            raise ValueError(f"file {number} has no 'name'")
        size, sha256 = each.get("bytes"), each.get("sha256")
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
            raise ValueError(f"the 'bytes' of file {number} are no size")
        if sha256 is not None:
            sha256 = _checked_hash(sha256 if isinstance(sha256, str) else "", number)
        yield _checked_name(_of_json(each["name"], number)), Entry(size, sha256)


def _of_json(name: str, number: int) -> str:
    try:
        return from_bytes(name.encode())
    except UnicodeEncodeError as error:
        raise ValueError(f"file {number} has a name that is no text") from error


def _checked_name(name: str) -> str:
    if "/" in name or not name:
        raise ValueError(f"it names {quoted(name[:255])}, expected names of files beside it")
    return taken_path(name)


def _checked_hash(digits: str, number: int) -> str:
    if len(digits) != _DIGITS or _HASH.fullmatch(digits.encode()) is None:
        raise ValueError(f"line {number} has a hash of {len(digits)} digits; expected SHA-256, which has {_DIGITS}")
    return digits.lower()
