"""Times are taken as RFC 3339 writes them, and in no other way."""

from datetime import UTC, datetime

import pytest
from pydantic import TypeAdapter, ValidationError

from shared.domain.moment import Moment

MOMENT = TypeAdapter(Moment)


@pytest.mark.parametrize("text", ["2026-03-01T06:00:00Z", "2026-03-01t07:00:00.000+01:00", "2026-03-01 06:00:00-00:00"])
def test_a_time_with_a_zone_is_taken(text: str) -> None:
    assert MOMENT.validate_python(text) == datetime(2026, 3, 1, 6, tzinfo=UTC)


@pytest.mark.parametrize("text", ["0001-01-01T00:06:01+18:22", "9999-12-31T23:59:59-00:01"])
def test_a_time_that_has_no_number_in_utc_is_refused(text: str) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(text)


@pytest.mark.parametrize("value", [0, 0.5, True, "0.5", "1772344800", "2026-03-01", "2026-03-01T06:00:00", "", None])
def test_what_would_have_to_be_guessed_is_refused(value: object) -> None:
    with pytest.raises(ValidationError):
        MOMENT.validate_python(value)
