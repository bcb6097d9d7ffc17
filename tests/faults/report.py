"""What was done to the system, what was seen, and how long it took: a line a case, rendered as documentation.

Cases may run in several processes, so each writes its line to a folder of its own choosing; `python -m
tests.faults.report` turns the folder into docs/faults.md. Nothing here judges: a case that fails writes no line.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import pytest

FOLDER_VARIABLE = "TIDEGATE_FAULTS_FOLDER"
PAGE = Path("docs/faults.md")

_HEAD = """# Faults

What `make faults` does to a running Tidegate, and what it then sees. After every case one function checks the
promises of the ledger (`tests/acceptance/ledger.py`): no file half-imported, none twice, none lost in silence. This
page is written by the last complete run; seconds are from the fault, or from the end of an outage, to the last end.

| area | case | what was done | what was seen | seconds to recover |
| --- | --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Line:
    """One case of the table. Areas group cases, as "failpoints, PostgreSQL 18"; seconds to recover, None for none."""

    area: str
    case: str
    done: str
    seen: str
    seconds: float | None


class Table:
    """Takes the lines of this process's cases; keeps nothing where nobody asked for a table."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def add(self, area: str, case: str, *, done: str, seen: str, seconds: float | None) -> None:
        """Tell one case, after its last assertion."""
        if self._folder is not None:
            line = json.dumps(asdict(Line(area, case, done, seen, seconds)))
            (self._folder / f"{uuid4().hex}.json").write_text(line, encoding="utf-8")


@pytest.fixture
def faults_table() -> Table:
    """The table of this run of the tests."""
    folder = os.environ.get(FOLDER_VARIABLE)
    return Table(Path(folder) if folder else None)


def render(folder: Path) -> str:
    """The page; lines in order of area and case."""
    lines = [Line(**json.loads(path.read_text(encoding="utf-8"))) for path in folder.glob("*.json")]
    rows = []
    for line in sorted(lines, key=lambda line: (line.area, line.case)):
        seconds = "-" if line.seconds is None else f"{line.seconds:.1f}"
        rows.append(f"| {line.area} | {line.case} | {line.done} | {line.seen} | {seconds} |\n")
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(render(Path(os.environ[FOLDER_VARIABLE])), encoding="utf-8")
