"""How many looks may start while others are under way."""

import pytest

from services.poller.watch import MOST_AT_ONCE, SLOW_SECONDS, room

NOW = 1_000.0
FRESH, HUNG = NOW - 0.1, NOW - SLOW_SECONDS


@pytest.mark.parametrize(
    ("began", "expected"),
    [
        ([], 10),
        ([FRESH] * 4, 6),
        ([FRESH] * 10, 0),
        ([HUNG] * 100, 10),
        ([HUNG] * 100 + [FRESH] * 3, 7),
        ([HUNG] * (10 * MOST_AT_ONCE - 2), 2),
        ([HUNG] * (10 * MOST_AT_ONCE), 0),
        ([HUNG] * (10 * MOST_AT_ONCE + 5), 0),
    ],
)
def test_places_that_hang_take_no_healthy_ones_turn_but_are_bounded(began: list[float], expected: int) -> None:
    assert room(NOW, began, 10) == expected
