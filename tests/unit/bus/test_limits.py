"""How long the buses wait between repetitions."""

import pytest

from shared.bus.limits import Limits


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.1), (2, 0.2), (5, 1.6), (9, 25.6), (10, 30.0), (10_000, 30.0)])
def test_pauses_double_up_to_the_longest(failures: int, seconds: float) -> None:
    assert Limits().pause_seconds(failures) == pytest.approx(seconds)
