"""An OpenPGP key that expires is told 30, 7 and 1 days before, each once, and counted all the time."""

from datetime import datetime
from uuid import UUID

import pytest
import pytest_asyncio

from services.poller.measure import measure
from services.poller.sweep import sweep_once
from services.poller.tools import Tools
from shared.domain.openpgp_key import PartnerKey
from shared.formats.openpgp import keys
from shared.storage import notifications, openpgp_keys
from shared.storage.notifications import NotificationFilter
from tests.integration.ledger.conftest import Book
from tests.openpgp import made_key, public

KEY = made_key(days=365)


@pytest_asyncio.fixture
async def key_id(book: Book, tools: Tools) -> UUID:
    """A key of the account's own."""
    async with book.database.account(book.account_id) as tx:
        return (await openpgp_keys.add_own(tx, tools.keys, "ours", KEY, keys.public_part(KEY))).id


async def _expires_in(book: Book, key_id: UUID, interval: str) -> datetime:
    async with book.database.account(book.account_id) as tx:
        query = "UPDATE tidegate.openpgp_keys SET expires_at = now() + $2::text::interval WHERE openpgp_key_id = $1"
        found: datetime = await tx.connection.fetchval(query + " RETURNING expires_at", key_id, interval)
        return found


async def _told(book: Book) -> list[str]:
    async with book.database.account(book.account_id) as tx:
        news = await notifications.page(tx, NotificationFilter(code="openpgp_key_expiring"), 10)
    assert all(KEY.facts.fingerprint in each.news.detail for each in news)
    return [each.news.title for each in reversed(news)]


async def test_it_is_told_thirty_seven_and_one_day_before_each_once(book: Book, tools: Tools, key_id: UUID) -> None:
    for interval in ("365 days", "31 days", "29 days", "20 days", "7 days", "2 days", "23 hours", "1 hour", "-1 hour"):
        await _expires_in(book, key_id, interval)
        await sweep_once(tools)
        await sweep_once(tools)
    assert await _told(book) == [
        "Your OpenPGP key expires within 30 days",
        "Your OpenPGP key expires within 7 days",
        "Your OpenPGP key expires within a day",
    ]


async def test_what_comes_late_is_told_once_and_not_three_times(book: Book, tools: Tools, key_id: UUID) -> None:
    await _expires_in(book, key_id, "3 hours")
    await sweep_once(tools)
    assert await _told(book) == ["Your OpenPGP key expires within a day"]


async def test_a_key_that_was_prolonged_is_told_anew(book: Book, tools: Tools, key_id: UUID) -> None:
    await _expires_in(book, key_id, "3 hours")
    await sweep_once(tools)
    async with book.database.account(book.account_id) as tx:
        held = await openpgp_keys.lock(tx, key_id)
        await openpgp_keys.renew(tx, tools.keys, held, KEY, held.public_part or "")
    await sweep_once(tools)
    await _expires_in(book, key_id, "20 days")
    await sweep_once(tools)
    assert await _told(book) == ["Your OpenPGP key expires within a day", "Your OpenPGP key expires within 30 days"]


async def test_the_news_is_about_a_goal_that_needs_the_key(book: Book, tools: Tools, key_id: UUID) -> None:
    async with book.database.account(book.account_id) as tx:
        query = "UPDATE tidegate.goals SET settings = settings || jsonb_build_object('keys', $1::text)"
        await tx.connection.execute(query, KEY.facts.fingerprint)
    await _expires_in(book, key_id, "3 hours")
    await sweep_once(tools)
    async with book.database.account(book.account_id) as tx:
        [news] = await notifications.page(tx, NotificationFilter(code="openpgp_key_expiring"), 10)
    assert (news.news.goal_id, news.news.connection_id) == (book.goal_id, None)


async def test_a_partners_key_says_whose_it_is(book: Book, tools: Tools) -> None:
    partner: PartnerKey = public(KEY)
    async with book.database.account(book.account_id) as tx:
        made = await openpgp_keys.add_partner(tx, tools.keys, "theirs", partner)
    await _expires_in(book, made.id, "3 hours")
    await sweep_once(tools)
    assert await _told(book) == ["A partner's OpenPGP key expires within a day"]


@pytest.mark.parametrize(
    ("interval", "state"), [("365 days", "valid"), ("29 days", "expiring"), ("-1 second", "expired"), (None, "valid")]
)
async def test_the_gauge_counts_keys_by_kind_and_state(
    book: Book, tools: Tools, key_id: UUID, interval: str | None, state: str
) -> None:
    async with book.database.account(book.account_id) as tx:
        await openpgp_keys.add_password(tx, tools.keys, "a word", "hush")
    if interval is not None:
        await _expires_in(book, key_id, interval)
    await measure(tools)
    value = tools.metrics.registry.get_sample_value
    shown = {
        each: value("tidegate_openpgp_keys", {"kind": "own", "state": each})
        for each in ("valid", "expiring", "expired")
    }
    assert {each for each, count in shown.items() if count} == {state}
    assert value("tidegate_openpgp_keys", {"kind": "password", "state": "valid"}) is None
