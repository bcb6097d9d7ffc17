"""A zip that contradicts itself is refused, and the code says in what; one that does not is opened."""

import bz2
import lzma
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import pack

import pytest
from backports import zstd

from tests.unit.formats.unpacking.opening import fault, opened
from tests.unit.formats.unpacking.packing import zipped, zipped_with_aes
from tests.unit.formats.unpacking.zips import Part, described, descriptor, extra, zip_of, zipcrypto

TEXT = b"a,b\n1,2\n"
FULL = 0xFFFFFFFF


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


def packed_part(**settings: object) -> Part:
    return Part(content=deflated(TEXT), method=8, crc=zlib.crc32(TEXT), size=len(TEXT), **settings)  # type: ignore[arg-type]  # only what Part takes


def zip64(part: Part) -> Part:
    """With sizes and offset in the field for large files."""
    told = part.facts()
    sizes = pack("<QQ", told["size"], told["packed"])
    part.local |= {"packed": FULL, "size": FULL, "extra": extra(1, sizes)}
    part.central |= {"packed": FULL, "size": FULL, "offset": FULL, "extra": extra(1, sizes + pack("<Q", 0))}
    return part


def with_end_64(**other: int) -> bytes:
    """A zip with the end record for large files (4.3.14)."""
    plain = zip_of([Part()])
    body, end = plain[:-22], plain[-22:]
    length, offset = (int.from_bytes(end[at : at + 4], "little") for at in (12, 16))
    told = {"size": 44, "disk": 0, "first": 0, "here": 1, "entries": 1, "length": length, "offset": offset} | other
    record = pack(
        "<4sQ2H2I4Q",
        b"PK\6\6",
        told["size"],
        45,
        45,
        *(told[key] for key in ("disk", "first")),
        *(told[key] for key in ("here", "entries", "length", "offset")),
    )
    at = told.get("at", len(body))
    locator = pack("<4sIQI", b"PK\6\7", 0, at, told.get("disks", 1))
    return body + record + locator + pack("<4s4H2IH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, FULL, FULL, 0)


@pytest.mark.parametrize(
    "packed",
    [
        zip_of([Part()]),
        zip_of([packed_part()]),
        zip_of([Part()], end={"comment": b"made by hand"}),
        zip_of([described(packed_part())]),
        zip_of([described(packed_part(), marked=False)]),
        zip_of([described(packed_part(), large=True)]),
        zip_of([described(packed_part(), marked=False, large=True)]),
        zip_of([zip64(packed_part())]),
        with_end_64(),
        zip_of([Part(name=b"./a.csv")]),
        zip_of([Part(name=b"x", extra=extra(0x7075, b"\1" + pack("<I", zlib.crc32(b"x")) + b"a.csv"))]),
        zip_of([Part(extra=extra(0x7075, b"\1" + pack("<I", zlib.crc32(b"x")) + b"other.csv"))]),
        zip_of([Part(attributes=stat.S_IFREG << 16)]),
    ],
    ids=[
        "stored", "deflated", "comment", "descriptor", "descriptor without mark", "large descriptor",
        "large descriptor without mark", "zip64", "zip64 end", "dot", "Unicode path", "Unicode path of another name",
        "regular file",
    ],
)  # fmt: skip
def test_a_right_zip_is_opened(tmp_path: Path, packed: bytes) -> None:
    assert opened(tmp_path, packed) == [("a.csv", TEXT)]


DIFFER = "archive_headers_differ"
OVERLAP = "archive_members_overlap"
EXTRA = "archive_extra_bytes"
PARTS = "archive_in_several_parts"

FAULTS: dict[str, tuple[bytes, str]] = {
    "another name": (zip_of([Part(local={"name": b"b.csv"})]), DIFFER),
    "another method": (zip_of([packed_part(local={"method": 0})]), DIFFER),
    "other flags": (zip_of([Part(local={"flags": 1})]), DIFFER),
    "another encoding": (zip_of([Part(local={"flags": 1 << 11})]), DIFFER),
    "another checksum": (zip_of([Part(local={"crc": 1})]), DIFFER),
    "another size": (zip_of([packed_part(local={"size": 9})]), DIFFER),
    "another packed size": (zip_of([packed_part(local={"packed": 1})]), DIFFER),
    "stored in another size": (zip_of([Part(size=9)]), DIFFER),
    "no local header": (zip_of([Part(local={"mark": b"PK\7\7"})]), DIFFER),
    "descriptor of another checksum": (
        zip_of([packed_part(flags=8, behind=descriptor(packed_part(), crc=1))]), DIFFER),
    "descriptor of another size": (zip_of([packed_part(flags=8, behind=descriptor(packed_part(), size=1))]), DIFFER),
    "no descriptor": (zip_of([packed_part(flags=8)]), DIFFER),
    "descriptor cut": (zip_of([packed_part(flags=8, behind=descriptor(packed_part())[:-1])]), DIFFER),
    "no directory entry": (zip_of([Part(central={"mark": b"PK\1\3"})]), "inconsistent_archive"),
    "one entry more": (zip_of([Part()], end={"here": 2, "entries": 2}), "inconsistent_archive"),
    "one entry less": (
        zip_of([Part(), Part(name=b"b")], end={"here": 1, "entries": 1}), "inconsistent_archive"),
    "directory with content": (zip_of([Part(name=b"a/")]), "inconsistent_archive"),
    "extra field too long": (zip_of([Part(extra=b"\1\0\xff\0")]), "inconsistent_archive"),
    "extra field cut": (zip_of([Part(extra=b"\1\0\1")]), "inconsistent_archive"),
    "AES without its field": (zip_of([Part(method=99, flags=1)]), "inconsistent_archive"),
    "two Unicode names": (
        zip_of([Part(name=b"x", extra=b"".join(
            extra(0x7075, b"\1" + pack("<I", zlib.crc32(b"x")) + name) for name in (b"a.csv", b"b.csv")
        ))]), "inconsistent_archive"),
    "two files at one place": (zip_of([Part(), Part(name=b"b.csv", central={"offset": 0})]), OVERLAP),
    "a file within another": (
        zip_of([Part(content=zip_of([Part(name=b"b.csv")])), Part(name=b"b.csv", central={"offset": 35})]), OVERLAP),
    "a file beyond its end": (
        zip_of([packed_part(local={"packed": 500}, central={"packed": 500})]), OVERLAP),
    "a file beyond the archive": (
        zip_of([packed_part(local={"packed": 1 << 30}, central={"packed": 1 << 30})]), OVERLAP),
    "a file behind the directory": (zip_of([Part(central={"offset": 5_000})]), EXTRA),
    "bytes before the first file": (zip_of([Part(before=b"hidden")]), EXTRA),
    "bytes between files": (zip_of([Part(), Part(name=b"b.csv", before=b"hidden")]), EXTRA),
    "bytes before the directory": (zip_of([Part()], gap=b"hidden"), EXTRA),
    "a file that the directory does not list": (
        zip_of([Part()], gap=zip_of([Part(name=b"b.csv")])[:40]), EXTRA),
    "bytes behind the end": (zip_of([Part()], tail=b"hidden"), EXTRA),
    "a comment too short": (zip_of([Part()], end={"comment": b"c"})[:-1], EXTRA),
    "a directory beyond the end": (zip_of([Part()], end={"length": 5_000}), "inconsistent_archive"),
    "cut off": (zip_of([Part()])[:-30], "damaged_archive"),
    "second of two parts": (zip_of([Part()], end={"disk": 1, "first": 1}), PARTS),
    "begun in another part": (zip_of([Part(central={"disk": 1})]), PARTS),
    "end records of different parts": (with_end_64(disk=1), "zip64_inconsistent"),
    "several parts in zip64": (with_end_64(disks=2), PARTS),
    "large size that is not there": (zip_of([packed_part(central={"size": FULL})]), "zip64_inconsistent"),
    "large offset that is not there": (zip_of([packed_part(central={"offset": FULL})]), "zip64_inconsistent"),
    "large directory that is not there": (zip_of([Part()], end={"offset": FULL}), "zip64_inconsistent"),
    "end record for large files elsewhere": (with_end_64(at=0), "zip64_inconsistent"),
    "end record for large files beyond": (with_end_64(at=1 << 60), "zip64_inconsistent"),
    "end record for large files too long": (with_end_64(size=60), "zip64_inconsistent"),
    "the same name twice": (zip_of([Part(), Part()]), "member_name_twice"),
    "the same name twice after all": (zip_of([Part(), Part(name=b"./a.csv")]), "member_name_twice"),
    "absolute name": (zip_of([Part(name=b"/etc/passwd")]), "member_name_absolute"),
    "drive": (zip_of([Part(name=b"C:a.csv")]), "member_name_absolute"),
    "outward name": (zip_of([Part(name=b"a/../../b.csv")]), "member_name_outward"),
    "backslash": (zip_of([Part(name=b"a\\b.csv")]), "member_name_backslash"),
    "NUL": (zip_of([Part(name=b"a.csv\0.exe")]), "member_name_unreadable"),
    "line end": (zip_of([Part(name=b"a\n.csv")]), "member_name_unreadable"),
    "no UTF-8": (zip_of([Part(name=b"a\xff.csv", flags=1 << 11)]), "member_name_unreadable"),
    "no name": (zip_of([Part(name=b"")]), "member_name_unreadable"),
    "a dot for a name": (zip_of([Part(name=b".")]), "member_name_unreadable"),
    "long name": (zip_of([Part(name=b"a" * 256)]), "member_name_too_long"),
    "long path": (zip_of([Part(name=b"a/" * 600 + b"b")]), "member_name_too_long"),
    "link": (zip_of([Part(attributes=stat.S_IFLNK << 16)]), "member_is_link"),
    "device": (zip_of([Part(attributes=stat.S_IFCHR << 16)]), "member_is_device"),
    "pipe": (zip_of([Part(attributes=stat.S_IFIFO << 16)]), "member_is_device"),
    "unknown method": (zip_of([Part(method=1)]), "packing_not_supported"),
    "PPMd": (zip_of([Part(method=98)]), "packing_not_supported"),
    "strong encryption": (zip_of([Part(flags=1 | 1 << 6)]), "packing_not_supported"),
    "masked headers": (zip_of([Part(flags=1 | 1 << 13)]), "packing_not_supported"),
    "password and unusual method": (zip_of([Part(method=93, flags=1)]), "packing_not_supported"),
    "more content than told": (zip_of([packed_part(local={"size": 7}, central={"size": 7})]), "damaged_archive"),
    "less content than told": (zip_of([packed_part(local={"size": 9}, central={"size": 9})]), "damaged_archive"),
    "wrong checksum": (zip_of([packed_part(local={"crc": 1}, central={"crc": 1})]), "damaged_archive"),
    "bytes behind a packed content": (
        zip_of([Part(content=deflated(TEXT) + b"x", method=8, crc=zlib.crc32(TEXT), size=len(TEXT))]),
        "damaged_archive"),
}  # fmt: skip


LINES = b"a,b\n" + b"1,2\n" * 8
LZMA = bytes.fromhex("1002 0500 5d00100000 00308b0840a674d2aea7cc3b380000")
"""These lines in LZMA without an end mark, which Python's packer cannot leave out (made by 7-Zip)."""
UNPACKED_BLOCK = b"\x01" + pack("<HH", len(LINES), len(LINES) ^ 0xFFFF) + LINES

METHODS: dict[str, tuple[int, bytes]] = {
    "deflate64": (9, UNPACKED_BLOCK),
    "bzip2": (12, bz2.compress(LINES)),
    "LZMA": (14, LZMA),
    "zstd": (93, zstd.compress(LINES)),
    "xz": (95, lzma.compress(LINES)),
}


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_unpacked_and_damage_in_it_is_seen(tmp_path: Path, method: str) -> None:
    number, content = METHODS[method]

    def packed(content: bytes, size: int = len(LINES), crc: int = zlib.crc32(LINES)) -> bytes:
        return zip_of([Part(content=content, method=number, crc=crc, size=size)])

    assert opened(tmp_path, packed(content)) == [("a.csv", LINES)]
    assert fault(tmp_path, packed(content[:-9])) == "damaged_archive"
    assert fault(tmp_path, packed(content, crc=1)) == "damaged_archive"
    assert fault(tmp_path, packed(content, size=len(LINES) - 1)) == "damaged_archive"
    assert fault(tmp_path, packed(content, size=len(LINES) + 1)) == "damaged_archive"
    assert fault(tmp_path, packed(content[:5] + b"\xff\xff\xff\xff" + content[9:])) != ""


@pytest.mark.parametrize("case", FAULTS)
def test_the_fault_of_a_zip_is_named(tmp_path: Path, case: str) -> None:
    packed, code = FAULTS[case]
    assert fault(tmp_path, packed, compression="zip", passwords=["secret"]) == code


def _zipcrypto_part(password: bytes, *, has_descriptor: bool = False) -> bytes:
    proof = 0x6C if has_descriptor else zlib.crc32(TEXT) >> 24
    content = zipcrypto(deflated(TEXT), password, proof)
    part = Part(content=content, method=8, flags=1, crc=zlib.crc32(TEXT), size=len(TEXT))
    return zip_of([described(part) if has_descriptor else part])


PROTECTED: dict[str, Callable[[], bytes]] = {
    "AES-128": lambda: zipped_with_aes({"a.csv": TEXT}, "sécret", 128),
    "AES-192": lambda: zipped_with_aes({"a.csv": TEXT}, "sécret", 192),
    "AES-256": lambda: zipped_with_aes({"a.csv": TEXT}, "sécret", 256),
    "ZipCrypto": lambda: _zipcrypto_part("sécret".encode()),
    "ZipCrypto, streamed": lambda: _zipcrypto_part("sécret".encode(), has_descriptor=True),
}


@pytest.mark.parametrize("case", PROTECTED)
def test_the_right_one_of_several_passwords_opens_a_zip(tmp_path: Path, case: str) -> None:
    packed = PROTECTED[case]()
    assert opened(tmp_path, packed, passwords=["sécret"]) == [("a.csv", TEXT)]
    # So many that some pass the one byte that ZipCrypto has for a proof.
    passwords = [*(f"wrong {number}" for number in range(600)), "sécret"] if "Crypto" in case else ["wrong", "sécret"]
    assert opened(tmp_path, packed, passwords=passwords) == [("a.csv", TEXT)]


@pytest.mark.parametrize("case", PROTECTED)
def test_a_missing_password_is_another_failure_than_a_wrong_one(tmp_path: Path, case: str) -> None:
    packed = PROTECTED[case]()
    assert fault(tmp_path, packed) == "archive_password_missing"
    assert fault(tmp_path, packed, passwords=["wrong"]) == "archive_password_wrong"


def test_a_password_that_is_not_needed_does_no_harm(tmp_path: Path) -> None:
    assert opened(tmp_path, zipped({"a.csv": TEXT}), passwords=["secret"]) == [("a.csv", TEXT)]
