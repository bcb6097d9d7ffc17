"""How figures are told: medians as ratios, percentiles that were really measured, verdicts against aim and limit."""

import pytest

from bench.report import Line, percentile, ratio_line


def test_a_ratio_is_that_of_the_medians() -> None:
    line = ratio_line("load", [12.0, 8.0, 10.0], [1.0, 2.0, 9.0], aim=5, limit=9)
    assert line.found == 5


@pytest.mark.parametrize(("percent", "expected"), [(50, 10), (95, 19), (100, 20), (1, 1)])
def test_a_percentile_is_one_of_the_values(percent: int, expected: int) -> None:
    assert percentile(list(range(20, 0, -1)), percent) == expected


@pytest.mark.parametrize(("found", "word"), [(5.0, "aim"), (5.1, "within"), (9.1, "over")])
def test_a_figure_is_judged(found: float, word: str) -> None:
    assert word in Line("load", found, "x floor", 5, 9).verdict


def test_what_has_no_limit_is_not_judged() -> None:
    assert Line("p50", 0.1, "s").verdict == ""
