"""Readers of delimited text that nobody here wrote: Python's csv, DuckDB's read_csv and PostgreSQL's COPY.

Each is asked to read a text as a dialect says, and only where it can be told what the dialect says; else it answers
None. What is nothing and what is empty are the same here, as they are in our files.
"""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import duckdb

from shared.domain.dialect import Dialect

Rows = list[tuple[str, ...]]

_LARGEST_FIELD = 16 << 20
_NEVER = "\x02"
"""A quote character for readers that cannot do without: no text here has it."""


def is_plain(dialect: Dialect) -> bool:
    """Whether a file is nothing but records: none of these readers skips lines before the data as a dialect can."""
    return not dialect.rows_before_data


def by_csv(text: str, dialect: Dialect) -> Rows | None:
    """Python's csv."""
    if not is_plain(dialect) or len(dialect.delimiter) > 1:
        return None
    with _long_fields():
        found = csv.reader(
            io.StringIO(text, newline=""),
            delimiter=dialect.delimiter,
            quotechar=dialect.quote_char,
            escapechar=dialect.escape_char,
            doublequote=dialect.double_quote,
            skipinitialspace=dialect.skip_initial_space,
            quoting=csv.QUOTE_NONE if dialect.quote_char is None else csv.QUOTE_MINIMAL,
            strict=True,
        )
        return [tuple(row) for row in found]


def by_duckdb(place: Path, text: str, dialect: Dialect, width: int) -> Rows | None:
    """DuckDB's reader."""
    quotes = _quotes(dialect)
    if quotes is None or len(dialect.delimiter.encode()) > 4:
        return None
    quote, escape = quotes
    place.write_text(text, encoding="utf-8", newline="")
    columns = {f"c{number}": "VARCHAR" for number in range(width)}
    found = duckdb.execute(
        "FROM read_csv($path, columns = $columns, header = false, auto_detect = false, strict_mode = true,"
        " delim = $delimiter, quote = $quote, escape = $escape, new_line = '\\n', max_line_size = 33554432,"
        " parallel = false)",
        {
            "path": str(place),
            "columns": columns,
            "delimiter": dialect.delimiter,
            "quote": "" if quote == _NEVER else quote,
            "escape": "" if quote == _NEVER else escape,
        },
    ).fetchall()
    return _without_nulls(found)


async def by_postgresql(connection: asyncpg.Connection, text: str, dialect: Dialect, width: int) -> Rows | None:
    """PostgreSQL's COPY, in its format csv."""
    quotes = _quotes(dialect)
    if quotes is None or len(dialect.delimiter.encode()) > 1:
        return None
    quote, escape = quotes
    columns = ", ".join(f"c{number} text" for number in range(width))
    await connection.execute(
        f"DROP TABLE IF EXISTS found; CREATE TEMP TABLE found (n bigint GENERATED ALWAYS AS IDENTITY, {columns})"
    )
    await connection.copy_to_table(
        "found",
        source=io.BytesIO(text.encode()),
        columns=[f"c{number}" for number in range(width)],
        format="csv",
        delimiter=dialect.delimiter,
        quote=quote,
        escape=escape,
        encoding="UTF8",
    )
    names = ", ".join(f"c{number}" for number in range(width))
    return _without_nulls([tuple(row) for row in await connection.fetch(f"SELECT {names} FROM found ORDER BY n")])


def _quotes(dialect: Dialect) -> tuple[str, str] | None:
    """What quotes a value, and what stands before a quote inside: these two readers know one way of it."""
    if not is_plain(dialect):
        return None
    quote, escape = dialect.quote_char, dialect.escape_char
    if quote is None:
        # Without quotes they know no escapes either.
        return (_NEVER, _NEVER) if escape is None else None
    if escape is None:
        return quote, quote
    return None if dialect.double_quote else (quote, escape)


def _without_nulls(rows: list[tuple[str | None, ...]]) -> Rows:
    return [tuple(value or "" for value in row) for row in rows]


@contextmanager
def _long_fields() -> Iterator[None]:
    before = csv.field_size_limit(_LARGEST_FIELD)
    try:
        yield
    finally:
        csv.field_size_limit(before)
