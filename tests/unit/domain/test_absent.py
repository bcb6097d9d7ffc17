"""How many may be absent from a full file without a question, and what an approval covers."""

from typing import Any

import pytest

from shared.domain.absent import AbsentCounts, AbsentGuard
from shared.domain.run import ABSENT_OVER_GUARD, Approval


@pytest.mark.parametrize(
    ("looked_at", "found", "changed", "is_over"),
    [
        (1000, 50, 50, False),
        (1000, 51, 51, True),
        (100, 21, 21, True),
        (100, 20, 20, False),
        (30, 20, 20, False),
        # All of them: the file is another than was meant, as a rule.
        (3, 3, 3, True),
        (3, 3, 0, False),
        (1000, 1000, 5, True),
        # Who had unsubscribed before loses nothing.
        (1000, 400, 12, False),
        (0, 0, 0, False),
    ],
)
def test_a_share_and_a_number_both_must_be_passed(looked_at: int, found: int, changed: int, is_over: bool) -> None:
    for kind in ("removed", "unsubscribed"):
        counts = AbsentCounts(looked_at=looked_at, found=found, **{kind: changed})
        assert counts.is_over(AbsentGuard()) is is_over


def test_a_share_is_what_is_written() -> None:
    """0.07 times 100 is 7.000000000000001 in floating point, and 0.29 times 100 is 28.999999999999996."""
    for share, found in ((0.07, 7), (0.29, 29)):
        assert not AbsentCounts(looked_at=100, found=found, removed=found).is_over(AbsentGuard(share=share, number=0))
        assert AbsentCounts(looked_at=100, found=found, removed=found + 1).is_over(AbsentGuard(share=share, number=0))


@pytest.mark.parametrize(
    ("approved", "covers"),
    [
        ({}, True),
        ({"absent": AbsentCounts(removed=6)}, True),
        ({"absent": AbsentCounts(removed=4)}, False),
        ({"absent": AbsentCounts(unsubscribed=9)}, False),
        ({"absent": None}, False),
        ({"goal_version": 2}, False),
        ({"code": "duplicate_content"}, False),
    ],
)
def test_an_approval_covers_its_plan_and_no_more(approved: dict[str, Any], covers: bool) -> None:
    facts = {"code": ABSENT_OVER_GUARD, "goal_version": 3, "absent": AbsentCounts(removed=5)} | approved
    assert Approval(**facts).covers(ABSENT_OVER_GUARD, 3, AbsentCounts(removed=5)) is covers
