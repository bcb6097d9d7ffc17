"""Regular expressions that make backtracking engines hang, on texts made for it: the slowest of those not refused."""

import json
import time
from collections.abc import Iterator

from pydantic import ValidationError

from bench.report import Line
from tests.corpora.folder import FOLDER, content
from tests.unit.processing.files import PROCESSORS, processed

CHARACTERS = 100_000
SIGNS = ("a", "x", "0", " ", ",", "abc")


def measure() -> list[Line]:
    """Seconds of the slowest; nothing where the corpora of other projects are not beside this one."""
    if not FOLDER.is_dir():
        return []
    patterns = [each["pattern"] for each in json.loads(content("redos", "patterns.json"))]
    seconds = dict(_seconds(patterns))
    slowest = max(seconds, key=lambda pattern: seconds[pattern])
    detail = (
        f"of {len(patterns)} expressions, {len(patterns) - len(seconds)} refused; on {len(SIGNS)} texts of "
        f"{CHARACTERS:,} characters or more: {' '.join(slowest.split())[:60]}"
    )
    return [Line("slowest hostile regular expression, replaced", seconds[slowest], "s", detail=detail)]


def _seconds(patterns: list[str]) -> Iterator[tuple[str, float]]:
    rows = [(sign * CHARACTERS + "!",) for sign in SIGNS]
    for pattern in patterns:
        wanted = [{"kind": "replace_matching", "field": "x", "expression": pattern, "with": "-"}]
        try:
            PROCESSORS.validate_python(wanted)
        except ValidationError:
            continue
        began = time.monotonic()
        processed(wanted, ("x",), rows)
        yield pattern, time.monotonic() - began
