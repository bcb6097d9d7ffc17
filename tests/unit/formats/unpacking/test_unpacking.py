"""What was packed comes out byte for byte, member by member, in the order of the names."""

import bz2
import gzip
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import py7zr
import pytest
from backports import zstd
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from shared.formats.unpacking.packing import HEAD_BYTES, packing_of
from tests.unit.formats.unpacking import sevens
from tests.unit.formats.unpacking.opening import fault, opened
from tests.unit.formats.unpacking.packing import STREAMS, Files, seven_zipped, tarred, zipped, zipped_streaming

TEXT = b"email,name\n" + b"".join(b"person%d@example.com,Person %d\n" % (n, n) for n in range(5_000))
FILES = {"b.csv": TEXT, "a/long name.csv": b"x" * 100_000, "empty.csv": b"", "ü.csv": b"\x00\xff"}

ARCHIVES: dict[str, Callable[[Files], bytes]] = {
    "zip": zipped,
    "zip, stored": lambda files: zipped(files, zipfile.ZIP_STORED),
    "zip, bzip2": lambda files: zipped(files, zipfile.ZIP_BZIP2),
    "zip, LZMA": lambda files: zipped(files, zipfile.ZIP_LZMA),
    "zip, streamed": zipped_streaming,
    "tar, pax": tarred,
    "tar, GNU": lambda files: tarred(files, tarfile.GNU_FORMAT),
    "tar, ustar": lambda files: tarred(files, tarfile.USTAR_FORMAT),
    "7z": seven_zipped,
    "7z, header in the clear": sevens.plain,
    "7z, LZMA": lambda files: seven_zipped(files, filters=[{"id": py7zr.FILTER_LZMA}]),
    "7z, delta and LZMA2": lambda files: seven_zipped(
        files, filters=[{"id": py7zr.FILTER_DELTA, "dist": 3}, {"id": py7zr.FILTER_LZMA2, "preset": 1}]
    ),
    "7z, bzip2": lambda files: seven_zipped(files, filters=[{"id": py7zr.FILTER_BZIP2}]),
    "7z, deflate": lambda files: seven_zipped(files, filters=[{"id": py7zr.FILTER_DEFLATE}]),
    "7z, zstd": lambda files: seven_zipped(files, filters=[{"id": py7zr.FILTER_ZSTD}]),
    "7z, copied": lambda files: seven_zipped(files, filters=[{"id": py7zr.FILTER_COPY}]),
}


@pytest.mark.parametrize("compression", ["auto", "asked for"])
@pytest.mark.parametrize("name", STREAMS)
def test_a_compressed_file_is_one_member_without_a_name(tmp_path: Path, name: str, compression: str) -> None:
    asked = name if compression == "asked for" else "auto"
    assert opened(tmp_path, STREAMS[name](TEXT), compression=asked) == [(None, TEXT)]


@pytest.mark.parametrize("name", STREAMS)
def test_streams_in_a_row_are_one(tmp_path: Path, name: str) -> None:
    pack = STREAMS[name]
    assert opened(tmp_path, pack(TEXT) + pack(b"") + pack(b"more\n") + pack(b"")) == [(None, TEXT + b"more\n")]


@pytest.mark.parametrize("name", STREAMS)
def test_ten_thousand_empty_streams_are_read_in_no_time(tmp_path: Path, name: str) -> None:
    pack = STREAMS[name]
    assert opened(tmp_path, pack(b"a\n") + pack(b"") * 10_000 + pack(b"b\n")) == [(None, b"a\nb\n")]


@pytest.mark.parametrize("zeros", [4, 2_000, 1 << 20])
def test_zeros_between_streams_of_xz_are_padding(tmp_path: Path, zeros: int) -> None:
    packed = lzma.compress(b"a\n")
    assert opened(tmp_path, packed + bytes(zeros) + packed + bytes(zeros)) == [(None, b"a\na\n")]
    assert fault(tmp_path, packed + bytes(zeros + 1) + packed) == "damaged_archive"
    assert fault(tmp_path, packed + bytes(zeros - 2)) == "damaged_archive"


def test_a_skippable_frame_of_zstd_is_skipped(tmp_path: Path) -> None:
    skippable = b"\x5a\x2a\x4d\x18\x05\x00\x00\x00hello"
    assert opened(tmp_path, skippable + zstd.compress(TEXT) + skippable) == [(None, TEXT)]


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_member_comes_out_in_the_order_of_the_names(tmp_path: Path, name: str) -> None:
    packed = ARCHIVES[name](FILES)
    assert opened(tmp_path, packed) == sorted(FILES.items())
    asked = name.split(",")[0]
    assert opened(tmp_path, packed, compression=asked) == sorted(FILES.items())


@pytest.mark.parametrize("name", ARCHIVES)
def test_one_file_in_an_archive_streams(tmp_path: Path, name: str) -> None:
    assert opened(tmp_path, ARCHIVES[name]({"one.csv": TEXT})) == [("one.csv", TEXT)]


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("compression", ["auto", "tar", "stream"])
def test_a_tar_in_any_compression_is_an_archive(tmp_path: Path, stream: str, compression: str) -> None:
    asked = stream if compression == "stream" else compression
    assert opened(tmp_path, STREAMS[stream](tarred(FILES)), compression=asked) == sorted(FILES.items())


@pytest.mark.parametrize("packed", [TEXT, b"", b"B", b"PK", b"BZh is a header,b\n", b"\x50\x2a\n", b"ustar" * 200])
def test_what_is_not_packed_is_one_member_as_it_is(tmp_path: Path, packed: bytes) -> None:
    assert opened(tmp_path, packed) == [(None, packed)]


def test_none_takes_the_bytes_as_they_are(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT)
    assert opened(tmp_path, packed, compression="none") == [(None, packed)]


@pytest.mark.parametrize(
    ("packed", "compression"),
    [(TEXT, "gzip"), (TEXT, "zip"), (b"", "7z"), (gzip.compress(TEXT), "zip"), (gzip.compress(TEXT), "tar")],
    ids=["text", "text for zip", "empty", "gzip for zip", "gzip for tar"],
)
def test_another_packing_than_was_asked_for_is_named(tmp_path: Path, packed: bytes, compression: str) -> None:
    assert fault(tmp_path, packed, compression=compression) == "file_type_changed"


def test_what_is_packed_within_an_archive_is_opened_too(tmp_path: Path) -> None:
    inner = zipped({"x.csv": b"x", "deep/y.csv": gzip.compress(b"y")})
    packed = zipped(
        {"c.csv.gz": gzip.compress(b"c"), "b.zip": inner, "a.tar.bz2": bz2.compress(tarred({"t.csv": b"t"}))}
    )
    assert opened(tmp_path, packed) == [
        ("a.tar.bz2/t.csv", b"t"),
        ("b.zip/deep/y.csv", b"y"),
        ("b.zip/x.csv", b"x"),
        ("c.csv.gz", b"c"),
    ]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ("*", ["a.csv", "b.csv.gz", "in.zip/d.csv", "sub/c.csv", "sub/readme.txt"]),
        ("*.csv", ["a.csv", "b.csv.gz", "in.zip/d.csv", "sub/c.csv"]),
        ("?.csv", ["a.csv", "b.csv.gz", "in.zip/d.csv", "sub/c.csv"]),
        ("sub/*.csv", ["sub/c.csv"]),
        ("in.zip/*", ["in.zip/d.csv"]),
        ("*.CSV", []),
        ("*.txt", ["sub/readme.txt"]),
    ],
)
def test_members_are_chosen_by_name_or_by_path(tmp_path: Path, members: str, expected: list[str]) -> None:
    files = {
        "a.csv": b"1",
        "b.csv.gz": gzip.compress(b"2"),
        "sub/c.csv": b"3",
        "sub/readme.txt": b"4",
        "in.zip": zipped({"d.csv": b"5"}),
        ".hidden.csv": b"6",
        "__MACOSX/sub/._c.csv": b"7",
    }
    packed = zipped(files)
    if expected:
        assert [name for name, _ in opened(tmp_path, packed, members=members)] == expected
    else:
        assert fault(tmp_path, packed, members=members) == "no_member_matches"


def test_what_is_packed_in_a_hidden_file_is_hidden_too(tmp_path: Path) -> None:
    inner = zipped({"a.csv": b"1"})
    packed = zipped({".backup.zip": inner, "__MACOSX/a.zip": inner, ".a.csv.gz": gzip.compress(b"2"), "a.csv": b"3"})
    assert opened(tmp_path, packed, members="a.csv") == [("a.csv", b"3")]


def test_two_members_of_one_name_are_refused_however_they_come_by_it(tmp_path: Path) -> None:
    packed = zipped({"b.zip": zipped({"a.csv": b"1"}), "b.zip/a.csv": b"2"})
    assert fault(tmp_path, packed, members="a.csv") == "member_name_twice"


@pytest.mark.parametrize("packed", [zipped({}), zipped({"folder/": b""}), seven_zipped({})])
def test_an_archive_without_files_has_no_members(tmp_path: Path, packed: bytes) -> None:
    assert opened(tmp_path, packed) == []


def test_a_tar_without_a_mark_is_one_where_it_is_asked_for(tmp_path: Path) -> None:
    marked = tarred({"a.csv": b"a,b\n"}, tarfile.USTAR_FORMAT)
    header = bytearray(marked[:512])
    header[257:265] = bytes(8)
    header[148:156] = b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    oldest = bytes(header) + marked[512:]
    assert opened(tmp_path, oldest, compression="tar") == [("a.csv", b"a,b\n")]
    assert opened(tmp_path, oldest) == [(None, oldest)]
    assert opened(tmp_path, tarred({}), compression="tar") == []


def test_a_spreadsheet_is_no_archive(tmp_path: Path) -> None:
    sheet = zipped({"docProps/app.xml": b"a", "xl/workbook.xml": b"w", "[Content_Types].xml": b"t"})
    assert opened(tmp_path, sheet) == [(None, sheet)]
    assert opened(tmp_path, gzip.compress(sheet)) == [(None, sheet)]
    assert opened(tmp_path, zipped({"book.xlsx": sheet}), members="*.xlsx") == [("book.xlsx", sheet)]
    assert len(opened(tmp_path, sheet, compression="zip")) == 3


_FILES = st.dictionaries(
    st.text("abcdefgü字 -_", min_size=1, max_size=8).filter(lambda name: name == name.strip(" ")),
    st.one_of(st.binary(max_size=200), st.binary(max_size=20).map(lambda data: data * 5_000)),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize("name", ARCHIVES)
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=_FILES)
def test_whatever_is_packed_comes_out(tmp_path: Path, name: str, files: dict[str, bytes]) -> None:
    # What happens to look packed is unpacked further.
    assume(not any(packing_of(data[:HEAD_BYTES]) for data in files.values()))
    assert opened(tmp_path, ARCHIVES[name](files), compression=name.split(",")[0]) == sorted(files.items())
