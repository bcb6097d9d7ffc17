"""The files in which rejects are handed back, from the database to bytes: for the gateway, and for drop folders.

A short transaction for each piece, so that a slow reader holds nothing of the database. What the files look like is
the business of `shared/formats`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from shared.domain.goal import AnyImport
from shared.domain.receipt import Receipt
from shared.domain.reject import Reject, ValueReject
from shared.formats.reader import rejects_dialect
from shared.formats.rejects_file import RejectsFile, without_own
from shared.formats.value_rejects_file import ValueRejectsFile
from shared.storage import rejects
from shared.storage.database import Tx

Reading = Callable[[], AbstractAsyncContextManager[Tx]]
"""Opens a transaction in the account of the run."""

ROWS_AT_A_TIME = 1_000
_START = (0, -1)


async def rejects_file(reading: Reading, run: dict[str, Any], goal: AnyImport) -> AsyncIterator[bytes]:
    """An ended run's rejected rows, in the columns and dialect of the original; `run` is as `runs.get` tells it."""
    async with reading() as tx:
        found = await rejects.page(tx, run["run_id"], run["token"], after_record=0, limit=ROWS_AT_A_TIME)
    return _rejects(reading, run, goal, found)


async def value_rejects_file(reading: Reading, run: dict[str, Any], goal: AnyImport) -> AsyncIterator[bytes]:
    """An ended run's rejected values with their identifiers. Raises InvalidGoal where the goal could not read them."""
    async with reading() as tx:
        columns = await rejects.value_columns(tx, run["run_id"], run["token"])
        found = await rejects.value_page(tx, run["run_id"], run["token"], after=_START, limit=ROWS_AT_A_TIME)
    return _values(reading, run, ValueRejectsFile(goal, columns, run["run_id"]), found)


async def _rejects(reading: Reading, run: dict[str, Any], goal: AnyImport, found: list[Reject]) -> AsyncIterator[bytes]:
    columns = _columns_of(run, max((len(without_own(each.raw)) for each in found), default=0))
    file = RejectsFile(rejects_dialect(goal.format, goal.dialect), columns, run["run_id"])
    yield file.header()
    while found:
        yield file.rows(found)
        last = found[-1].record_number
        async with reading() as tx:
            found = await rejects.page(tx, run["run_id"], run["token"], after_record=last, limit=ROWS_AT_A_TIME)


async def _values(
    reading: Reading, run: dict[str, Any], file: ValueRejectsFile, found: list[ValueReject]
) -> AsyncIterator[bytes]:
    yield file.header()
    while found:
        yield file.rows(found)
        last = (found[-1].record_number, found[-1].position)
        async with reading() as tx:
            found = await rejects.value_page(tx, run["run_id"], run["token"], after=last, limit=ROWS_AT_A_TIME)
    yield file.end()


def _columns_of(run: dict[str, Any], width: int) -> tuple[str, ...]:
    """The original's columns; so many numbered names for a receipt that did not keep them."""
    receipt = Receipt.model_validate(run["receipt"])
    if receipt.file is not None and receipt.file.columns:
        return receipt.file.columns
    return tuple(f"column_{number}" for number in range(1, width + 1))
