"""Write delimited text in a dialect, so that our own reader reads the same values back.

A null is written as the dialect's first null sequence, an empty text as an empty field; a field is quoted or escaped
only where it must be. What the dialect cannot express (a delimiter inside a value where there is neither quote nor
escape character, a letter that the encoding lacks) is refused with `UnwritableValue`, never dropped. Line ends are
LF.

Frames go through polars where the dialect allows, rows through Python; both give the same bytes.
"""

import codecs
import io
import re
from collections.abc import Iterable, Sequence

import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.failures import UnwritableValue

Fields = Sequence[str | None]

_MARK = "\ufeff"


class CsvWriter:
    """Turns rows into the bytes of one file, in order. It opens and keeps nothing."""

    def __init__(self, dialect: Dialect) -> None:
        """Raises `UnwritableValue` where the dialect cannot express its own null sequence."""
        self._dialect = dialect
        self._encoder = codecs.getincrementalencoder(dialect.encoding)()
        self._at_start = True
        self._rows_written = 0
        marks = [dialect.delimiter, dialect.quote_char, dialect.escape_char, "\r", "\n"]
        self._special = re.compile("|".join(re.escape(mark) for mark in marks if mark))
        self._null = self._written(dialect.null_sequence[0]) if dialect.null_sequence else ""

    def rows(self, rows: Iterable[Fields]) -> bytes:
        """The bytes of these rows; a header is a row like any other. Raises `UnwritableValue`."""
        return self._encoded("".join([self._line(fields) for fields in rows]))

    def frame(self, frame: pl.DataFrame) -> bytes:
        """The bytes of the rows of a frame of text columns. Raises `UnwritableValue`."""
        if not self._suits_polars(frame):
            return self.rows(frame.iter_rows())
        file = io.BytesIO()
        frame.write_csv(
            file,
            include_header=False,
            separator=self._dialect.delimiter,
            quote_char=self._dialect.quote_char or "",
            null_value=self._null,
            quote_style="necessary",
        )
        self._rows_written += frame.height
        if codecs.lookup(self._dialect.encoding).name == "utf-8":
            return file.getvalue()
        return self._encoded(file.getvalue().decode())

    def _suits_polars(self, frame: pl.DataFrame) -> bool:
        """Whether polars writes what we would: it knows doubled quotes alone, and quotes what is empty."""
        dialect = self._dialect
        marks = (dialect.delimiter, dialect.quote_char)
        if self._at_start or dialect.escape_char or not dialect.double_quote or frame.width < 2:
            return False
        if any(mark is None or ord(mark) > 127 for mark in marks) or self._special.search(self._null):
            return False
        return not frame.select(pl.any_horizontal((pl.all() == "").any())).item()

    def _line(self, fields: Fields) -> str:
        written = [self._null if field is None else self._written(field) for field in fields]
        if self._at_start and written and written[0].startswith(_MARK):
            # At the start of a file it would be taken for a byte order mark.
            written[0] = self._guarded(written[0])
        self._at_start = False
        self._rows_written += 1
        line = self._dialect.delimiter.join(written)
        # Behind an escaped CR a lone LF would be taken for the second half of an escaped CRLF.
        return (line or self._empty_line()) + ("\r\n" if line.endswith("\r") else "\n")

    def _empty_line(self) -> str:
        """A record of one empty field: a wholly empty line would be no record."""
        if self._dialect.quote_char is None:
            raise self._unwritable("an empty value alone on a line")
        return self._dialect.quote_char * 2

    def _written(self, text: str) -> str:
        if not self._special.search(text):
            return text
        dialect = self._dialect
        quote, escape = dialect.quote_char, dialect.escape_char
        if quote is None:
            if escape is None:
                raise self._unwritable("the delimiter or a line end inside a value")
            return self._special.sub(lambda match: escape + match[0], text)
        if escape is not None:
            text = text.replace(escape, escape * 2)
        if quote in text:
            if not dialect.double_quote and escape is None:
                raise self._unwritable("the quote character inside a value")
            text = text.replace(quote, (quote if dialect.double_quote else escape or "") + quote)
        return quote + text + quote

    def _guarded(self, text: str) -> str:
        if self._dialect.quote_char is not None:
            return self._dialect.quote_char + text + self._dialect.quote_char
        if self._dialect.escape_char is not None:
            return self._dialect.escape_char + text
        raise self._unwritable("a byte order mark at the start of the file's first value")

    def _encoded(self, text: str) -> bytes:
        try:
            return self._encoder.encode(text)
        except UnicodeEncodeError as error:
            code_point = ord(error.object[error.start])
            raise self._unwritable(f"the character U+{code_point:04X}") from error

    def _unwritable(self, what: str) -> UnwritableValue:
        dialect = self._dialect
        return UnwritableValue(
            f"Found {what} behind row {self._rows_written}; encoding {dialect.encoding}, quoteChar "
            f"{dialect.quote_char!r}, escapeChar {dialect.escape_char!r}, doubleQuote {dialect.double_quote}."
        )
