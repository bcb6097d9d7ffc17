"""Whether the first row holds names: by what the columns hold below, and by what columns are usually called."""

from collections.abc import Callable, Sequence

from shared.domain.asking import Asking
from shared.domain.findings import Choice, Found, QuestionCode
from shared.formats.sniffing.layouts import Row
from shared.formats.sniffing.shapes import shape_of

IsName = Callable[[str], bool]
"""Whether columns are usually called so, or the account calls a property so."""

POINTER = "/dialect/header"
_ROWS = 200
_ALIKE = 0.9
_NO_NAMES = ("email", "url", "date", "time", "uuid", "phone")


def find_header(rows: Sequence[Row], is_name: IsName, asking: Asking) -> Found[bool]:
    """Whether the first of the rows is a header; a question where the rows allow both."""
    first, body = rows[0], rows[1 : _ROWS + 1]
    columns = [[row[place] for row in body if place < len(row)] for place in range(len(first))]
    differing = [place for place, cell in enumerate(first) if _stands_out(cell, columns[place])]
    data = [place for place, cell in enumerate(first) if shape_of(cell) is not None]
    sure_data = [place for place in data if shape_of(first[place]) in _NO_NAMES]
    names = [
        place
        for place, cell in enumerate(first)
        if is_name(cell) and cell.strip() not in map(str.strip, columns[place])
    ]
    filled = sum(bool(cell.strip()) for cell in first)
    is_for = bool(differing) or len(names) >= 2 or 0 < filled == len(names)
    for_reasons = _reasons_for(first, columns, differing, names)
    if is_for and not data:
        return Found(value=True, why=for_reasons)
    if data and not is_for:
        kind = shape_of(first[data[0]])
        return Found(value=False, why=(f"The first row holds data: {first[data[0]]!r} is a {kind}.",))
    if is_for and not sure_data and 2 * len(names) >= filled:
        return Found(value=True, why=for_reasons)
    found = asking.ask(
        QuestionCode.HEADER,
        POINTER,
        "Does the first row hold the names of the columns, or is it a record?",
        _choices(first, is_likely=is_for or bool(names)),
        why=for_reasons,
    )
    return Found(value=found.value is True, certainty=found.certainty, why=found.why)


def _stands_out(cell: str, column: Sequence[str]) -> bool:
    """Whether the values below have a shape that the first cell, a word, has not."""
    if not cell.strip() or shape_of(cell) is not None:
        return False
    filled = [value for value in column if value.strip()]
    shaped = sum(shape_of(value) is not None for value in filled)
    return bool(filled) and shaped >= _ALIKE * len(filled)


def _reasons_for(
    first: Row, columns: Sequence[Sequence[str]], differing: Sequence[int], names: Sequence[int]
) -> tuple[str, ...]:
    reasons = []
    if differing:
        place = differing[0]
        example = next(value for value in columns[place] if value.strip())
        reasons.append(
            f"{len(differing)} columns hold values of a kind that their first row is not: {first[place]!r} above "
            f"{example!r}."
        )
    if names:
        shown = ", ".join(repr(first[place]) for place in names[:5])
        reasons.append(f"Columns are often called so: {shown}.")
    return tuple(reasons)


def _choices(first: Row, *, is_likely: bool) -> list[Choice]:
    example = " | ".join(first[:8])
    yes = Choice(
        value=True,
        label="names",
        consequence="The first row is not imported; columns are mapped by their names and may be moved.",
        example=example,
    )
    no = Choice(
        value=False,
        label="a record",
        consequence="The first row is imported; columns are mapped by position.",
        example=example,
    )
    return [yes, no] if is_likely else [no, yes]
