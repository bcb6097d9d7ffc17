"""Small files and their processors, short to say."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl
from pydantic import TypeAdapter

from shared.domain.dialect import Dialect
from shared.domain.processor import Processor, Processors
from shared.processing.chain import Chain, Processed, Rows, as_one, in_file_order
from shared.processing.file_columns import FileColumns

PROCESSORS: TypeAdapter[tuple[Processor, ...]] = TypeAdapter(Processors)


def rows_of(rows: Sequence[Sequence[str]], width: int, numbers: Iterable[int] | None = None) -> Rows:
    """A batch as a reader gives it; records are counted from 1, the header is line 1."""
    frame = pl.DataFrame([tuple(row) for row in rows], schema={f"c{i}": pl.String for i in range(width)}, orient="row")
    records = np.array(list(numbers if numbers is not None else range(1, len(rows) + 1)), dtype=np.int64)
    return Rows(frame, records, records + 1)


def processed(
    processors: Sequence[Mapping[str, Any]],
    header: tuple[str, ...] | None,
    rows: Sequence[Sequence[str]],
    dialect: Mapping[str, Any] | None = None,
    cuts: Sequence[int] = (),
    **options: Any,
) -> tuple[tuple[str | None, ...], Processed]:
    """What processors make of a file that is read in pieces: the names of its columns, and its rows."""
    width = len(header) if header is not None else len(rows[0])
    pieces = [
        rows_of(rows[start:end], width, range(start + 1, end + 1))
        for start, end in zip([0, *cuts], [*cuts, len(rows)], strict=True)
    ]
    reading = Dialect.model_validate(dict(dialect or {}) | {"header": header is not None})
    columns = FileColumns.of(header, width)
    with Chain.of(PROCESSORS.validate_python(list(processors)), columns, reading, **options) as chain:
        if chain.looks_first:
            for piece in in_file_order(pieces):
                chain.look(piece)
            chain.seen_all()
        done = [each for piece in pieces for each in chain.apply(piece)]
        return tuple(column.name for column in chain.columns.columns), as_one(done)
