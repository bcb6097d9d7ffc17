"""Encodings: what is text comes out as UTF-8; what is not comes out as bytes that no UTF-8 has."""

import io

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import AmbiguousEncoding, UndecodableFile
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits
from shared.formats.text import as_utf8, shown
from tests.unit.formats.reading import read


def transcoded(data: bytes, encoding: str, step: int = 3) -> bytes:
    source, found = as_utf8(io.BytesIO(data), encoding), []
    while piece := source.read(step):
        found.append(piece)
    return b"".join(found)


@pytest.mark.parametrize("step", [1, 2, 3, 1000])
@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Zoë,漢\n"),
        ("utf-8-sig", "Zoë,漢\n"),
        ("utf-16", "Zoë,漢,😀\n"),
        ("utf-16-le", "\ufeffZoë,漢,😀\n"),
        ("utf-16-be", "Zoë,漢,😀\n"),
        ("utf-32", "Zoë,漢,😀\n"),
        ("cp1252", "Zoë,€\n"),
        ("iso8859-15", "Zoë,€\n"),
        ("cp437", "Zoë\n"),
        ("shift_jis", "漢,字\n"),
        ("gb18030", "漢,😀\n"),
        ("mac_roman", "Zoë\n"),
    ],
)
def test_text_comes_out_as_utf_8_without_a_mark(encoding: str, text: str, step: int) -> None:
    assert transcoded(text.encode(encoding), encoding, step).decode() == text.removeprefix("\ufeff")


@pytest.mark.parametrize(
    ("encoding", "bad"),
    [
        ("utf-8", b"\xe9"),
        ("ascii", b"\xe9"),
        ("cp1252", b"\x81"),
        ("shift_jis", b"\x81\xff"),
        ("cp1252", b"\x81\x8d"),
    ],
)
def test_a_byte_without_meaning_rejects_its_record_only(encoding: str, bad: bytes) -> None:
    data = b"a,b\n1,2\n3,x" + bad + b"y\n4,5\n"
    result = read(data, Dialect(encoding=encoding))
    assert [line for line, _ in result.good.values()] == [2, 4]
    assert {number: (line, code) for number, (line, code, _) in result.bad.items()} == {2: (3, "undecodable")}


def test_bytes_that_are_undecodable_do_not_join_into_other_text() -> None:
    # 0x81 and 0x8D mean nothing in Windows-1252; as bytes of UTF-8 behind a lead they would be a letter.
    with pytest.raises(UnicodeDecodeError):
        transcoded(b"\xc3\x81"[1:], "cp1252").decode()
    with pytest.raises(UnicodeDecodeError):
        transcoded(b"\xc3\xa9", "ascii").decode()


def test_half_a_character_at_the_end_is_not_lost() -> None:
    with pytest.raises(UnicodeDecodeError):
        transcoded("ab".encode("utf-16-le") + b"\x41", "utf-16-le").decode()


def test_an_encoding_that_cannot_go_on_fails_the_file() -> None:
    with pytest.raises(UndecodableFile, match="undefined"):
        transcoded(b"\xff\xfe\x00\x00" + b"\xff" * 8, "undefined")


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"abc", "abc"),
        (b"a\0b", "a\\x00b"),
        (b"a\xffb", "a\\xffb"),
        (b"a\xed\xb2\x81b", "a\\x81b"),
        ("é".encode() + b"\xff", "é\\xff"),
        (b"\xed\xa0\x80", "\\ud800"),
    ],
)
def test_what_is_no_text_is_shown_as_its_bytes(raw: bytes, text: str) -> None:
    assert shown(raw) == text


TABLE = "id,name\n1,Zoë\n2,漢\n3,{}x\n4,b\n5,{}\n"


@pytest.mark.parametrize("slice_bytes", [1, 7, 1 << 20])
@pytest.mark.parametrize(
    ("encoding", "codec", "mark", "bad"),
    [
        ("utf-8", "utf-8", b"", b"\xff"),
        ("utf-8", "utf-8", b"\xef\xbb\xbf", b"\xc3"),
        ("cp1252", "cp1252", b"", b"\x81"),
        ("shift_jis", "shift_jis", b"", b"\xff"),
        ("gb18030", "gb18030", b"", b"\xff"),
        ("utf-16", "utf-16-be", b"\xfe\xff", b"\xdc\x00"),
        ("utf-16", "utf-16-le", b"", b"\x00\xdc"),
        ("utf-32", "utf-32-le", b"", b"\0\0\0\1"),
    ],
)
def test_a_reject_tells_where_the_byte_stands_in_the_file(
    encoding: str, codec: str, mark: bytes, bad: bytes, slice_bytes: int
) -> None:
    parts = [part.encode(codec, "ignore") for part in TABLE.split("{}")]
    data = mark + bad.join(parts)
    first = len(mark) + len(parts[0])
    source = as_utf8(io.BytesIO(data), encoding)
    reader = CsvReader(source, Dialect(encoding=encoding), Limits(slice_bytes=slice_bytes))
    bad_rows = [(each.code.value, each.line_number, each.byte_offset) for batch in reader for each in batch.bad]
    second = first + len(bad) + len(parts[1])
    assert bad_rows == [("undecodable", 4, first), ("undecodable", 6, second)]


def test_a_header_that_is_no_text_tells_where() -> None:
    with pytest.raises(UndecodableFile, match="line 2, at byte 3 of the file"):
        read(b"\na,\x81\n", Dialect(encoding="cp1252"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_the_order_of_bytes_shows_without_a_mark_too(encoding: str, order: str) -> None:
    text = "名,都市\n鈴木,東京\n"
    assert transcoded(text.encode(f"{encoding}-{order}"), encoding).decode() == text


def test_an_order_of_bytes_that_nothing_tells_is_not_guessed() -> None:
    for data in ("漢字".encode("utf-16-le"), b"\0\0\0\0", b","):
        with pytest.raises(AmbiguousEncoding, match="utf-16-le or utf-16-be"):
            transcoded(data, "utf-16")
    assert transcoded(b"", "utf-16") == b""
