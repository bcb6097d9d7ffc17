"""Make bombs: small files that would unpack to much, to no end, or only with more memory than there is.

Run as a program it defuses those in a folder and prints, as JSON, the code each ended with and the most memory, in
bytes, that all of it took.
"""

import bz2
import gzip
import json
import lzma
import re
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import pack

import py7zr
from backports import zstd

from shared.domain.failures import Failure
from shared.domain.unpack import Unpack
from shared.formats.unpacking.members import open_members
from tests.unit.formats.unpacking import sevens
from tests.unit.formats.unpacking.packing import seven_zipped, tarred, zipped
from tests.unit.formats.unpacking.zips import Part, zip_of

PIECE = bytes(16 << 20)
TIMES = 100
"""Each bomb of mere size would come to 1.6 GB."""


def nested(depth: int) -> bytes:
    """An archive in an archive, and so on."""
    packed = b"a,b\n"
    for _ in range(depth):
        packed = zipped({"inner.zip": packed})
    return packed


def tree(breadth: int, depth: int) -> bytes:
    """A zip of zips of zips whose leaves are large: 42.zip, smaller."""
    packed = zipped({"leaf": PIECE})
    for _ in range(depth):
        packed = zipped({f"{number}.zip": packed for number in range(breadth)})
    return packed


def overlapping(count: int) -> bytes:
    """Many directory entries for one content (D. Fifield, "A better zip bomb")."""
    content = zlib.compressobj(9, wbits=-15)
    packed = content.compress(PIECE) + content.flush()
    facts = {"content": packed, "method": 8, "crc": zlib.crc32(PIECE), "size": len(PIECE)}
    names = [b"%d.csv" % number for number in range(count)]
    first = Part(name=names[0], **facts)  # type: ignore[arg-type]  # only what Part takes
    others = [
        Part(name=name, content=b"", central={"offset": 0, "packed": len(packed), "size": len(PIECE)}, method=8)
        for name in names[1:]
    ]
    return zip_of([first, *others])


def xz_dictionary() -> bytes:
    """An xz stream that asks for a dictionary of four gigabytes (the xz format 1.2.0, 3.1)."""
    packed = bytearray(lzma.compress(b"a,b\n"))
    size = (packed[12] + 1) * 4
    packed[12 + 4] = 40
    packed[12 + size - 4 : 12 + size] = pack("<I", zlib.crc32(packed[12 : 12 + size - 4]))
    return bytes(packed)


def zip_dictionary() -> bytes:
    """A zip with LZMA and a dictionary of four gigabytes."""
    return zip_of([Part(content=b"\x09\x14\x05\x00\x5d\xff\xff\xff\xff" + bytes(20), method=14, size=100)])


def seven_dictionary() -> bytes:
    """A 7z with a dictionary of four gigabytes."""
    change = sevens.replaced(b"\x01\x21\x21\x01\x10", b"\x01\x21\x21\x01\x28")
    return sevens.changed(sevens.plain({"a.csv": b"a,b\n"}), change)


def seven_header() -> bytes:
    """A 7z whose header unpacks to a gigabyte."""
    filters = [{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]
    packed = lzma.compress(bytes(1 << 20), lzma.FORMAT_RAW, filters=filters)
    size = b"\xff" + pack("<Q", 1 << 30)
    length = b"\xff" + pack("<Q", len(packed))
    header = b"\x17\x06\x00\x01\x09" + length + b"\x00\x07\x0b\x01\x00\x01\x21\x21\x01\x10\x0c" + size + b"\x00\x00"
    return sevens.with_header(packed, header)


def _zstd_window() -> bytes:
    """A zstd frame that asks for a window of two gigabytes (RFC 8878, 3.1.1.1.2)."""
    return b"\x28\xb5\x2f\xfd\x00\xa8" + (1 << 3 | 1).to_bytes(3, "little") + b"a"


def repeated(method: int) -> bytes:
    """A zip of five files of one content, which is packed once: packing takes longer than unpacking."""
    once = zipped({"a": PIECE}, method)
    start = 30 + len("a")
    size = int.from_bytes(once[18:22], "little")
    content, flags = once[start : start + size], int.from_bytes(once[6:8], "little")
    facts = {"content": content, "flags": flags, "method": method, "crc": zlib.crc32(PIECE), "size": len(PIECE)}
    return zip_of([Part(name=b"%d.csv" % number, **facts) for number in range(5)])  # type: ignore[arg-type]  # only what Part takes


def seven(**settings: int) -> bytes:
    """A 7z of five files in a row."""
    return seven_zipped({f"{number}.csv": PIECE for number in range(5)}, filters=[settings])


GROWTH, DEPTH, MEMORY = "unpack_ratio_too_high", "packed_too_deep", "unpacking_needs_memory"

BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "gzip": (lambda: gzip.compress(PIECE) * 20, GROWTH),
    "bzip2": (lambda: bz2.compress(PIECE) * TIMES, GROWTH),
    "xz": (lambda: lzma.compress(PIECE, preset=0) * TIMES, GROWTH),
    "zstd": (lambda: zstd.compress(PIECE) * TIMES, GROWTH),
    "zip": (lambda: repeated(zipfile.ZIP_DEFLATED), GROWTH),
    "zip with bzip2": (lambda: repeated(zipfile.ZIP_BZIP2), GROWTH),
    "zip with LZMA": (lambda: repeated(zipfile.ZIP_LZMA), GROWTH),
    "7z": (lambda: seven(id=py7zr.FILTER_LZMA2, preset=0), GROWTH),
    "7z with zstd": (lambda: seven(id=py7zr.FILTER_ZSTD), GROWTH),
    "tar in xz": (lambda: lzma.compress(tarred({f"{n}.csv": PIECE for n in range(5)}), preset=0), GROWTH),
    "many members": (lambda: zipped(dict.fromkeys(map(str, range(10_001)), b"")), "too_many_members"),
    "overlapping zip": (lambda: overlapping(1_000), "archive_members_overlap"),
    "gzip in gzip": (lambda: gzip.compress(gzip.compress(gzip.compress(PIECE, 1) * 8)), GROWTH),
    "zip of zips": (lambda: tree(8, 2), GROWTH),
    "nested zips": (lambda: nested(100), DEPTH),
    "nested streams": (lambda: _in_streams(b"a,b\n", 100), DEPTH),
    "7z in tar in gzip in zip": (
        lambda: zipped({"a.tgz": gzip.compress(tarred({"a.7z": seven(id=py7zr.FILTER_ZSTD)}))}),
        GROWTH,
    ),
    "dictionary of xz": (xz_dictionary, MEMORY),
    "dictionary in zip": (zip_dictionary, MEMORY),
    "dictionary of 7z": (seven_dictionary, MEMORY),
    "window of zstd": (_zstd_window, MEMORY),
    "header of 7z": (seven_header, "too_many_members"),
}


def _in_streams(packed: bytes, depth: int) -> bytes:
    for number in range(depth):
        packed = (gzip.compress, bz2.compress, lzma.compress, zstd.compress)[number % 4](packed)
    return packed


def defuse(bomb: Path, workspace: Path) -> str:
    """The code of the failure that a bomb ends with, having read on until the failure comes."""
    try:
        with open_members(bomb, Unpack(), workspace=workspace, max_bytes=50 << 30) as members:
            for member in members:
                with member.open() as source:
                    while source.read(1 << 20):
                        pass
    except Failure as failure:
        return failure.code
    return "it went off"


def _peak_bytes() -> int:
    """The most memory that this process ever had (ru_maxrss would count the process that started it, too)."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) << 10


def main() -> None:
    """Defuse all bombs of a folder."""
    with tempfile.TemporaryDirectory() as place:
        codes = {bomb.name: defuse(bomb, Path(place)) for bomb in sorted(Path(sys.argv[1]).iterdir())}
    print(json.dumps({"codes": codes, "peak_bytes": _peak_bytes()}))  # noqa: T201 this is a program


if __name__ == "__main__":
    main()
