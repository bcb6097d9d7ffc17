"""Turn a file's declared encoding into UTF-8, truthfully.

Downstream there is only "UTF-8, perhaps with invalid bytes". UTF-8 itself passes untouched. From other encodings,
bytes that are not text become sequences that are invalid in UTF-8 (encoded lone surrogates U+DC00 + byte), so that
exactly the records that hold them are rejected as undecodable, and where such bytes stand in the file can be asked.
Nothing is ever replaced by U+FFFD, and no encoding is guessed: UTF-16 or UTF-32 without a byte order mark is read in
the one order of bytes in which its beginning has the ASCII characters that every table has, or not at all.
"""

import codecs
import re
import threading
from collections import deque
from typing import Protocol, runtime_checkable

from shared.domain.failures import AmbiguousEncoding, UndecodableFile
from shared.formats.source import ByteSource

BOM = codecs.BOM_UTF8
_HANDLER = "tidegate.mark_undecodable"
_LOW_SURROGATES = 0xDC00
_MARKED = re.compile("[\udc00-\udcff]")
_MARKED_BYTES = re.compile(rb"\xed[\xb0-\xb3][\x80-\xbf]")
_HEAD_BYTES = 4096
_CLEARLY = 10
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_KEPT_PLACES = 1 << 16
"""A file of nothing but undecodable bytes has more; where the others stand is not told."""
_WIDE_MARKS = {
    "utf-16": (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE),
    "utf-32": (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE),
}
_marking = threading.local()
"""Where the thread's decoder meets bytes that are no text; Python knows its error handlers by name alone."""


@runtime_checkable
class TextSource(ByteSource, Protocol):
    """UTF-8, perhaps with invalid bytes, that knows where in the file these stand."""

    def offset_of(self, position: int) -> int | None:
        """The offset in the file, 0-based, of the undecodable byte that is at this position of the text.

        Positions are asked for in ascending order.
        """
        ...


def as_utf8(source: ByteSource, encoding: str) -> TextSource:
    """The source's text as UTF-8, without a byte order mark at its start.

    Bytes without meaning in the encoding come out as invalid UTF-8. Reading raises `UndecodableFile` where the
    encoding cannot go on at all, `AmbiguousEncoding` where nothing tells the order of its bytes.
    """
    name = codecs.lookup(encoding).name
    if name in _WIDE_MARKS:
        return _Ordered(source, name)
    if name in ("utf-8", "utf-8-sig"):
        return _WithoutMark(source)
    return _WithoutMark(_Transcoded(source, name))


def shown(raw: bytes) -> str:
    """Bytes as text for a person: what is not text, and NUL, which no database text can hold, appears as \\xNN."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        try:
            text = raw.decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            text = raw.decode("utf-8", "backslashreplace")
        text = _MARKED.sub(lambda match: f"\\x{ord(match[0]) - _LOW_SURROGATES:02x}", text)
        text = text.encode("utf-8", "backslashreplace").decode()
    return text.replace("\0", "\\x00")


def is_text(text: str) -> bool:
    """Whether it can be kept: NUL no database text can hold, and half a surrogate pair no encoding."""
    return _NO_TEXT.search(text) is None


class _WithoutMark:
    """A source whose leading byte order mark is dropped."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._offset_of = source.offset_of if isinstance(source, TextSource) else None
        self._at_start = True
        self._dropped = 0

    def read(self, size: int, /) -> bytes:
        if not self._at_start:
            return self._source.read(size)
        self._at_start = False
        head = b""
        while len(head) < len(BOM):
            data = self._source.read(max(size, len(BOM)))
            if not data:
                break
            head += data
        if head.startswith(BOM):
            self._dropped = len(BOM)
            head = head[self._dropped :]
        return head or self._source.read(size)

    def offset_of(self, position: int) -> int | None:
        position += self._dropped
        return position if self._offset_of is None else self._offset_of(position)


class _Ordered:
    """UTF-16 or UTF-32 of which the order of bytes is still to be seen, by its mark or by its beginning."""

    def __init__(self, source: ByteSource, name: str) -> None:
        self._source = source
        self._name = name
        self._text: TextSource | None = None

    def read(self, size: int, /) -> bytes:
        if self._text is None:
            head = b""
            while len(head) < _HEAD_BYTES and (data := self._source.read(_HEAD_BYTES)):
                head += data
            self._text = _WithoutMark(_Transcoded(_Joined(head, self._source), self._order(head)))
        return self._text.read(size)

    def offset_of(self, position: int) -> int | None:
        return self._text.offset_of(position) if self._text is not None else None

    def _order(self, head: bytes) -> str:
        """RFC 2781 and Unicode would have it big-endian, and most files without a mark are little-endian."""
        little, big = _WIDE_MARKS[self._name]
        if head.startswith((little, big)) or not head:
            return f"{self._name}-{'be' if head.startswith(big) else 'le'}"
        width = len(little)
        ends = {"le": head[0::width], "be": head[width - 1 :: width]}
        empty = {"le": head[1::width], "be": head[width - 2 :: width]}
        count = {
            end: sum(a in _OF_TABLES and not b for a, b in zip(ends[end], empty[end], strict=False)) for end in ends
        }
        order, other = sorted(count, key=lambda end: -count[end])
        if count[order] > _CLEARLY * count[other]:
            return f"{self._name}-{order}"
        raise AmbiguousEncoding(
            f"Expected a byte order mark or an ASCII character that tells the order of the bytes of {self._name}, "
            f"found neither: say {self._name}-le or {self._name}-be."
        )


_OF_TABLES = frozenset(b"\t\r\n ,;|\"'0123456789-./:@_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


class _Joined:
    """What has been read already, then the rest."""

    def __init__(self, head: bytes, rest: ByteSource) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        if not self._head:
            return self._rest.read(size)
        data, self._head = self._head[:size], self._head[size:]
        return data


class _Transcoded:
    """A source decoded step by step and encoded again as UTF-8."""

    def __init__(self, source: ByteSource, encoding: str) -> None:
        # Registering twice is harmless; doing it here keeps the import free of effects.
        codecs.register_error(_HANDLER, _mark_undecodable)
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(_HANDLER)
        self._encoding = encoding
        self._ended = False
        self._taken_bytes = 0
        self._given_bytes = 0
        self._places: deque[tuple[int, int]] = deque()
        """Position in the text, offset in the file."""

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            data = self._source.read(max(size, 1))
            self._ended = not data
            self._taken_bytes += len(data)
            found: list[int] = []
            _marking.behind_end = found
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeError as error:
                raise UndecodableFile(
                    f"Found bytes at which {self._encoding} cannot go on, before byte {self._taken_bytes}."
                ) from error
            if text:
                return self._noted(text.encode("utf-8", "surrogatepass"), found)
        return b""

    def offset_of(self, position: int) -> int | None:
        while self._places and self._places[0][0] < position:
            self._places.popleft()
        return self._places[0][1] if self._places and self._places[0][0] == position else None

    def _noted(self, data: bytes, found: list[int]) -> bytes:
        if found:
            positions = (self._given_bytes + match.start() for match in _MARKED_BYTES.finditer(data))
            if len(self._places) > _KEPT_PLACES:
                self._places.clear()
            self._places.extend(zip(positions, (self._taken_bytes - each for each in found), strict=False))
        self._given_bytes += len(data)
        return data


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    # What is decoded always ends with the last byte that was read.
    if len(_marking.behind_end) < _KEPT_PLACES:
        _marking.behind_end += [len(error.object) - place for place in range(error.start, error.end)]
    return "".join(chr(_LOW_SURROGATES + byte) for byte in bad), error.end
