"""A file means the same wherever its pieces are cut: with a border at every byte, in every kind of encoding."""

import codecs
import io
from encodings.aliases import aliases

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.domain.dialect import NO_FILE_ENCODINGS, Dialect
from shared.domain.failures import AmbiguousEncoding, UndecodableFile
from shared.formats.csv_reader import CsvReader
from shared.formats.limits import Limits
from shared.formats.text import as_utf8
from tests.examples import examples
from tests.unit.formats.reading import Read, Row, read, read_from

TEXT = (
    '\n\r\n"na\rme",b\r\n'  # lines 1 to 4: the header is on the third, and in two
    "1,2\n"
    '"x,""y""\r\nz",é\r'  # lines 6 and 7
    '\ufeff3,"\ufeff"\n'
    "\ufeff4,\ufeff\n"
    "\n\r\n\r"  # lines 10 to 12
    ",\n"
    '"",""\r\n'
    "7"
    '\n8,9,""\n'
    'a"b,c\n'
    '"open,d\n'
    "last,漢"
)
GOOD: dict[int, tuple[int, Row]] = {
    1: (5, ("1", "2")),
    2: (6, ('x,"y"\r\nz', "é")),
    3: (8, ("\ufeff3", "\ufeff")),
    4: (9, ("\ufeff4", "\ufeff")),
    5: (13, ("", "")),
    6: (14, ("", "")),
    11: (19, ("last", "漢")),
}
BAD: dict[int, tuple[int, str, Row]] = {
    7: (15, "too_few_fields", ("7",)),
    8: (16, "too_many_fields", ("8", "9", "")),
    9: (17, "stray_quote", ('a"b', "c")),
    10: (18, "unclosed_quote", ('"open', "d")),
}

UNICODE = {
    "utf-8": b"",
    "utf-8-sig": codecs.BOM_UTF8,
    "utf-16": codecs.BOM_UTF16_BE,
    "utf-16-le": b"",
    "utf-16-be": codecs.BOM_UTF16_BE,
    "utf-32": codecs.BOM_UTF32_LE,
    "gb18030": b"",
}
"""Encodings, and the mark before a text."""

_ENCODERS = {"utf-16": "utf-16-be", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
"""What writes a text without a mark, where the encoding of that name writes one."""

JUMBLED = {"iso2022_jp_2004"}
"""Python's decoder says of a broken escape sequence, cut into pieces, that it cannot go on; whole, that it is no text.
Both is said of the bytes, and nothing is guessed."""


class Pieces:
    """A source that gives so many bytes at a time, whatever it is asked for."""

    def __init__(self, data: bytes, size: int) -> None:
        self._file = io.BytesIO(data)
        self._size = size

    def read(self, size: int, /) -> bytes:
        return self._file.read(min(size, self._size))


@pytest.mark.parametrize("only_exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("encoding", UNICODE)
def test_a_border_at_any_byte_changes_nothing(encoding: str, only_exact: bool) -> None:
    data = UNICODE[encoding] + TEXT.encode(_ENCODERS.get(encoding, encoding))
    expected = Read(("na\rme", "b"), 2, GOOD, BAD)
    for size in range(1, len(data) + 2):
        source = as_utf8(Pieces(data, size), encoding)
        reader = CsvReader(source, Dialect(encoding=encoding), Limits(slice_bytes=size), only_exact=only_exact)
        assert read_from(reader) == expected, size


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_may_stand_before_a_quoted_header(encoding: str) -> None:
    data = '\ufeff"e-mail",b\n1,2\n'.encode(_ENCODERS.get(encoding, encoding))
    for only_exact in (False, True):
        assert read(data, Dialect(encoding=encoding), only_exact=only_exact).header == ("e-mail", "b")


def encodings() -> list[str]:
    """Every encoding that a dialect takes."""
    found = set()
    for name in sorted({*aliases.values(), "utf-8-sig"} - NO_FILE_ENCODINGS):
        try:
            found.add(Dialect(encoding=name).encoding)
        except ValueError:
            continue
    return sorted(found)


def test_there_are_encodings_enough() -> None:
    assert {"utf-8", "utf-16", "cp1252", "iso8859-15", "shift_jis", "gb18030", "koi8-r", "cp037"} <= set(encodings())


@pytest.mark.parametrize("encoding", encodings())
def test_whatever_an_encoding_can_write_is_read_back(encoding: str) -> None:
    letters = "".join(c for c in map(chr, range(0x80, 0x3000)) if _comes_back(c, encoding))
    text = f'a,b\r\n1,"{letters}"\n"x\n",2\n'
    data = text.encode(encoding)
    for size in (1, 2, 3, 1 << 20):
        for only_exact in (False, True):
            source = as_utf8(Pieces(data, size), encoding)
            reader = CsvReader(source, Dialect(encoding=encoding), Limits(slice_bytes=4096), only_exact=only_exact)
            found = read_from(reader)
            assert found.header == ("a", "b")
            assert found.good == {1: (2, ("1", letters)), 2: (3, ("x\n", "2"))}


def _comes_back(character: str, encoding: str) -> bool:
    try:
        return character.encode(encoding).decode(encoding) == character
    except UnicodeError:
        return False


@settings(max_examples=examples(120))
@given(
    encoding=st.sampled_from([name for name in encodings() if name not in JUMBLED]),
    data=st.binary(max_size=12)
    | st.lists(st.sampled_from(list(b'\x1b$B(J~{\n\r",a\xff\xfe\xef\xbb\xbf\x81\xd8\xdc\0')), max_size=12).map(bytes),
)
def test_hostile_bytes_come_to_the_same_in_any_pieces(encoding: str, data: bytes) -> None:
    whole = _decoded(data, encoding, 100, 100)
    for size in (1, 2, 3):
        for asked in (1, 4):
            assert _decoded(data, encoding, size, asked) == whole


def _decoded(data: bytes, encoding: str, size: int, asked: int) -> bytes | str:
    source = as_utf8(Pieces(data, size), encoding)
    parts = []
    try:
        while part := source.read(asked):
            parts.append(part)
    except (UndecodableFile, AmbiguousEncoding) as failure:
        return failure.code
    return b"".join(parts)
