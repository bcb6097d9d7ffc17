"""Which rounds are moved on first, and which are left alone for a while."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.poller.listing import Listed
from services.poller.record import conclude
from shared.domain.blackout import Blackout
from shared.storage import arrivals, goals, turns
from shared.storage.database import Database
from shared.transfer.folder import Listing
from tests.integration.ledger.conftest import Book, MakeBook
from tests.real.database_fixtures import make_account

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
WINDOW = Blackout.model_validate({"from": "11:00", "to": "13:00"})


async def _asked(book: Book, *windows: Blackout) -> UUID:
    """A connection whose round has one goal."""
    async with book.database.account(book.account_id) as tx:
        goal = (await goals.get(tx, book.goal_id)).goal.model_copy(update={"blackouts": windows})
        await goals.update(tx, book.goal_id, goal)
        await turns.ask_round(tx, book.connection_id, [book.goal_id])
    return book.connection_id


async def _movable(database: Database, after: timedelta = timedelta(), limit: int = 100) -> list[UUID]:
    async with database.watching() as watch:
        return [connection_id for _, connection_id in await turns.movable(watch, NOW + after, limit)]


async def test_rounds_in_a_blackout_keep_none_of_others_waiting(book: Book, make_book: MakeBook) -> None:
    shut = [await _asked(book, WINDOW), await _asked(await make_book(book.account_id), WINDOW)]
    other = await _asked(await make_book(await make_account(book.database, "Other")))
    # One of each account comes before the second of any.
    assert await _movable(book.database, limit=2) == [shut[0], other]

    for connection_id in shut:
        async with book.database.account(book.account_id) as tx:
            await turns.move_on(tx, connection_id, NOW)
    assert await _movable(book.database) == [other]
    # The window may be taken away, and is asked for again before it ends.
    assert await _movable(book.database, timedelta(minutes=1)) == [shut[0], other, shut[1]]

    async with book.database.account(book.account_id) as tx:
        await turns.move_on(tx, shut[0], NOW + timedelta(hours=1))
        [begun] = await turns.of_connection(tx, shut[0])
    assert begun.begun_at is not None


async def test_a_turn_waits_for_what_is_to_be_read_yet_and_not_for_ever(book: Book) -> None:
    """And for no longer than that of a goal of which nothing is: manifests may name what never comes."""

    async def looked(left_over: set[UUID]) -> int:
        async with book.database.account(book.account_id) as tx:
            directory = (await goals.get(tx, book.goal_id)).goal.source.directory  # type: ignore[union-attr]  # an import
            listed = Listed(listings={directory: Listing()})
            began_at = await arrivals.clock(tx)
            await conclude(tx, book.connection_id, began_at, listed, lambda _: False, lambda _: False, left_over)
            return len(await turns.of_connection(tx, book.connection_id))

    async def due(*, since: str) -> None:
        async with book.database.account(book.account_id) as tx:
            await turns.open_(tx, book.connection_id, book.goal_id)
            ago = f"UPDATE tidegate.turns SET begun_at = begun_at - interval '{since}'"
            await tx.connection.execute(ago)

    await due(since="50 minutes")
    assert await looked({book.goal_id}) == 1
    assert await looked(set()) == 0
    await due(since="61 minutes")
    assert await looked({book.goal_id}) == 0
