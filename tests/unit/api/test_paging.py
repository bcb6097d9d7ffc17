"""Cursors carry the last item's sort key, and nothing else passes for one."""

from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.paging import PageQuery, page_of
from services.api.problems import Refused


@given(st.datetimes(timezones=st.just(UTC)), st.uuids())
def test_a_cursor_comes_back_as_the_key_it_was_made_of(when: datetime, which: UUID) -> None:
    page = page_of([(when, which)] * 3, 2, lambda each: each, lambda each: each)
    assert page.next_cursor is not None
    assert PageQuery(cursor=page.next_cursor).mark == (when, which)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_number_comes_back_exactly(number: int) -> None:
    page = page_of([number] * 2, 1, str, lambda each: (each,))
    assert page.next_cursor is not None
    assert PageQuery(cursor=page.next_cursor).number == number


def test_the_last_page_has_no_cursor() -> None:
    assert page_of([1, 2], 2, str, lambda each: (each,)).next_cursor is None
    assert page_of([], 2, str, lambda each: (each,)).items == []


@given(st.text(max_size=40))
def test_no_text_breaks_a_list(text: str) -> None:
    query = PageQuery(cursor=text)
    for way in ("mark", "number"):
        with suppress(Refused):
            assert getattr(query, way) is not None


def test_a_cursor_of_another_kind_of_list_is_refused() -> None:
    by_number = page_of([5, 6], 1, str, lambda each: (each,)).next_cursor
    by_time = page_of([1, 2], 1, str, lambda _: (datetime.now(UTC), uuid4())).next_cursor
    with pytest.raises(Refused):
        _ = PageQuery(cursor=by_number).mark
    with pytest.raises(Refused):
        _ = PageQuery(cursor=by_time).number
