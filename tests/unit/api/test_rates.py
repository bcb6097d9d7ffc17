"""Buckets let through a burst, then a rate, and remember only so many names."""

import pytest

from services.api.rates import Buckets


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_then_the_rate() -> None:
    clock = Clock()
    buckets = Buckets(2, 3, clock=clock)
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now += 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 0.5]


def test_waiting_long_gives_no_more_than_a_burst() -> None:
    clock = Clock()
    buckets = Buckets(2, 3, clock=clock)
    buckets.take("a")
    clock.now += 3600
    assert [buckets.take("a") > 0 for _ in range(4)] == [False, False, False, True]


def test_asking_in_vain_does_not_lengthen_the_wait() -> None:
    clock = Clock()
    buckets = Buckets(1, 1, clock=clock)
    buckets.take("a")
    for _ in range(100):
        assert buckets.take("a") == 1
    clock.now += 1
    assert buckets.take("a") == 0


def test_names_have_buckets_of_their_own() -> None:
    buckets = Buckets(1, 1, clock=Clock())
    assert [buckets.take(name) for name in "aba"] == [0, 0, 1]


def test_what_is_given_back_can_be_taken_again() -> None:
    buckets = Buckets(1, 1, clock=Clock())
    for _ in range(5):
        assert buckets.take("a") == 0
        buckets.give_back("a")
    buckets.give_back("a")
    assert [buckets.take("a") for _ in range(2)] == [0, 1]


@pytest.mark.parametrize("names", [range(1000), [number % 50 for number in range(1000)]])
def test_memory_is_bounded_and_the_longest_unused_is_forgotten(names: list[int]) -> None:
    buckets = Buckets(1, 1, clock=Clock(), capacity=100)
    for name in names:
        buckets.take(name)
    assert len(buckets) == min(100, len(set(names)))
    assert names[-1] in buckets
