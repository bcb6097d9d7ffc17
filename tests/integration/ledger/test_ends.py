"""Whatever a file put onto the desk of its run, the run gets an end, and the worker goes on."""

import asyncio

from shared.domain.failures import HeaderChanged
from shared.domain.receipt import FileFacts
from shared.observe.metrics import Metrics
from shared.runtime.desk import Desk
from shared.runtime.worker import Worker
from tests.eventually import eventually
from tests.integration.ledger.conftest import WORKER, Book

NAMES = ("x\0y", "x\ud800y", "y")


def worker_of(book: Book) -> Worker:
    """One whose every run fails, each over a column of the next name."""
    names = iter(NAMES)

    async def carry_out(desk: Desk) -> None:
        desk.file = FileFacts(name="contacts.csv", size_bytes=1).model_copy(update={"columns": ("email", next(names))})
        raise HeaderChanged("Found other columns.")

    return Worker(
        kind="import",
        name=WORKER,
        database=book.database,
        metrics=Metrics(),
        carry_out=carry_out,
        slots=1,
        poll_seconds=0.05,
        lease_seconds=30,
        shutdown_seconds=0,
        retry_base_seconds=1,
        retry_attempts=1,
    )


async def test_a_receipt_that_cannot_be_kept_costs_neither_the_end_nor_the_worker(book: Book) -> None:
    ids = [await book.arrive(minute) for minute, _ in enumerate(NAMES)]
    stopping = asyncio.Event()

    async def have_ended() -> bool:
        return {(await book.facts(run_id))["state"] for run_id in ids} == {"failed"}

    async with worker_of(book).working(stopping):
        await eventually(have_ended, "all runs to end")
        stopping.set()
    told = []
    for run_id in ids:
        receipt = (await book.facts(run_id))["receipt"]
        assert isinstance(receipt, dict)
        told.append((receipt["reason"]["code"], receipt["file"] is None))
    assert told == [("internal_error", True), ("internal_error", True), ("header_changed", False)]
