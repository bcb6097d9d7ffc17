"""The figures beside what we aim at: a table for people, JSON for machines. Nothing is asserted about them."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Line:
    """One figure: what it is, what was found, what we aim at and what it must not exceed."""

    name: str
    found: float
    unit: str
    aim: float | None = None
    limit: float | None = None
    detail: str = ""

    @property
    def verdict(self) -> str:
        """Where the figure stands."""
        if self.limit is None:
            return ""
        if self.aim is not None and self.found <= self.aim:
            return "[green]aim[/green]"
        return "[yellow]within[/yellow]" if self.found <= self.limit else "[red]over[/red]"

    def facts(self) -> dict[str, Any]:
        """For JSON."""
        return {"found": round(self.found, 3), "unit": self.unit, "aim": self.aim, "limit": self.limit}


def ratio_line(name: str, seconds: Sequence[float], floors: Sequence[float], *, aim: float, limit: float) -> Line:
    """The medians of interleaved rounds as a ratio, and between what the rounds' own ratios lay."""
    wall, floor = statistics.median(seconds), statistics.median(floors)
    rounds = [each / beside for each, beside in zip(seconds, floors, strict=True)]
    detail = f"{wall:.2f} s over {floor:.2f} s; rounds {min(rounds):.1f} to {max(rounds):.1f}"
    return Line(name, wall / floor, "x floor", aim, limit, detail)


def memory_line(name: str, peak_bytes: int, detail: str) -> Line:
    """A peak of memory."""
    return Line(name, peak_bytes / MEGABYTE, "MB", 400, 400, detail)


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest of the values that at least so many percent of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def table(lines: Sequence[Line], title: str) -> Table:
    """The table that is printed."""
    shown = Table(title=title)
    for name in ("what", "found", "aim", "at most", "", "of which"):
        shown.add_column(name, justify="right" if name in ("found", "aim", "at most") else "left")
    for line in lines:
        shown.add_row(
            line.name,
            f"{line.found:.2f} {line.unit}",
            _number(line.aim),
            _number(line.limit),
            line.verdict,
            line.detail,
        )
    return shown


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"
