"""Files of every kind that code can write: what is found is right or asked, and the proposal reads them."""

from pathlib import Path

import pytest

from shared.domain.findings import Certainty, Findings
from shared.domain.property import PropertyType
from shared.processing.goal_settings import goal_settings
from tests.unit.samples.made import Made, files
from tests.unit.samples.oracle import DATES, NUMBERS, read, settled

MADE = files()


@pytest.mark.parametrize("made", MADE, ids=lambda made: made.name)
def test_what_is_found_is_right_or_asked_and_reads_the_file(made: Made, tmp_path: Path) -> None:
    path = tmp_path / "sample.csv"
    path.write_bytes(made.content)
    rounds, _ = settled(path, made)
    assert [wrong(findings, made) for findings in rounds] == [[] for _ in rounds]
    rows, rejected = read(path, goal_settings(rounds[-1]))
    assert rejected == 0
    width = len(made.rows[0])
    assert [row[:width] for row in rows] == list(made.rows)


def wrong(findings: Findings, made: Made) -> list[str]:
    """What was found for certain, and is not so."""
    assert findings.dialect is not None
    assert findings.encoding is not None
    if findings.encoding.certainty is Certainty.OPEN:
        # Names that are no words yet tell nothing; nobody gets further without an answer.
        return []
    dialect = findings.dialect
    text = made.content.decode(made.encoding)
    truth = [
        ("delimiter", dialect.delimiter, made.delimiter),
        ("header", dialect.header, bool(made.header)),
        ("rows_to_skip", dialect.rows_to_skip, made.skipped),
        ("comment_char", dialect.comment_char, made.comment),
    ]
    found = [name for name, each, true in truth if each.certainty is Certainty.CERTAIN and each.value != true]
    if findings.encoding.certainty is Certainty.CERTAIN:
        name = findings.encoding.value
        if made.content.decode("utf-8-sig" if name == "utf-8" else name).removeprefix("\ufeff") != text.removeprefix(
            "\ufeff"
        ):
            found.append("encoding")
    if len(findings.columns) > NUMBERS and not findings.questions:
        if findings.columns[DATES].type.value is not PropertyType.DATE:
            found.append("dates")
        if findings.columns[NUMBERS].type.value is not PropertyType.NUMBER:
            found.append("numbers")
    return found
