"""Write delimited text in a dialect, so that our own reader reads the same values back.

A null is written as the dialect's first null sequence, an empty text as an empty field; a field is quoted or escaped
only where it must be. What the dialect cannot express (a delimiter inside a value where there is neither quote nor
escape character, a letter that the encoding lacks) is refused with `UnwritableValue`, never dropped. Line ends are
LF. Lines that the dialect skips are written blank, so that the header stands where it is expected. A line of `\\.`
alone, which ends the data for PostgreSQL's COPY before version 18, is quoted where there is a quote character.

Frames are written column by column, rows through Python; both give the same bytes.
"""

import codecs
import io
import re
from collections.abc import Callable, Iterable, Sequence

import polars as pl

from shared.domain.dialect import AUTO, Dialect
from shared.domain.failures import InvalidGoal, UnwritableValue

Fields = Sequence[str | None]

_MARK = "\ufeff"
_END_OF_COPY = "\\."


class CsvWriter:
    """Turns rows into the bytes of one file, in order. It opens and keeps nothing."""

    def __init__(self, dialect: Dialect) -> None:
        """Raises `UnwritableValue` where the dialect cannot express its own null sequence, `InvalidGoal` where it does
        not say in which encoding to write."""
        if dialect.encoding == AUTO:
            raise InvalidGoal("Found the encoding auto, by which files are read; expected one to write in, as utf-8.")
        self._dialect = dialect
        self._encoder = codecs.getincrementalencoder(dialect.encoding)()
        self._at_start = True
        self._rows_written = 0
        # A value that ends with a part of the delimiter would move it to the left, so its first character is enough.
        marks = [dialect.delimiter[0], dialect.quote_char, dialect.escape_char, "\r", "\n"]
        self._special = re.compile("|".join(re.escape(mark) for mark in marks if mark))
        self._null = self._written(dialect.null_sequence[0]) if dialect.null_sequence else ""

    def rows(self, rows: Iterable[Fields]) -> bytes:
        """The bytes of these rows; a header is the first of them. Raises `UnwritableValue`."""
        return self._encoded("".join([self._preceded(fields) for fields in rows]))

    def frame(self, frame: pl.DataFrame) -> bytes:
        """The bytes of the rows of a frame of text columns. Raises `UnwritableValue`."""
        if self._at_start and frame.height:
            return self.rows(frame.head(1).iter_rows()) + self.frame(frame.slice(1))
        if not self._suits_polars(frame):
            return self._joined(frame)
        null = self._null
        if frame.select(pl.any_horizontal((pl.all() == "").any())).item():
            # Polars quotes what is empty, but not what is nothing.
            text = pl.all().fill_null(null)
            frame, null = frame.select(pl.when(text != "").then(text)), ""
        file = io.BytesIO()
        frame.write_csv(
            file,
            include_header=False,
            separator=self._dialect.delimiter,
            quote_char=self._dialect.quote_char or "",
            null_value=null,
            quote_style="necessary",
        )
        self._rows_written += frame.height
        if codecs.lookup(self._dialect.encoding).name == "utf-8":
            return file.getvalue()
        return self._encoded(file.getvalue().decode())

    def _joined(self, frame: pl.DataFrame) -> bytes:
        """The bytes of a frame, column by column; only what must be quoted or escaped goes through Python."""
        columns = [self._column(frame[name], is_first=place == 0) for place, name in enumerate(frame.columns)]
        line = pl.concat_str(map(pl.lit, columns), separator=self._dialect.delimiter)
        lines = pl.select(
            line + pl.when(line.str.ends_with("\r")).then(pl.lit("\r\n")).otherwise(pl.lit("\n"))
        ).to_series()
        if (lines == "\n").any():
            lines = lines.replace("\n", self._empty_line() + "\n")
        if frame.width == 1:
            lines = lines.replace(f"{_END_OF_COPY}\n", f"{self._alone(_END_OF_COPY)}\n")
        self._rows_written += frame.height
        return self._encoded("".join(lines.to_list()))

    def _column(self, values: pl.Series, *, is_first: bool) -> pl.Series:
        """The fields of one column; `is_first` of the one that lines begin with."""
        is_special = values.str.contains(self._special.pattern)
        if self._dialect.skip_initial_space:
            is_special |= values.str.starts_with(" ")
        fields = _put(values, is_special, self._written).fill_null(self._null)
        comment = self._dialect.comment_char
        return _put(fields, fields.str.starts_with(comment), self._guarded) if is_first and comment else fields

    def _suits_polars(self, frame: pl.DataFrame) -> bool:
        """Whether polars writes what we would: it knows doubled quotes alone."""
        dialect = self._dialect
        marks = (dialect.delimiter, dialect.quote_char)
        if dialect.escape_char or not dialect.double_quote or frame.width < 2:
            return False
        if len(dialect.delimiter) > 1 or dialect.comment_char or dialect.skip_initial_space:
            return False
        return not (any(mark is None or ord(mark) > 127 for mark in marks) or self._special.search(self._null))

    def _preceded(self, fields: Fields) -> str:
        """A row, and before the first one the lines that the dialect skips."""
        if not self._at_start:
            return self._line(fields)
        before, behind = rows_around_header(self._dialect)
        line = before + self._line(fields) + behind
        self._at_start = False
        return line

    def _line(self, fields: Fields) -> str:
        written = [self._null if field is None else self._written(field) for field in fields]
        if written and self._is_mistaken(written[0]):
            written[0] = self._guarded(written[0])
        self._rows_written += 1
        line = self._dialect.delimiter.join(written) if len(written) > 1 else self._alone("".join(written))
        # Behind an escaped CR a lone LF would be taken for the second half of an escaped CRLF.
        return (line or self._empty_line()) + ("\r\n" if line.endswith("\r") else "\n")

    def _empty_line(self) -> str:
        """A record of one empty field: a wholly empty line would be no record."""
        if self._dialect.quote_char is None:
            raise self._unwritable("an empty value alone on a line")
        return self._dialect.quote_char * 2

    def _alone(self, field: str) -> str:
        """A field that is all of its line."""
        is_end = field == _END_OF_COPY and self._dialect.quote_char is not None
        return self._guarded(field) if is_end else field

    def _is_mistaken(self, start: str) -> bool:
        """Whether a line that begins so would be a comment or, at the start of a file, a byte order mark."""
        comment = self._dialect.comment_char
        return (self._at_start and start.startswith(_MARK)) or (comment is not None and start.startswith(comment))

    def _written(self, text: str) -> str:
        if self._dialect.skip_initial_space and text.startswith(" "):
            return self._with_blank(text)
        return self._quoted(text) if self._special.search(text) else text

    def _with_blank(self, text: str) -> str:
        """A value that begins with a blank, which would be skipped as it stands."""
        if self._dialect.quote_char is not None:
            return self._quoted(text)
        if self._dialect.escape_char is not None:
            return self._dialect.escape_char + self._quoted(text)
        raise self._unwritable("a blank at the start of a value")

    def _quoted(self, text: str) -> str:
        dialect = self._dialect
        quote, escape = dialect.quote_char, dialect.escape_char
        if quote is None:
            if escape is None:
                if not re.search(r"[\r\n]", text) and (text + dialect.delimiter).find(dialect.delimiter) == len(text):
                    return text
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
        raise self._unwritable("commentChar or a byte order mark at the start of a line's first value")

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


def _put(values: pl.Series, is_meant: pl.Series, write: Callable[[str], str]) -> pl.Series:
    """The values, with others in the place of those that are meant; each spelling is written once."""
    meant = values.filter(is_meant).unique()
    if not meant.len():
        return values
    written = pl.Series([write(one) for one in meant], dtype=pl.String)
    return pl.select(
        pl.when(is_meant).then(pl.lit(values).replace(meant, written)).otherwise(pl.lit(values))
    ).to_series()


def rows_around_header(dialect: Dialect) -> tuple[str, str]:
    """What stands before the last row of the header, and behind it, so that the dialect finds it in its place.

    Without a header it is what stands before the rows. An earlier row of a header of several is written blank: an
    empty name adds nothing where rows are joined.
    """
    rows = dialect.header_rows
    if not rows:
        return "\n" * len(dialect.comment_rows), ""
    blank = dialect.delimiter + "\n"
    before = "".join(blank if row in rows else "\n" for row in range(1, rows[-1]))
    return before, "\n" * sum(row > rows[-1] for row in dialect.comment_rows)
