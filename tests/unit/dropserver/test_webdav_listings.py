"""Listings that are held while slow clients read them: one of a login, and so many entries in all."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from services.dropserver.webdav.answers import NotDone
from services.dropserver.webdav.listings import Entry, Listings


def _entries(count: int) -> Iterator[Entry]:
    return (Entry(b"%d.csv" % number, 0, number, 0, 0) for number in reversed(range(count)))


async def test_a_login_has_one_listing_at_a_time_and_holds_up_itself_alone() -> None:
    listings, login, other = Listings(patience_seconds=0.01), uuid4(), uuid4()
    listing = await listings.begin(login)
    found = await listing.read(lambda: _entries(9))
    assert [each.st_ino for each in found] == list(range(9))
    with pytest.raises(NotDone) as refused:
        await listings.begin(login)
    assert refused.value.answer.status == 503
    (await listings.begin(other)).put_down()
    assert listings.entries == 9
    for _ in range(2):
        listing.put_down()
    assert listings.entries == 0
    (await listings.begin(login)).put_down()


async def test_no_number_of_large_listings_is_held_and_small_ones_are_always_told() -> None:
    listings = Listings(patience_seconds=0.01, most_entries=1_000)
    held = await listings.begin(uuid4())
    assert len(await held.read(lambda: _entries(900))) == 900
    large = await listings.begin(uuid4())
    with pytest.raises(NotDone, match="Too much is listed"):
        await large.read(lambda: _entries(501))
    large.put_down()
    assert len(await (await listings.begin(uuid4())).read(lambda: _entries(500))) == 500
