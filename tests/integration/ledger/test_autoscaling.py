"""KEDA's question to the ledger: the watching role may ask it, and the answer is how many runs could go at once."""

from pathlib import Path

import pytest
import yaml

from tests.integration.ledger.conftest import Book, MakeBook

COMPONENT = Path(__file__).parents[3] / "deploy/k8s/components/autoscaling"


async def answer(book: Book, service: str) -> int:
    scaled = yaml.safe_load((COMPONENT / f"{service}.yaml").read_text(encoding="utf-8"))
    (trigger,) = scaled["spec"]["triggers"]
    async with book.database.watching() as watch:
        return int(await watch.connection.fetchval(trigger["metadata"]["query"]))


async def test_runs_of_one_goal_count_as_one_for_they_go_one_at_a_time(book: Book, make_book: MakeBook) -> None:
    other = await make_book(book.account_id)
    for minute in range(3):
        await book.arrive(minute)
    await other.arrive(1)
    await book.claim()
    assert await answer(book, "importer") == 2


async def test_what_has_ended_needs_nobody(book: Book) -> None:
    await book.arrive(1)
    await book.finish(await book.claim())
    assert await answer(book, "importer") == 0


@pytest.mark.parametrize(("due", "expected"), [("-1", 1), ("1", 0)])
async def test_a_run_that_waits_counts_from_when_it_is_due(book: Book, due: str, expected: int) -> None:
    run_id = await book.arrive(1)
    async with book.database.account(book.account_id) as tx:
        await tx.connection.execute(
            "UPDATE tidegate.runs SET state = 'waiting', waits_for = 'retry', hold_until = now() + interval '1 day', "
            "retry_at = now() + make_interval(hours => $2::int) WHERE run_id = $1",
            run_id,
            int(due),
        )
    assert await answer(book, "importer") == expected


async def test_an_import_needs_no_exporter(book: Book) -> None:
    await book.arrive(1)
    assert await answer(book, "exporter") == 0
