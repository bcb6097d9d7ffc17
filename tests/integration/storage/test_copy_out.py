"""A selection comes in blocks of whole lines, exactly as PostgreSQL writes values, and waits for who takes them."""

from decimal import Decimal
from uuid import UUID

import pytest

from shared.domain.failures import InvalidGoal, UnwritableValue
from shared.domain.property import PropertyType
from shared.formats.copy_text import frame_of
from shared.storage.copy_out import MOST_PARAMETERS, copy_out
from shared.storage.database import Database
from shared.storage.selections.selection import SelectedColumn, Selection

VALUES = "g::bigint, CASE WHEN g % 3 > 0 THEN repeat(E'\\\\\\t\\n\\r', g * 500) END, $1::text[], $2::numeric(38,10)"
COLUMNS = tuple(SelectedColumn(name, PropertyType.TEXT) for name in "abc")
LARGEST = "9999999999999999999999999999.9999999999"


async def test_blocks_are_whole_lines_of_what_was_selected(database: Database, account: UUID) -> None:
    blocks: list[bytes] = []
    waiting = 0

    async def take(block: bytes) -> None:
        nonlocal waiting
        waiting += 1
        assert waiting == 1, "one block at a time"
        blocks.append(block)
        waiting -= 1

    selection = Selection(
        COLUMNS, f"SELECT {VALUES} FROM generate_series(1, 40) g", (["$1", "a,b", None], Decimal(LARGEST))
    )
    async with database.account(account, read_only=True) as tx:
        await copy_out(tx, selection, take, block_bytes=50_000)
        rows = [row for block in blocks for row in frame_of(block, 3).rows()]
        assert len(blocks) > 5
        assert all(block.endswith(b"\n") for block in blocks)
        text = "\\\t\n\r"
        assert rows == [(g, text * (g * 500) if g % 3 else None, '{$1,"a,b",NULL}', LARGEST) for g in range(1, 41)]
        blocks.clear()
        await copy_out(tx, selection.first(2), take)
        assert [row[0] for row in frame_of(b"".join(blocks), 3).rows()] == [1, 2]


async def test_what_is_raised_while_a_block_is_worked_on_ends_the_copy(database: Database, account: UUID) -> None:
    async def refuse(block: bytes) -> None:
        raise UnwritableValue("the first")

    selection = Selection((), "SELECT g::bigint FROM generate_series(1, 1000000) g")
    with pytest.raises(UnwritableValue, match="the first"):
        async with database.account(account, read_only=True) as tx:
            await copy_out(tx, selection, refuse, block_bytes=100)
    async with database.account(account, read_only=True) as tx:
        assert await tx.connection.fetchval("SELECT 1") == 1


async def test_more_values_than_a_row_has_columns_are_compared_with(database: Database, account: UUID) -> None:
    blocks: list[bytes] = []

    async def take(block: bytes) -> None:
        blocks.append(block)

    total = " + ".join(f"${number}::bigint" for number in range(1, 2_501))
    texts = ", ".join(f"${number}::text" for number in range(2_501, 5_001))
    given = (*range(1, 2_501), *(f"'$1\\{number}" for number in range(2_501, 5_000)), None)
    select = f"SELECT {total}, (t.v)[1], (t.v)[2499], (t.v)[2500] FROM (SELECT ARRAY[{texts}]) AS t (v)"
    async with database.account(account, read_only=True) as tx:
        await copy_out(tx, Selection((), select, given), take)
        [row] = frame_of(b"".join(blocks), 3).rows()
        assert row == (2_500 * 2_501 // 2, "'$1\\2501", "'$1\\4999", None)
        with pytest.raises(InvalidGoal, match=f"Found {MOST_PARAMETERS + 1} values"):
            await copy_out(tx, Selection((), "SELECT 1", (1,) * (MOST_PARAMETERS + 1)), take)
