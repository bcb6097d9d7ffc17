"""Cursors carry the last item's sort key, for one list of one account, and nothing else passes for one."""

import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from string import ascii_letters, digits
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.paging import Listing
from services.api.problems import Refused
from shared.storage.secrets import KeyRing

RING = KeyRing((os.urandom(32),))
ACCOUNT = uuid4()
LETTERS = f"{ascii_letters}{digits}-_"
FIRST = Listing.at(RING, ACCOUNT, "/v1/runs", {"state": None}, 2, None)


def _after(cursor: str | None) -> Listing:
    assert cursor is not None
    return replace(FIRST, _cursor=cursor)


def _cursor(key: tuple[object, ...] = (5,), listing: Listing = FIRST) -> str:
    cursor = listing.page([1, 2, 3], str, lambda _: key).next_cursor
    assert cursor is not None
    return cursor


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_comes_back_as_the_key_it_was_made_of(when: datetime, which: UUID) -> None:
    assert _after(_cursor((when, which))).mark == (when, which)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_number_comes_back_exactly(number: int) -> None:
    assert _after(_cursor((number,))).number == number


@given(st.text(max_size=200))
def test_a_text_comes_back_and_cannot_be_read_from_outside(text: str) -> None:
    cursor = _cursor((text,))
    assert _after(cursor).key == [text]
    assert len(text) < 8 or text not in cursor


def test_the_last_page_has_no_cursor() -> None:
    assert FIRST.page([1, 2], str, lambda each: (each,)).next_cursor is None
    assert FIRST.page([], str, lambda each: (each,)).items == []


@given(st.text(max_size=60))
def test_no_text_breaks_a_list(text: str) -> None:
    for way in ("mark", "number", "key"):
        with suppress(Refused):
            getattr(_after(text), way)
            pytest.fail("a text that we did not write passed for a cursor")


@given(st.data())
def test_a_cursor_that_was_changed_is_refused(data: st.DataObject) -> None:
    cursor = _cursor()
    at = data.draw(st.integers(0, len(cursor) - 2))
    # A step and no letter: every cursor is sealed anew, and what is drawn must not depend on what was not drawn.
    step = data.draw(st.integers(1, len(LETTERS) - 1))
    other = LETTERS[(LETTERS.index(cursor[at]) + step) % len(LETTERS)]
    with pytest.raises(Refused) as refused:
        _ = _after(cursor[:at] + other + cursor[at + 1 :]).key
    assert [error.code for error in refused.value.errors] == ["foreign_cursor"]


@pytest.mark.parametrize(
    "other",
    [
        Listing.at(RING, uuid4(), "/v1/runs", {"state": None}, 2, None),
        Listing.at(RING, ACCOUNT, "/v1/arrivals", {"state": None}, 2, None),
        Listing.at(RING, ACCOUNT, "/v1/runs", {"state": "failed"}, 2, None),
        Listing.at(KeyRing((os.urandom(32),)), ACCOUNT, "/v1/runs", {"state": None}, 2, None),
    ],
    ids=["account", "list", "filter", "deployment"],
)
def test_a_cursor_of_another_list_is_refused(other: Listing) -> None:
    with pytest.raises(Refused):
        _ = replace(other, _cursor=_cursor()).key
    with pytest.raises(Refused):
        _ = _after(_cursor(listing=other)).key


def test_the_limit_is_no_filter() -> None:
    wider = Listing.at(RING, ACCOUNT, "/v1/runs", {"state": None}, 1000, _cursor())
    assert wider.number == 5
