"""Turn a file's declared encoding into UTF-8, truthfully.

Downstream there is only "UTF-8, perhaps with invalid bytes". UTF-8 itself passes untouched. From other encodings,
bytes that are not text become sequences that are invalid in UTF-8 (encoded lone surrogates U+DC00 + byte), so that
exactly the records that hold them are rejected as undecodable. Nothing is ever replaced by U+FFFD, and no encoding is
guessed.
"""

import codecs
import re

from shared.domain.failures import UndecodableFile
from shared.formats.source import ByteSource

BOM = codecs.BOM_UTF8
_HANDLER = "tidegate.mark_undecodable"
_LOW_SURROGATES = 0xDC00
_MARKED = re.compile("[\udc00-\udcff]")


def as_utf8(source: ByteSource, encoding: str) -> ByteSource:
    """The source's text as UTF-8, without a byte order mark at its start.

    Bytes without meaning in the encoding come out as invalid UTF-8. Raises `UndecodableFile` while reading where
    the encoding cannot go on at all.
    """
    name = codecs.lookup(encoding).name
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


class _WithoutMark:
    """A source whose leading byte order mark is dropped."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._at_start = True

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
        head = head.removeprefix(BOM)
        return head or self._source.read(size)


class _Transcoded:
    """A source decoded step by step and encoded again as UTF-8."""

    def __init__(self, source: ByteSource, encoding: str) -> None:
        # Registering twice is harmless; doing it here keeps the import free of effects.
        codecs.register_error(_HANDLER, _mark_undecodable)
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)(_HANDLER)
        self._encoding = encoding
        self._ended = False

    def read(self, size: int, /) -> bytes:
        while not self._ended:
            data = self._source.read(max(size, 1))
            self._ended = not data
            try:
                text = self._decoder.decode(data, final=self._ended)
            except UnicodeError as error:
                raise UndecodableFile(f"Found bytes at which {self._encoding} cannot go on.") from error
            if text:
                return text.encode("utf-8", "surrogatepass")
        return b""


def _mark_undecodable(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    bad = error.object[error.start : error.end]
    return "".join(chr(_LOW_SURROGATES + byte) for byte in bad), error.end
