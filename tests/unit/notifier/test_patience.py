"""How long a mail is tried."""

import random

import pytest

from services.notifier.tools import Patience

PATIENCE = Patience(first_pause_seconds=5.0, longest_pause_seconds=900.0, give_up_seconds=3 * 86_400.0, least_tries=5)


@pytest.mark.parametrize(("tries", "whole"), [(1, 5.0), (2, 10.0), (3, 20.0), (8, 640.0), (9, 900.0), (10_000, 900.0)])
def test_pauses_double_up_to_a_quarter_of_an_hour_with_jitter(tries: int, whole: float) -> None:
    pauses = [PATIENCE.pause_seconds(tries, random.Random(seed)) for seed in range(200)]
    assert all(whole / 2 <= pause <= whole for pause in pauses)
    assert max(pauses) - min(pauses) > whole / 4


@pytest.mark.parametrize(
    ("tries", "days", "expected"),
    [(4, 2.9, False), (300, 2.9, False), (1, 30.0, False), (5, 3.0, True), (300, 3.1, True)],
)
def test_a_mail_is_given_up_after_days_and_some_tries(tries: int, days: float, expected: bool) -> None:
    assert PATIENCE.is_exhausted(tries, days * 86_400.0) is expected
