"""Who guesses is slowed and shut out by all replicas together; two real servers on one database."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from shared.storage import login_scores
from shared.storage.accounts import OPERATOR
from shared.storage.database import Database
from shared.storage.login_scores import Counted, CountedFilter, Patience
from tests.eventually import eventually
from tests.integration.dropserver.replicas import Replicas, replicas

PATIENCE = Patience(failures=3.5, user_failures=5.5)
"""Four and six failures: what was counted has always decayed by a little."""


async def test_two_replicas_shut_out_together_and_a_known_partner_stays_in(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, count=2, patience=PATIENCE) as house:
        partner, password = await house.login()
        other, other_password = await house.login()
        assert await house.lets_in(partner.username, password)
        await _until(house, OPERATOR, account, known=1)
        # Two guesses at each: neither has seen enough by itself.
        for at in (0, 1, 0, 1):
            assert not await house.lets_in("root", "guess", at=at)
        await _until(house, OPERATOR, account, banned=1)
        for at in (0, 1):
            assert not await house.lets_in(other.username, other_password, at=at)
            assert await house.lets_in(partner.username, password, at=at)
        # The partner's own mistakes, from its own address, only make it slow.
        assert not await house.lets_in(partner.username, "mistyped")
        assert await house.lets_in(partner.username, password, at=1)
        [ban] = await _counted(database, OPERATOR, is_banned=True)
        assert (ban.username, ban.network) == ("", "127.0.0.1")
        assert ban.banned_until is not None
        async with database.account(OPERATOR) as tx:
            await login_scores.lift(tx, ban.id)
        assert await house.lets_in(other.username, other_password, at=1)


async def test_a_user_name_that_is_guessed_at_from_everywhere_is_shut_out_until_its_ban_ends(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, count=2, patience=PATIENCE) as house:
        partner, password = await house.login()
        for source in range(2, 5):
            for at in (0, 1):
                assert not await house.lets_in(partner.username, "guess", at=at, local_addr=(f"127.0.0.{source}", 0))
        await _until(house, account, account, banned=1)
        assert not await house.lets_in(partner.username, password, local_addr=("127.0.0.9", 0))
        # The refusal just now is written down a moment later; what is counted behind it must not be mixed up with it.
        await eventually(lambda: _has_score(database, account, 6.5), "the refusal to be counted as well")
        [ban] = await _counted(database, account, is_banned=True)
        assert (ban.username, ban.network) == (partner.username, "")
        # What was counted decays by half in each half-life, and the ban ends with its time.
        await _let_pass(database, account, timedelta(seconds=PATIENCE.half_life_seconds))
        [before] = await _counted(database, account)
        assert 2.9 < before.score < ban.score / 2 + 0.6
        await _let_pass(database, account, timedelta(seconds=PATIENCE.ban_seconds))
        assert await _counted(database, account, is_banned=True) == []
        assert await house.lets_in(partner.username, password, local_addr=("127.0.0.9", 0))


async def test_an_address_from_which_nobody_ever_came_is_refused_without_a_word(
    database: Database, account: UUID, tmp_path: Path
) -> None:
    async with replicas(database, account, tmp_path, count=2, patience=PATIENCE) as house:
        for _ in range(4):
            assert not await house.lets_in("root", "guess")
        await _until(house, OPERATOR, account, banned=1)
        guard = house.servers[1].house.guard
        assert not guard.refuses("127.0.0.1")
        await guard.look()
        assert guard.refuses("127.0.0.1")
        reader, writer = await asyncio.open_connection("127.0.0.1", house.servers[1].port)
        assert await reader.read() == b""
        writer.close()


async def _counted(database: Database, account_id: UUID, *, is_banned: bool | None = None) -> list[Counted]:
    async with database.account(account_id, read_only=True) as tx:
        return await login_scores.page(tx, CountedFilter(is_banned=is_banned), 100, PATIENCE)


async def _has_score(database: Database, account_id: UUID, least: float) -> bool:
    return any(each.score > least for each in await _counted(database, account_id))


async def _until(house: Replicas, banned_in: UUID, known_in: UUID, *, banned: int = 0, known: int = 0) -> None:
    async def is_so() -> bool:
        async with house.database.account(known_in, read_only=True) as tx:
            found = await tx.connection.fetchval(
                "SELECT count(*) FROM tidegate.login_scores WHERE known_at IS NOT NULL"
            )
        return found >= known and len(await _counted(house.database, banned_in, is_banned=True)) >= banned

    await eventually(is_so, "what was noted to be written down")


async def _let_pass(database: Database, account_id: UUID, time: timedelta) -> None:
    async with database.account(account_id) as tx:
        await tx.connection.execute(
            "UPDATE tidegate.login_scores "
            "SET scored_at = scored_at - $1::interval, banned_until = banned_until - $1::interval",
            time,
        )
