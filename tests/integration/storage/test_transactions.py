"""Transactions whose task is told to end."""

import asyncio
from typing import Any
from uuid import UUID

from shared.storage.database import Database


async def test_who_is_told_to_end_as_a_transaction_begins_is_told_as_no_mistake(
    database: Database, account: UUID
) -> None:
    told: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))

    async def use() -> None:
        async with database.account(account) as tx:
            await tx.connection.execute("SELECT 1")

    for turns in range(12):
        using = asyncio.create_task(use())
        for _ in range(turns):
            await asyncio.sleep(0)
        using.cancel()
        await asyncio.wait([using])
    assert told == []
    await use()
