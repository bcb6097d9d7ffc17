"""Read a tar: plain POSIX (ustar, pax) and GNU archives, entry by entry, out of a local file.

Only single headers are left to the standard library. Its reader of whole archives takes a damaged header in the middle
for the end of the archive and follows links, sparse maps and names as they come; here each of these is a failure.
The format (POSIX.1-2017, pax; GNU tar manual, appendix D) has checksums on headers alone, none on content.
"""

import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from shared.domain.failures import (
    ArchiveHasExtraBytes,
    DamagedArchive,
    InconsistentArchive,
    MemberIsDevice,
    MemberIsLink,
    MemberIsSparse,
    MemberNameTooLong,
    PackingNotSupported,
)
from shared.formats.unpacking.budget import Budget, Meter
from shared.formats.unpacking.content import CHUNK_BYTES, Region
from shared.formats.unpacking.entry import Entry
from shared.formats.unpacking.names import Names, shown

_BLOCK = 512
_MAX_EXTENDED_BYTES = 64 << 10
"""Of one pax or long-name header. Names may have a thousand bytes; times, owners and comments are short."""
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS = (tarfile.LNKTYPE, tarfile.SYMTYPE)
_DEVICES = (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE)
_LONG_NAMES = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_RECORD = re.compile(rb"(\d{1,7}) ([^=]{1,255})=")
_PLACED = ("path", "size", "linkpath")
"""What pax says of one entry; of all entries at once it would be nonsense."""


def entries(path: Path, budget: Budget, *, counts: bool) -> Iterator[Entry]:
    """The files of a tar, in its order. `counts` where reading them has not been counted before.

    Raises DamagedArchive, ArchiveHasExtraBytes, InconsistentArchive, PackingNotSupported and what is wrong with an
    entry. Close it where it is not read to its end.
    """
    names = Names()
    with path.open("rb") as file:
        size = path.stat().st_size
        while (header := _next_header(file, size)) is not None:
            budget.take_entries()
            start = file.tell()
            is_directory = header.type == tarfile.DIRTYPE
            name = names.checked(header.name, is_directory=is_directory)
            if not is_directory:
                _check_kind(header)
                meter = Meter(budget) if counts else None
                yield Entry(name, Region(path, start, header.size, meter), header.size)
                _skip(file, header.size, size)
        _check_end(file)


@dataclass(slots=True)
class _Header:
    name: str
    type: bytes
    size: int
    said: dict[str, str] = field(default_factory=dict)


def _next_header(file: BinaryIO, size: int) -> _Header | None:
    """The next entry's header with all that was said before it; None at the end mark."""
    said: dict[str, str] = {}
    while True:
        at = file.tell()
        block = file.read(_BLOCK)
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # not in the stubs
            if said:
                raise DamagedArchive(f"It ends at byte {at}, within an entry's headers.") from None
            return None
        except tarfile.HeaderError as error:
            what = "ends before its end mark" if len(block) < _BLOCK else "has a damaged header"
            raise DamagedArchive(f"The tar {what} at byte {at}.") from error
        if info.size < 0:
            raise DamagedArchive(f"The tar has an entry of negative size at byte {at}.")
        if info.type in _LONG_NAMES:
            said[_LONG_NAMES[info.type]] = _text(_extended(file, info.size, size).rstrip(b"\0"))
        elif info.type in _PAX:
            said |= _pax(_extended(file, info.size, size))
        elif info.type == tarfile.XGLTYPE:
            _check_global(_pax(_extended(file, info.size, size)))
        else:
            return _joined(info, said)


def _joined(info: tarfile.TarInfo, said: dict[str, str]) -> _Header:
    name = said.get("path", info.name)
    length = said.get("size")
    if length is not None and not re.fullmatch(r"[0-9]{1,18}", length):
        raise InconsistentArchive("A pax header has a size that is no number.")
    kind = tarfile.DIRTYPE if info.type == tarfile.AREGTYPE and name.endswith("/") else info.type
    return _Header(
        _text(name.encode("utf-8", "surrogateescape")), kind, info.size if length is None else int(length), said
    )


def _check_kind(header: _Header) -> None:
    if header.type in _LINKS:
        raise MemberIsLink(f"Found {shown(header.name)}.")
    if header.type in _DEVICES:
        raise MemberIsDevice(f"Found {shown(header.name)}.")
    if header.type == tarfile.GNUTYPE_SPARSE or any(key.startswith("GNU.sparse") for key in header.said):
        raise MemberIsSparse(f"Found {shown(header.name)}.")
    if header.type not in _FILES:
        raise PackingNotSupported(f"Found an entry of type {header.type.decode('latin-1')!a} in a tar.")


def _extended(file: BinaryIO, length: int, size: int) -> bytes:
    if length > _MAX_EXTENDED_BYTES:
        raise MemberNameTooLong(f"Found a header of {length} bytes, expected {_MAX_EXTENDED_BYTES} at most.")
    start = file.tell()
    data = file.read(length)
    file.seek(start)
    _skip(file, length, size)
    return data


def _skip(file: BinaryIO, length: int, size: int) -> None:
    """Go to the block behind the content, which must be there in full."""
    end = file.tell() + length + -length % _BLOCK
    if end > size:
        raise DamagedArchive(f"The tar ends at byte {size}, before the end of an entry at byte {end}.")
    file.seek(end)


def _pax(data: bytes) -> dict[str, str]:
    """The records of a pax header: `length key=value\\n`, the length counting all of it (POSIX.1-2017, pax)."""
    found: dict[str, str] = {}
    at = 0
    while at < len(data) and data[at]:
        record = _RECORD.match(data, at)
        end = at + int(record[1]) if record else 0
        if record is None or not record.end() < end <= len(data) or data[end - 1 : end] != b"\n":
            raise DamagedArchive("A pax header of the tar is damaged.")
        found[_text(record[2])] = _text(data[record.end() : end - 1])
        at = end
    return found


def _check_global(said: dict[str, str]) -> None:
    for key in said:
        if key in _PLACED or key.startswith("GNU.sparse"):
            raise InconsistentArchive(f"A header for all entries of the tar sets {shown(key)}.")


def _check_end(file: BinaryIO) -> None:
    """Behind the end mark there is nothing but zeros: what is hidden there, other programs would unpack."""
    while data := file.read(CHUNK_BYTES):
        if data.strip(b"\0"):
            raise ArchiveHasExtraBytes(f"Found them behind the tar's end mark, before byte {file.tell()}.")


def _text(raw: bytes) -> str:
    """Names are UTF-8 in pax and whatever the sender's system had elsewhere; they are only shown and matched."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
