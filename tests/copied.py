"""What PostgreSQL's COPY writes, made without PostgreSQL: values as text under DateStyle ISO and the time zone UTC, and
rows of them in COPY's text format (https://www.postgresql.org/docs/15/sql-copy.html).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal

Value = str | int | Decimal | bool | date | datetime | list[str] | None

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r", "\b": "\\b", "\f": "\\f", "\v": "\\v"})


def copied(rows: Iterable[Sequence[int | str | None]]) -> bytes:
    """Rows as the manual says that COPY writes text."""
    fields = [[r"\N" if value is None else str(value).translate(_ESCAPES) for value in row] for row in rows]
    return "".join("\t".join(row) + "\n" for row in fields).encode()


def as_postgresql_writes(value: Value) -> str | None:
    """The value as COPY has it, before it is escaped."""
    match value:
        case bool():
            return "t" if value else "f"
        case datetime():
            moment = value.astimezone(UTC)
            fraction = f".{moment.microsecond:06d}".rstrip("0") if moment.microsecond else ""
            return f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}{fraction}+00"
        case date():
            return f"{value.year:04d}-{value:%m-%d}"
        case Decimal():
            return f"{value:.10f}"
        case list():
            return "{" + ",".join(map(_item, value)) + "}"
        case None:
            return None
    return str(value)


def _item(text: str) -> str:
    needs_quotes = text.upper() in ("", "NULL") or any(c in '{}",\\' or c.isspace() for c in text)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if needs_quotes else text
