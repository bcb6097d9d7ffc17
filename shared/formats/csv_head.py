"""What stands before the rows of a delimited text: lines to skip, the header, lines to skip again.

Names are given as they stand there, several rows of them joined; what they mean is the mapping's business.
"""

from typing import NamedTuple

from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, UndecodableFile
from shared.domain.reject import MESSAGES, RejectCode
from shared.formats.csv_grammar import Record
from shared.formats.csv_scan import Scanner

_PEEKED_RECORDS = 100

Names = tuple[str, ...]


class Head(NamedTuple):
    """How a file begins."""

    header: Names | None
    width: int
    is_empty: bool


def read_head(scanner: Scanner, dialect: Dialect) -> Head:
    """Read up to the first row. Raises `HeaderChanged`, `UndecodableFile` or `RecordTooLong`."""
    if dialect.rows_before_data:
        return _read_counted(scanner, dialect)
    scanner.skip_blank_lines()
    is_empty = _is_at_end(scanner)
    if not dialect.has_header:
        return Head(None, _guessed_width(scanner), is_empty)
    found = scanner.take()
    header = None if found is None else _names(scanner, *found, dialect)
    return Head(header, len(header or ()), is_empty)


def _read_counted(scanner: Scanner, dialect: Dialect) -> Head:
    """The dialect says on which lines the header stands and which are skipped."""
    parts: list[Names] = []
    has_content = False
    for row in dialect.header_rows:
        while scanner.line_number < row:
            line = scanner.skip_line()
            if line is None:
                break
            has_content |= bool(line.strip())
        part = _header_row(scanner, row, dialect)
        if part is None:
            scanner.skip_blank_lines()
            if not has_content and not parts and _is_at_end(scanner):
                return Head(None, 0, is_empty=True)
            raise HeaderChanged(f"Expected a row of the header on line {row}, found none there.")
        parts.append(part)
    while scanner.line_number in dialect.comment_rows:
        line = scanner.skip_line()
        if line is None:
            break
        has_content |= bool(line.strip())
    if parts:
        header = joined(parts, dialect.header_join)
        return Head(header, len(header), is_empty=False)
    scanner.skip_blank_lines()
    return Head(None, _guessed_width(scanner), is_empty=not has_content and _is_at_end(scanner))


def joined(parts: list[Names], separator: str) -> Names:
    """The rows of a header as one, column by column; an empty name adds nothing."""
    width = max(map(len, parts))
    padded = [(*part, *[""] * (width - len(part))) for part in parts]
    return tuple(separator.join(name for name in column if name) for column in zip(*padded, strict=True))


def _header_row(scanner: Scanner, row: int, dialect: Dialect) -> Names | None:
    if scanner.line_number != row or _is_at_end(scanner):
        return None
    record, line_number = scanner.take_here()
    return _names(scanner, record, line_number, dialect) if record.fields else None


def _names(scanner: Scanner, record: Record, line_number: int, dialect: Dialect) -> Names:
    scanner.width = len(record.fields)
    code = scanner.judge(record, b"\n".join(record.fields))
    if code is RejectCode.UNDECODABLE:
        place = "" if scanner.fault_taken is None else f", at byte {scanner.fault_taken} of the file"
        raise UndecodableFile(f"Found bytes on line {line_number}{place}, that are not {dialect.encoding}.")
    if code is not None:
        raise HeaderChanged(f"The header on line {line_number} cannot be read ({code}). {MESSAGES[code]}")
    return tuple(field.decode() for field in record.fields)


def _is_at_end(scanner: Scanner) -> bool:
    return next(scanner.peek(1), None) is None


def _guessed_width(scanner: Scanner) -> int:
    records = list(scanner.peek(_PEEKED_RECORDS))
    good = (record for record in records if record.code is None)
    return len(next(good, records[0] if records else Record([], 0)).fields)
