"""A dialect names a time zone that exists, and says yes or no without being guessed at."""

import pytest
from pydantic import ValidationError

from shared.domain.dialect import Dialect


@pytest.mark.parametrize("zone", ["Nowhere/Land", "^*\u00dekz", "../etc/passwd", "/etc/localtime", "", "a\0b"])
def test_a_time_zone_that_does_not_exist_is_told(zone: str) -> None:
    with pytest.raises(ValidationError) as told:
        Dialect(timezone=zone)
    assert [each["loc"] for each in told.value.errors()] == [("timezone",)]


@pytest.mark.parametrize("value", [0, 1, "yes", "true", None])
def test_a_switch_is_true_or_false_and_nothing_like_it(value: object) -> None:
    with pytest.raises(ValidationError):
        Dialect.model_validate({"header": value})
