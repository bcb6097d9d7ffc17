"""Which sheet of a workbook is meant, and with which of its rows the table begins."""

from collections.abc import Sequence

from shared.domain.asking import Asking
from shared.domain.findings import Choice, Found, QuestionCode
from shared.formats.sniffing.layouts import MAX_SKIPPED, Row

POINTER = "/sheet"
_MAX_SHEETS = 20
_SURE_WIDTH = 3


def find_sheet(names: Sequence[str], asking: Asking) -> Found[str]:
    """The name of the sheet; a question where more than one is shown."""
    if len(names) == 1:
        return Found(value=names[0], why=("The workbook shows one sheet.",))
    choices = [
        Choice(value=name, label=name, consequence="This sheet alone is imported.", example=name)
        for name in names[:_MAX_SHEETS]
    ]
    found = asking.ask(QuestionCode.SHEET, POINTER, f"Which of the {len(names)} sheets is meant?", choices)
    return Found(value=str(found.value), certainty=found.certainty, why=found.why)


def find_title_rows(rows: Sequence[Row]) -> int:
    """How many rows of one cell stand before a table of several columns."""
    filled = [sum(map(bool, row)) for row in rows]
    if max(filled, default=0) < _SURE_WIDTH:
        return 0
    titles = next((place for place, cells in enumerate(filled) if cells != 1), 0)
    return titles if titles <= MAX_SKIPPED else 0
