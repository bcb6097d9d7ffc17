"""What FTP servers say of files: the facts of MLSD and MLST (RFC 3659), the lines of LIST, the times of MDTM.

Facts are exact. LIST is meant for people: of it only the name, the size and the kind are believed, in the two forms
that servers write, `ls -l` and that of DOS; its times lack the zone and the second. A line that is read in neither way
is told and not guessed at. Names are bytes. Pure, and every line is a stranger's.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

MAX_LINE_BYTES = 8_192
"""A name of 255 bytes, a link's target of 4,096 and what stands before them fit."""

_LINK_ARROW = b" -> "
_MONTHS = (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec")
_WORD = re.compile(rb"[^ ]+")
_MODE = re.compile(rb"[-a-zA-Z][-rwxsStTlL]{9}[.+@]?")
_CLOCK_OR_YEAR = re.compile(rb"[0-9]{1,2}:[0-9]{2}|[0-9]{4}")
_DOS = re.compile(
    rb"[0-9]{2}-[0-9]{2}-[0-9]{2,4} {1,9}[0-9]{1,2}:[0-9]{2}(?:[AP]M)? {1,30}(<[A-Z]{1,9}>|[0-9]{1,19}) (.*)"
)
_TIME = re.compile(rb"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})(?:\.[0-9]*)?")

Kind = Literal["file", "directory", "other"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a directory. `modified`: seconds since 1970; None where it was not told."""

    name: bytes
    kind: Kind
    size_bytes: int | None
    modified: float | None = None


def read_facts(line: bytes) -> Entry:
    """An entry as MLSD and MLST give it: `type=file;size=5;modify=20260102030405; name`. Raises ValueError."""
    facts, blank, name = line.partition(b" ")
    if not blank:
        raise ValueError("the server lists it in a form that is not understood")
    told = {}
    for fact in facts.split(b";"):
        key, _, value = fact.partition(b"=")
        told[key.lower()] = value
    size = told.get(b"size", b"")
    modify = told.get(b"modify")
    return Entry(
        name,
        _kind_of(told.get(b"type", b"").lower()),
        int(size) if size.isdigit() and len(size) < 20 else None,
        None if modify is None else read_time(modify),
    )


def read_line(line: bytes) -> Entry | None:
    """An entry as LIST gives it, without a time; None for a line that is none. Raises ValueError."""
    words = line.split()
    if not words or (words[0].lower() == b"total" and len(words) == 2 and words[1].isdigit()):
        return None
    if _MODE.fullmatch(words[0]):
        return _unix(line)
    dos = _DOS.fullmatch(line.lstrip(b" ")) if b"\n" not in line else None
    if dos is None:
        raise ValueError("the server lists it in a form that is not understood")
    if dos[1].isdigit():
        return Entry(dos[2], "file", int(dos[1]))
    return Entry(dos[2].lstrip(b" "), "directory" if dos[1] == b"<DIR>" else "other", None)


def read_time(digits: bytes) -> float:
    """Seconds since 1970 of `YYYYMMDDHHMMSS`, which is UTC; what stands behind the seconds is dropped, as not every
    command tells it. Raises ValueError."""
    found = _TIME.fullmatch(digits)
    try:
        if found is None:
            raise ValueError("expected YYYYMMDDHHMMSS")
        year, month, day, hour, minute, second = map(int, found.groups())
        # RFC 3659, 2.3: a leap second may be told; no clock of ours has one.
        return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC).timestamp()
    except ValueError as error:
        raise ValueError("the server gives a modification time that is no date") from error


class Lines:
    """Cuts what comes into lines. Lines end as the first ones do: a name may hold the other sign."""

    def __init__(self) -> None:
        self._rest = b""
        self._end: bytes | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole by now. Raises ValueError for one that is too long."""
        self._rest += data
        if self._end is None and b"\n" in self._rest:
            self._end = b"\r\n" if b"\r\n" in self._rest else b"\n"
        *whole, self._rest = self._rest.split(self._end) if self._end else [self._rest]
        if max(map(len, (*whole, self._rest))) > MAX_LINE_BYTES:
            raise ValueError(f"found a line of more than {MAX_LINE_BYTES:,} bytes")
        return whole

    def rest(self) -> list[bytes]:
        """The last line, where it has no end."""
        return [self._rest.rstrip(b"\r")] if self._rest else []


def _kind_of(kind: bytes) -> Kind:
    if kind == b"file":
        return "file"
    return "directory" if kind in (b"dir", b"cdir", b"pdir") else "other"


def _unix(line: bytes) -> Entry:
    """`-rw-r--r-- 1 user group 5 Jan 02 03:04 name`. Users and groups may have blanks: the date is looked for."""
    words = [word for word, _ in zip(_WORD.finditer(line), range(14), strict=False)]
    for at in range(2, len(words) - 2):
        size, month, day, when = (word[0] for word in words[at - 1 : at + 3])
        is_date = month.lower() in _MONTHS and day.isdigit() and len(day) < 3 and _CLOCK_OR_YEAR.fullmatch(when)
        if is_date and size.isdigit() and len(size) < 20:
            name = line[words[at + 2].end() + 1 :]
            return _of_mode(line[:1], name, int(size))
    raise ValueError("the server lists it in a form that is not understood")


def _of_mode(mode: bytes, name: bytes, size_bytes: int) -> Entry:
    if mode == b"-":
        return Entry(name, "file", size_bytes)
    if mode == b"l":
        name = name.partition(_LINK_ARROW)[0]
    return Entry(name, "directory" if mode == b"d" else "other", None)
