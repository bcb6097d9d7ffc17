"""Encodings: what is text comes out as UTF-8; what is not comes out as bytes that no UTF-8 has."""

import io

import pytest

from shared.domain.dialect import Dialect
from shared.domain.failures import UndecodableFile
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
