"""Opening files: gzip by content, damage by name, growth with an end."""

import gzip
import io
from pathlib import Path

import pytest

from shared.domain.failures import DamagedArchive, UnpackedTooLarge, UnpackRatioTooHigh
from shared.formats import compression
from shared.formats.compression import MAX_RATIO, Compression, open_plain

TEXT = b"a,b\n" * 50_000
PACKED = gzip.compress(TEXT)


def read_all(file: Path, content: bytes, packing: Compression = "auto", max_bytes: int = 1 << 30) -> bytes:
    file.write_bytes(content)
    found = []
    with open_plain(file, packing, max_bytes=max_bytes) as source:
        while data := source.read(10_000):
            found.append(data)
    return b"".join(found)


@pytest.mark.parametrize(
    ("content", "packing", "expected"),
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
    tmp_path: Path, content: bytes, packing: Compression, expected: bytes
) -> None:
    assert read_all(tmp_path / "file", content, packing) == expected


@pytest.mark.parametrize(
    ("content", "packing"),
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
def test_damage_is_named(tmp_path: Path, content: bytes, packing: Compression) -> None:
    with pytest.raises(DamagedArchive):
        read_all(tmp_path / "file", content, packing)


def test_growth_has_an_end(tmp_path: Path) -> None:
    with pytest.raises(UnpackedTooLarge, match="1000000"):
        read_all(tmp_path / "file", gzip.compress(b"\0" * 5_000_000), max_bytes=1_000_000)


@pytest.fixture
def free_bytes(monkeypatch: pytest.MonkeyPatch) -> int:
    """A small allowance, so that the tests need not unpack a great deal."""
    monkeypatch.setattr(compression, "RATIO_FREE_BYTES", 1 << 20)
    return 1 << 20


def test_a_bomb_is_known_by_its_ratio_long_before_its_end(tmp_path: Path, free_bytes: int) -> None:
    megabyte = b"\n" * (1 << 20)
    packed = gzip.compress(megabyte) * 100
    assert len(packed) * MAX_RATIO < 100 << 20
    (tmp_path / "bomb").write_bytes(packed)
    with open_plain(tmp_path / "bomb", max_bytes=1 << 50) as source:
        for _ in range(len(packed) * MAX_RATIO >> 20):
            assert len(source.read(1 << 20)) == 1 << 20
        with pytest.raises(UnpackRatioTooHigh, match=str(len(packed) * MAX_RATIO)):
            source.read(1 << 20)


def test_small_files_and_honest_ones_may_repeat_themselves(tmp_path: Path, free_bytes: int) -> None:
    line = b"," * 999 + b"\n"
    text = io.BytesIO()
    with gzip.GzipFile(fileobj=text, mode="wb") as file:
        for number in range(2 * free_bytes // len(line)):
            file.write(b"person%d@example.com" % number + line)
    (tmp_path / "wide").write_bytes(text.getvalue())
    (tmp_path / "small").write_bytes(gzip.compress(b"a,b\n" * (free_bytes // 4)))
    for name, least in (("wide", 2 * free_bytes), ("small", free_bytes)):
        with open_plain(tmp_path / name, max_bytes=1 << 50) as source:
            assert sum(map(len, iter(lambda: source.read(1 << 20), b""))) >= least
