"""Opening files: gzip by content, damage by name, growth with an end."""

import gzip
from pathlib import Path

import pytest

from shared.domain.failures import DamagedArchive, UnpackedTooLarge
from shared.formats.compression import Compression, open_plain

TEXT = b"a,b\n" * 50_000
PACKED = gzip.compress(TEXT)


def read_all(file: Path, content: bytes, compression: Compression = "auto", max_bytes: int = 1 << 30) -> bytes:
    file.write_bytes(content)
    found = []
    with open_plain(file, compression, max_bytes=max_bytes) as source:
        while data := source.read(10_000):
            found.append(data)
    return b"".join(found)


@pytest.mark.parametrize(
    ("content", "compression", "expected"),
    [
        (PACKED, "auto", TEXT),
        (PACKED, "gzip", TEXT),
        (PACKED, "none", PACKED),
        (TEXT, "auto", TEXT),
        (TEXT, "none", TEXT),
        (b"", "auto", b""),
        (PACKED + PACKED, "auto", TEXT + TEXT),
        (PACKED + b"\0" * 100, "auto", TEXT),
        (gzip.compress(b""), "auto", b""),
    ],
    ids=["auto", "gzip", "taken as it is", "raw", "raw as it is", "empty", "two members", "padded", "nothing packed"],
)
def test_a_file_is_unpacked_by_its_content(
    tmp_path: Path, content: bytes, compression: Compression, expected: bytes
) -> None:
    assert read_all(tmp_path / "file", content, compression) == expected


@pytest.mark.parametrize(
    ("content", "compression"),
    [
        (TEXT, "gzip"),
        (b"", "gzip"),
        (PACKED[:-1], "auto"),
        (PACKED[:20], "auto"),
        (PACKED[:2], "auto"),
        (PACKED[:50] + b"\xff\xff\xff" + PACKED[53:], "auto"),
        (PACKED[:-6] + b"\0\0" + PACKED[-4:], "auto"),
        (PACKED + b"garbage", "auto"),
    ],
    ids=["not gzip", "empty", "cut", "cut early", "magic alone", "damaged", "wrong checksum", "garbage behind"],
)
def test_damage_is_named(tmp_path: Path, content: bytes, compression: Compression) -> None:
    with pytest.raises(DamagedArchive):
        read_all(tmp_path / "file", content, compression)


def test_growth_has_an_end(tmp_path: Path) -> None:
    with pytest.raises(UnpackedTooLarge, match="1000000"):
        read_all(tmp_path / "file", gzip.compress(b"\0" * 5_000_000), max_bytes=1_000_000)
