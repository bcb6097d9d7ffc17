"""Two transactions at one list: each is told what it did, and the list's count is what there is."""

import asyncio
from uuid import UUID, uuid4

import pytest

from shared.storage import list_members, lists
from shared.storage.database import Database
from tests.eventually import eventually

FIRST = "(SELECT generate_series(1, 3) AS id)"
SECOND = "(SELECT generate_series(2, 5) AS id)"


class Broken(Exception):
    """Rolls back."""


async def put(database: Database, account: UUID, number: int) -> int:
    async with database.account(account) as tx:
        return await list_members.add(tx, number, SECOND, run_id=uuid4())


@pytest.mark.parametrize(("commits", "added"), [(True, 2), (False, 4)])
@pytest.mark.parametrize("were_off", [False, True], ids=["new", "taken off before"])
async def test_of_two_that_put_the_same_people_on_a_list_each_is_told_whom_it_added(
    database: Database, account: UUID, commits: bool, added: int, were_off: bool
) -> None:
    async with database.account(account) as tx:
        number = (await lists.create(tx, "Regulars")).number
        if were_off:
            await list_members.add(tx, number, FIRST, run_id=uuid4())
            assert await list_members.remove(tx, number, FIRST, run_id=uuid4()) == 3
    try:
        async with database.account(account) as tx:
            assert await list_members.add(tx, number, FIRST, run_id=uuid4()) == 3
            other = asyncio.create_task(put(database, account, number))

            async def waits() -> bool:
                query = "SELECT count(*) FROM pg_locks WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
                return bool(await tx.connection.fetchval(query))

            await eventually(waits, "the other one to wait")
            if not commits:
                raise Broken
    except Broken:
        assert not commits
    assert await other == added
    async with database.account(account) as tx:
        there = [each.profile_id for each in await list_members.page(tx, number, after_profile=0, limit=10)]
        (one,) = await lists.page(tx, lists.ListFilter(), 2)
    assert there == ([1, 2, 3, 4, 5] if commits else [2, 3, 4, 5])
    assert one.members == len(there)


async def test_with_a_list_goes_who_was_on_it_and_nobody_else(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        first, second = [await lists.create(tx, name) for name in ("Regulars", "Friends")]
        for each in (first, second):
            await list_members.add(tx, each.number, FIRST, run_id=uuid4())
        await lists.delete(tx, await lists.lock(tx, first.id))
        assert {
            number: [one.id for one in on] for number, on in (await list_members.lists_of(tx, [1, 2, 9])).items()
        } == {
            1: [second.id],
            2: [second.id],
        }
        assert await list_members.page(tx, first.number, after_profile=0, limit=10) == []
