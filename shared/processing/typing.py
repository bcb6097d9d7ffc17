"""Turn batches of text into typed rows that are ready for staging, and name those that are not.

A bad value rejects its row; the first bad field gives code and name: identifiers first, then the mapping's order. No
Python runs per good row. What is missing here on purpose: knowledge of files, of paths and of the database.
"""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from shared.domain.property import PropertyType
from shared.domain.reject import Reject, RejectCode
from shared.processing.identity import is_too_long, keys_of
from shared.processing.mapping import MappingPlan
from shared.processing.values import Column, typed

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Typed:
    """The rows of one batch after typing.

    `good` has the columns of `MappingPlan.staged`: `record_number` and `line_number` (Int64), then `k_<name>` of every
    identifier (String), then `p_<name>` of every mapped property: Int64 for integer, Boolean for boolean, else
    String: numbers canonical, dates ISO, datetimes ISO with +00:00, lists as PostgreSQL array literals. Never an empty
    string: no value is null.
    """

    good: pl.DataFrame
    rejects: tuple[Reject, ...]


def apply(frame: pl.DataFrame, record_numbers: Numbers, line_numbers: Numbers, plan: MappingPlan) -> Typed:
    """Type the rows of a frame of text columns `c0`, `c1`, ... without nulls."""
    columns: dict[str, pl.Series] = {
        "record_number": pl.Series(record_numbers, dtype=pl.Int64),
        "line_number": pl.Series(line_numbers, dtype=pl.Int64),
    }
    faults: list[tuple[str | None, pl.Series]] = []
    keys: dict[str, pl.Series] = {}
    values: dict[str, pl.Series] = {}
    for place, column in enumerate(plan.columns):
        found = typed(frame[f"c{column.position}"], column, plan.dialect)
        _note(faults, column.shown, found)
        values[column.property.column] = found.values
        if column.property.is_identifier:
            key = keys_of(_as_text(found.values, column.property.type), column.property.type)
            keys[column.property.key_column] = key
            _note(faults, column.shown, Column(key, _marked(is_too_long(key), RejectCode.IDENTIFIER_TOO_LONG)))
        if place == plan.identifiers - 1:
            is_nameless = pl.select(pl.all_horizontal(*(key.is_null() for key in keys.values()))).to_series()
            _note(faults, plan.columns[0].shown, Column(key, _marked(is_nameless, RejectCode.NO_IDENTIFIER)))
    good = pl.DataFrame({**columns, **keys, **values})
    if not faults:
        return Typed(good, ())
    code, field = _first_faults(faults)
    rejects = _rejects(frame, record_numbers, line_numbers, code, field)
    return Typed(good.filter(code.is_null()), rejects)


def staging_csv(frame: pl.DataFrame) -> bytes:
    """A typed frame as CSV for `COPY ... WITH (FORMAT csv, NULL '')`: an empty field is NULL, nothing else is empty."""
    file = io.BytesIO()
    frame.write_csv(file, include_header=False, null_value="", quote_style="necessary")
    return file.getvalue()


def _as_text(values: pl.Series, kind: PropertyType) -> pl.Series:
    return values.cast(pl.String) if kind in (PropertyType.INTEGER, PropertyType.BOOLEAN) else values


def _marked(is_bad: pl.Series, code: RejectCode) -> pl.Series | None:
    return pl.select(pl.when(is_bad).then(pl.lit(code.value))).to_series() if is_bad.any() else None


def _note(faults: list[tuple[str | None, pl.Series]], field: str | None, column: Column) -> None:
    if column.codes is not None:
        faults.append((field, column.codes))


def _first_faults(faults: list[tuple[str | None, pl.Series]]) -> tuple[pl.Series, pl.Series]:
    """Per row the first code and the name of its field, null where the row is good."""
    code = pl.select(pl.coalesce([codes for _, codes in faults])).to_series()
    fields = [pl.when(codes.is_not_null()).then(pl.lit(field)) for field, codes in faults]
    return code, pl.select(pl.coalesce(fields)).to_series()


def _rejects(
    frame: pl.DataFrame, record_numbers: Numbers, line_numbers: Numbers, code: pl.Series, field: pl.Series
) -> tuple[Reject, ...]:
    is_bad = code.is_not_null()
    bad = is_bad.to_numpy()
    return tuple(
        Reject(record_number=record, line_number=line, code=RejectCode(why), field=where, raw=raw)
        for record, line, why, where, raw in zip(
            record_numbers[bad].tolist(),
            line_numbers[bad].tolist(),
            code.filter(is_bad).to_list(),
            field.filter(is_bad).to_list(),
            frame.filter(is_bad).iter_rows(),
            strict=True,
        )
    )
