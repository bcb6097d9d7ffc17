"""Rejects of runs, as rows of the account's schema. Writes `rejects` and `value_rejects`.

They are kept under the run and the token of the worker that found them, and count once the run has ended under that
token. Fields are stored as bytes, so that whatever stands in `Reject.raw` comes back as it is, NUL and surrogate
escapes too; readers tell what was no text as `\\xNN`.
"""

from collections.abc import AsyncIterator, Iterable
from typing import Any
from uuid import UUID

from shared.domain.reject import Reject, RejectCode, ValueReject
from shared.domain.run import ClaimedRun
from shared.storage.database import Record, Tx
from shared.storage.statements import statement

_COLUMNS = ("run_id", "token", "record_number", "line_number", "code", "field", "raw", "byte_offset")
_VALUE_COLUMNS = (*_COLUMNS[:4], "position", *_COLUMNS[4:7], "identifiers")
_PREFETCHED_ROWS = 1_000


async def add(tx: Tx, run: ClaimedRun, found: Iterable[Reject]) -> None:
    """Keep rejects that the run's present worker found; each record once."""
    await tx.connection.copy_records_to_table(
        "rejects",
        records=(_written(run, reject) for reject in found),
        columns=_COLUMNS,
        schema_name=tx.schema.strip('"'),
    )


async def counts(tx: Tx, run_id: UUID, token: int) -> dict[str, int]:
    """How many rows a run rejected under a token, by code."""
    return {row["code"]: row["rows"] for row in await tx.fetch("rejects.counts", run_id, token)}


async def page(
    tx: Tx,
    run_id: UUID,
    token: int,
    *,
    after_record: int,
    limit: int,
    code: RejectCode | None = None,
    field: str | None = None,
) -> list[Reject]:
    """Rejects in the order of the file, all or those with a code or of a field; `after_record` is 0 at the start."""
    rows = await tx.fetch("rejects.page", run_id, token, after_record, code, field, limit)
    return [_read(row) for row in rows]


async def stream(tx: Tx, run_id: UUID, token: int) -> AsyncIterator[Reject]:
    """Every reject in the order of the file, in bounded memory; the transaction stays open meanwhile."""
    text = statement("rejects.all").replace("{schema}", tx.schema)
    async for row in tx.connection.cursor(text, run_id, token, prefetch=_PREFETCHED_ROWS):
        yield _read(row)


async def drop_other_tokens(tx: Tx, run: ClaimedRun) -> int:
    """Forget what earlier workers of the run found; how many rows that were."""
    await tx.execute("rejects.drop_values_of_other_tokens", run.id, run.token)
    return await tx.execute("rejects.drop_other_tokens", run.id, run.token)


async def add_values(tx: Tx, run: ClaimedRun, found: Iterable[ValueReject]) -> None:
    """Keep rejected values that the run's present worker found."""
    await tx.connection.copy_records_to_table(
        "value_rejects",
        records=(_written_value(run, reject) for reject in found),
        columns=_VALUE_COLUMNS,
        schema_name=tx.schema.strip('"'),
    )


async def settle_values(tx: Tx, run: ClaimedRun) -> dict[str, int]:
    """Forget rejected values of rows that were rejected whole after all; how many values are left, by code."""
    await tx.execute("rejects.drop_values_of_rows", run.id, run.token)
    return {row["code"]: row["values"] for row in await tx.fetch("rejects.value_counts", run.id, run.token)}


async def value_page(
    tx: Tx,
    run_id: UUID,
    token: int,
    *,
    after: tuple[int, int],
    limit: int,
    code: RejectCode | None = None,
    field: str | None = None,
) -> list[ValueReject]:
    """Rejected values in the order of the file; `after` is the (record_number, position) of the last one seen."""
    rows = await tx.fetch("rejects.value_page", run_id, token, *after, code, field, limit)
    return [_read_value(row) for row in rows]


async def value_columns(tx: Tx, run_id: UUID, token: int) -> dict[int, str]:
    """The columns of which values were rejected: what the goal calls them, by position, ascending."""
    return {row["position"]: row["field"] for row in await tx.fetch("rejects.value_columns", run_id, token)}


def _written_value(run: ClaimedRun, reject: ValueReject) -> tuple[Any, ...]:
    place = (reject.record_number, reject.line_number, reject.position)
    return (run.id, run.token, *place, reject.code.value, reject.field, reject.raw, list(reject.identifiers))


def _read_value(row: Record) -> ValueReject:
    return ValueReject(
        record_number=row["record_number"],
        line_number=row["line_number"],
        position=row["position"],
        code=RejectCode(row["code"]),
        field=row["field"],
        raw=row["raw"],
        identifiers=tuple(row["identifiers"]),
    )


def _written(run: ClaimedRun, reject: Reject) -> tuple[Any, ...]:
    raw = [part.encode("utf-8", "surrogateescape") for part in reject.raw]
    place = (reject.record_number, reject.line_number)
    return (run.id, run.token, *place, reject.code.value, reject.field, raw, reject.byte_offset)


def _read(row: Record) -> Reject:
    return Reject(
        record_number=row["record_number"],
        line_number=row["line_number"],
        code=RejectCode(row["code"]),
        field=row["field"],
        raw=tuple(part.decode("utf-8", "surrogateescape") for part in row["raw"]),
        byte_offset=row["byte_offset"],
    )
