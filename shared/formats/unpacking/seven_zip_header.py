"""Read a 7z archive's header: which files there are, and how each row of them ("folder") is packed.

Written by the format's description, because the libraries trust a header's counts and sizes with their memory: here
every count is compared with how many entries there may be before anything is made of it. Nothing is decoded here, and a
feature that contact files do not need is a failure by name.

Sections are those of 7zFormat.txt (7-Zip's DOC folder).
"""

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

from shared.domain.failures import (
    ArchiveMembersOverlap,
    DamagedArchive,
    MemberIsDevice,
    MemberIsLink,
    PackingNotSupported,
    TooManyMembers,
)
from shared.formats.unpacking.budget import Budget
from shared.formats.unpacking.names import Names, shown

SIGNATURE = Struct("<6s2sIQQI")
_END, HEADER, _ARCHIVE_PROPERTIES, _ADDITIONAL, _MAIN, _FILES, _PACK, _UNPACK, _SUBSTREAMS = range(9)
_SIZE, _CRC, _FOLDER, _UNPACK_SIZE, _NUM_UNPACK, _EMPTY_STREAM, _EMPTY_FILE, _ANTI, _NAMES = range(9, 18)
_ATTRIBUTES, ENCODED = 0x15, 0x17
_MAX_CODERS = 4
_UNIX_EXTENSION, _DIRECTORY, _REPARSE_POINT = 0x8000, 0x10, 0x400


@dataclass(frozen=True, slots=True)
class Coder:
    """One step of unpacking: its method's number and its properties, and how many bytes come out."""

    method: bytes
    properties: bytes
    size_bytes: int


@dataclass(slots=True)
class Folder:
    """A row of files that are packed as one stream."""

    coders: list[Coder]
    """In the order in which they unpack."""
    start: int = 0
    packed_bytes: int = 0
    crc: int | None = None

    @property
    def size_bytes(self) -> int:
        """What comes out in the end."""
        return self.coders[-1].size_bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """The content of one file: a part of what comes of a folder."""

    folder: int
    offset: int
    size_bytes: int
    crc: int | None


@dataclass(frozen=True, slots=True)
class SevenZipFile:
    """A file of the archive; without a stream it is empty."""

    path: str
    stream: Stream | None


@dataclass(frozen=True, slots=True)
class Header:
    """What an archive holds."""

    folders: list[Folder]
    files: list[SevenZipFile]
    streams: list[Stream]


def read_encoded(data: bytes, area: int) -> Folder:
    """How the header itself is packed. `area`: how many bytes there are before it."""
    read = _Reader(data, most=_MAX_CODERS)
    read.expect(ENCODED)
    folders, _ = _streams_info(read, area)
    if len(folders) != 1:
        raise PackingNotSupported(f"Found a 7z header packed in {len(folders)} rows.")
    return folders[0]


def read_header(data: bytes, area: int, budget: Budget) -> Header:
    """The header. Raises DamagedArchive, PackingNotSupported, TooManyMembers and what is wrong with an entry."""
    read = _Reader(data, most=budget.entries_left)
    read.expect(HEADER)
    folders: list[Folder] = []
    streams: list[Stream] = []
    files: list[SevenZipFile] = []
    while (kind := read.byte()) != _END:
        if kind == _MAIN and not folders:
            folders, streams = _streams_info(read, area)
        elif kind == _FILES and not files:
            files = list(_files(read, streams, budget))
        else:
            raise PackingNotSupported(f"Found part {kind:#x} in a 7z header.")
    if not read.is_at_end:
        raise DamagedArchive("The 7z header is longer than its parts.")
    return Header(folders, files, streams)


class _Reader:
    """Numbers and bytes of a header, one after the other; never beyond its end."""

    def __init__(self, data: bytes, *, most: int) -> None:
        self._data = data
        self._at = 0
        self.most = most

    def take(self, length: int) -> bytes:
        if length > len(self._data) - self._at:
            raise DamagedArchive(f"The 7z header ends at byte {self._at}, before its end.")
        found = self._data[self._at : self._at + length]
        self._at += length
        return found

    def byte(self) -> int:
        return self.take(1)[0]

    def expect(self, kind: int) -> None:
        if (found := self.byte()) != kind:
            raise DamagedArchive(f"Expected part {kind:#x} in the 7z header, found {found:#x}.")

    def number(self) -> int:
        """Ones at the start of the first byte say how many bytes follow; its rest are the highest bits."""
        first = self.byte()
        following = 8 - (first ^ 0xFF).bit_length()
        low = int.from_bytes(self.take(following), "little")
        high = first & (0x7F >> following) if following < 8 else 0
        return low | high << 8 * following

    def count(self) -> int:
        """How many of something follow: no more than there may be entries."""
        found = self.number()
        if found > self.most:
            raise TooManyMembers(f"The 7z header speaks of {found} items, expected {self.most} at most.")
        return found

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def bits(self, count: int) -> list[bool]:
        data = self.take(-(-count // 8))
        return [bool(data[i // 8] & 0x80 >> i % 8) for i in range(count)]

    def known(self, count: int) -> list[bool]:
        """Which of so many things are told."""
        return [True] * count if self.byte() else self.bits(count)

    def checksums(self, count: int) -> list[int | None]:
        return [int.from_bytes(self.take(4), "little") if told else None for told in self.known(count)]

    @property
    def is_at_end(self) -> bool:
        return self._at == len(self._data)


def _streams_info(read: _Reader, area: int) -> tuple[list[Folder], list[Stream]]:
    packed: list[tuple[int, int]] = []
    folders: list[Folder] = []
    streams: list[Stream] | None = None
    while (kind := read.byte()) != _END:
        if kind == _PACK:
            packed = _pack_info(read, area)
        elif kind == _UNPACK:
            folders = _unpack_info(read)
        elif kind == _SUBSTREAMS:
            streams = list(_substreams(read, folders))
        else:
            raise PackingNotSupported(f"Found part {kind:#x} in a 7z header.")
    if len(packed) != len(folders):
        raise PackingNotSupported("Found files of a 7z that are packed in several streams each.")
    for folder, (start, length) in zip(folders, packed, strict=True):
        folder.start, folder.packed_bytes = start, length
    if streams is None:
        streams = [Stream(number, 0, folder.size_bytes, folder.crc) for number, folder in enumerate(folders)]
    return folders, streams


def _pack_info(read: _Reader, area: int) -> list[tuple[int, int]]:
    start = SIGNATURE.size + read.number()
    count = read.count()
    lengths = [0] * count
    while (kind := read.byte()) != _END:
        if kind == _SIZE:
            lengths = [read.number() for _ in range(count)]
        elif kind == _CRC:
            read.checksums(count)
        else:
            raise DamagedArchive(f"Found part {kind:#x} among the packed sizes of a 7z header.")
    found = []
    for length in lengths:
        found.append((start, length))
        start += length
    if start > area:
        raise ArchiveMembersOverlap("The packed files of the 7z reach beyond its end.")
    return found


def _unpack_info(read: _Reader) -> list[Folder]:
    read.expect(_FOLDER)
    count = read.count()
    _refuse_external(read)
    shapes = [_folder(read) for _ in range(count)]
    read.expect(_UNPACK_SIZE)
    folders = []
    for coders, order in shapes:
        sizes = [read.number() for _ in coders]
        folders.append(Folder([Coder(*coders[i], sizes[i]) for i in order]))
    while (kind := read.byte()) != _END:
        if kind != _CRC:
            raise DamagedArchive(f"Found part {kind:#x} among the folders of a 7z header.")
        for folder, crc in zip(folders, read.checksums(count), strict=True):
            folder.crc = crc
    return folders


def _folder(read: _Reader) -> tuple[list[tuple[bytes, bytes]], list[int]]:
    """A folder's coders, and the order in which they unpack."""
    count = read.number()
    if not 1 <= count <= _MAX_CODERS:
        raise PackingNotSupported(f"Found files of a 7z that are packed {count} times over.")
    coders = []
    for _ in range(count):
        flags = read.byte()
        method = read.take(flags & 0x0F)
        if flags & 0x10 and (read.number(), read.number()) != (1, 1):
            raise PackingNotSupported(f"Found method {method.hex()} of 7z, which has several streams.")
        if flags & 0xC0:
            raise PackingNotSupported("Found a reserved feature in a 7z header.")
        coders.append((method, read.take(read.number()) if flags & 0x20 else b""))
    # Each pair: the coder that takes, the coder that gives.
    takers = {}
    for _ in range(count - 1):
        taker, giver = read.number(), read.number()
        takers[giver] = taker
    first = set(range(count)) - set(takers.values())
    order: list[int] = []
    following = first.pop() if len(first) == 1 else None
    while following is not None and following < count and len(order) < count:
        order.append(following)
        following = takers.get(following)
    if len(set(order)) != count:
        raise DamagedArchive("The steps of unpacking in the 7z header make no row.")
    return coders, order


def _substreams(read: _Reader, folders: list[Folder]) -> Iterator[Stream]:
    counts = [1] * len(folders)
    kind = read.byte()
    if kind == _NUM_UNPACK:
        counts = [read.count() for _ in folders]
        kind = read.byte()
    if sum(counts) > read.most:
        raise TooManyMembers(f"The 7z header speaks of {sum(counts)} files, expected {read.most} at most.")
    sizes: list[list[int]] = []
    for folder, count in zip(folders, counts, strict=True):
        told = [read.number() for _ in range(count - 1)] if kind == _SIZE else []
        rest = folder.size_bytes - sum(told)
        if rest < 0 or (count > 1 and kind != _SIZE):
            raise DamagedArchive("The sizes of the files in the 7z header do not add up.")
        sizes.append([*told, rest] if count else [])
    if kind == _SIZE:
        kind = read.byte()
    untold = sum(count for folder, count in zip(folders, counts, strict=True) if count != 1 or folder.crc is None)
    checksums: list[int | None] = [None] * untold
    if kind == _CRC:
        checksums = read.checksums(untold)
        kind = read.byte()
    if kind != _END:
        raise DamagedArchive(f"Found part {kind:#x} among the files' sizes of a 7z header.")
    following = iter(checksums)
    for number, folder in enumerate(folders):
        offset = 0
        for size in sizes[number]:
            is_told = len(sizes[number]) == 1 and folder.crc is not None
            yield Stream(number, offset, size, folder.crc if is_told else next(following))
            offset += size


def _files(read: _Reader, streams: list[Stream], budget: Budget) -> Iterator[SevenZipFile]:
    count = read.count()
    budget.take_entries(count)
    names: list[str] = []
    is_empty = [False] * count
    is_empty_file: list[bool] = []
    attributes = [0] * count
    while (kind := read.byte()) != _END:
        part = _Reader(read.take(read.number()), most=read.most)
        if kind == _EMPTY_STREAM:
            is_empty = part.bits(count)
        elif kind == _EMPTY_FILE:
            is_empty_file = part.bits(sum(is_empty))
        elif kind == _ANTI:
            raise PackingNotSupported("Found a 7z that deletes files.")
        elif kind == _NAMES:
            _refuse_external(part)
            names = _names(part, count)
        elif kind == _ATTRIBUTES:
            told = part.known(count)
            _refuse_external(part)
            attributes = [int.from_bytes(part.take(4), "little") if each else 0 for each in told]
    if len(names) != count or count - sum(is_empty) != len(streams):
        raise DamagedArchive("The 7z header has another number of files than of names or contents.")
    return _joined(names, is_empty, is_empty_file or [False] * sum(is_empty), attributes, streams)


def _joined(
    names: list[str], is_empty: list[bool], is_empty_file: list[bool], attributes: list[int], streams: list[Stream]
) -> Iterator[SevenZipFile]:
    checked = Names()
    contents, empty_files = iter(streams), iter(is_empty_file)
    for name, without_stream, attribute in zip(names, is_empty, attributes, strict=True):
        is_directory = without_stream and not next(empty_files)
        path = checked.checked(name, is_directory=is_directory)
        _check_kind(name, attribute)
        if not is_directory:
            yield SevenZipFile(path, None if without_stream else next(contents))


def _names(read: _Reader, count: int) -> list[str]:
    try:
        found = read.rest().decode("utf-16-le").split("\0")
    except UnicodeDecodeError as error:
        raise DamagedArchive("The names in the 7z header are no UTF-16.") from error
    if found.pop() or len(found) != count:
        raise DamagedArchive(f"Expected {count} names in the 7z header, found {len(found)}.")
    return found


def _check_kind(name: str, attributes: int) -> None:
    """Windows' attributes; where bit 15 is set, Unix' mode in the upper half."""
    kind = stat.S_IFMT(attributes >> 16) if attributes & _UNIX_EXTENSION else 0
    if kind == stat.S_IFLNK or attributes & _REPARSE_POINT:
        raise MemberIsLink(f"Found {shown(name)}.")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise MemberIsDevice(f"Found {shown(name)}.")


def _refuse_external(read: _Reader) -> None:
    if read.byte():
        raise PackingNotSupported("Found a 7z header in several places.")
