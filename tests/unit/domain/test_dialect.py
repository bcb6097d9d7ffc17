"""A dialect names a time zone that exists, and says yes or no without being guessed at."""

import pytest
from pydantic import ValidationError

from shared.domain.dialect import Dialect
from shared.domain.fields import Notation
from shared.domain.model import Model
from shared.domain.processors.rewriting import NumberFormat


@pytest.mark.parametrize("zone", ["Nowhere/Land", "^*\u00dekz", "../etc/passwd", "/etc/localtime", "", "a\0b"])
def test_a_time_zone_that_does_not_exist_is_told(zone: str) -> None:
    with pytest.raises(ValidationError) as told:
        Dialect(timezone=zone)
    assert [each["loc"] for each in told.value.errors()] == [("timezone",)]


@pytest.mark.parametrize("value", [0, 1, "yes", "true", None])
def test_a_switch_is_true_or_false_and_nothing_like_it(value: object) -> None:
    with pytest.raises(ValidationError):
        Dialect.model_validate({"header": value})


@pytest.mark.parametrize("model", [Dialect, Notation, NumberFormat])
@pytest.mark.parametrize("group", ["0", "5", "-", "+", "\0", ",", "..", ""])
def test_what_groups_digits_is_no_part_of_a_number(model: type[Model], group: str) -> None:
    with pytest.raises(ValidationError):
        model.model_validate({"decimalChar": ",", "groupChar": group})
    assert model.model_validate({"decimalChar": ",", "groupChar": " "})
