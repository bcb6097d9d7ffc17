"""What an export writes is read alike by our own reader and by three that nobody here wrote."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import polars as pl
import pytest
from hypothesis import example, given, settings
from pydantic import ValidationError

from shared.domain.dialect import Dialect
from shared.domain.failures import UnwritableValue
from shared.domain.property import PropertyType
from shared.formats.csv_writer import CsvWriter
from tests.awkward import TEXTS, dialects, tables
from tests.examples import examples
from tests.other_readers import Rows, by_csv, by_duckdb, by_postgresql
from tests.real.postgres import PrivatePostgres
from tests.there_and_back import Column, exported
from tests.unit.formats.reading import read

EVERY_TEXT: list[Column] = [(PropertyType.TEXT, [*TEXTS, None]), (PropertyType.TEXT, [None, *reversed(TEXTS)])]


class Readers:
    """The other readers, ready; they count what they have read."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection, place: Path) -> None:
        self._runner = runner
        self._connection = connection
        self._place = place
        self.read: Counter[str] = Counter()

    def found(self, text: str, dialect: Dialect, width: int) -> dict[str, Rows]:
        """What those of them make of a text that can."""
        asked = {
            "csv": by_csv(text, dialect),
            "duckdb": by_duckdb(self._place, text, dialect, width),
            "postgresql": self._runner.run(by_postgresql(self._connection, text, dialect, width)),
        }
        found = {name: rows for name, rows in asked.items() if rows is not None}
        self.read.update(found)
        return found


@pytest.fixture(scope="module")
def readers(postgres_server: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Readers]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres_server.superuser_dsn("postgres"), timeout=10))
        made = Readers(runner, connection, tmp_path_factory.mktemp("readers") / "file.csv")
        yield made
        runner.run(connection.close(timeout=10))
    assert all(made.read[name] for name in ("csv", "duckdb", "postgresql"))


@settings(max_examples=examples(30), deadline=None)
@given(dialects(), tables)
@example({}, EVERY_TEXT)
@example({"delimiter": ";", "quoteChar": "'", "encoding": "utf-16", "header": False}, EVERY_TEXT)
@example({"delimiter": "\t", "escapeChar": "\\", "doubleQuote": False}, EVERY_TEXT)
def test_others_read_what_we_read(readers: Readers, asked: dict[str, Any], columns: list[Column]) -> None:
    try:
        dialect = Dialect.model_validate(asked)
        content = exported(asked, columns)
    except (ValidationError, UnwritableValue):
        return
    ours = read(content, dialect)
    rows = [row for _, row in ours.good.values()]
    if ours.header is not None:
        rows.insert(0, ours.header)
    text = content.decode(dialect.encoding)
    for name, theirs in readers.found(text, dialect, ours.width).items():
        assert theirs == rows, name


@pytest.mark.parametrize("value", [r"\.", '"', "", "a\nb"])
def test_others_read_a_single_column(readers: Readers, value: str) -> None:
    writer = CsvWriter(Dialect())
    text = (writer.rows([["x"]]) + writer.frame(pl.DataFrame({"c0": [value, "y"]}))).decode()
    found = readers.found(text, Dialect(), 1)
    assert found == {name: [("x",), (value,), ("y",)] for name in ("csv", "duckdb", "postgresql")}
