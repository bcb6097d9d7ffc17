"""An export and an import without places and databases: from what COPY gives to the bytes of a file, and from there to
typed values, by the product's own steps.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import polars as pl

from shared.domain.export_goal import ExportProfiles
from shared.domain.property import PropertyType
from shared.processing.chain import Chain, Rows
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from shared.processing.typing import apply
from shared.runtime.table_text import TableText, Told
from shared.storage.selections.selection import SelectedColumn, Selection
from tests.copied import Value, as_postgresql_writes, copied
from tests.unit.formats.reading import read
from tests.unit.processing.goals import goal, properties

_ITEM = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

Column = tuple[PropertyType, list[Value]]

GOAL = {"kind": "export_profiles", "name": "All", "columns": [{"text": "as selected"}]}


def exported(dialect: dict[str, Any], columns: Sequence[Column], **changes: Any) -> bytes:
    """The file of these columns, in the order of the rows; the last column tells their numbers. Raises
    UnwritableValue."""
    told = GOAL | {"dialect": dialect}
    numbered = [*columns, (PropertyType.INTEGER, list(range(len(columns[0][1]))))]
    selected = tuple(SelectedColumn(f"{kind.value} {place}", kind) for place, (kind, _) in enumerate(numbered))
    rows = zip(*([as_postgresql_writes(value) for value in values] for _, values in numbered), strict=True)
    block = copied((place, *row) for place, row in enumerate(rows))
    export = ExportProfiles.model_validate(told | changes)
    with TableText(Selection(selected, ""), export, Told()) as text:
        return b"".join([text.head(), *(text.lines(frame) for frame in text.frames(block))])


def imported(
    content: bytes, dialect: dict[str, Any], kinds: Sequence[PropertyType], processors: Sequence[dict[str, Any]] = ()
) -> list[tuple[Value, ...]]:
    """The values that an import of the same dialect finds, in the order of the rows' numbers."""
    has_header = dialect.get("header", True)
    names = {f"p{place}": kind for place, kind in enumerate([*kinds, PropertyType.INTEGER])}
    fields = [
        {"property": name, **({"field": f"{kind.value} {place}"} if has_header else {"position": place})}
        for place, (name, kind) in enumerate(names.items())
    ]
    importing = goal([fields[-1]], fields[:-1], dialect, processors=list(processors))
    found = read(content, importing.dialect)
    assert not found.bad, found.bad
    rows = [row for _, row in found.good.values()]
    frame = pl.DataFrame(rows, schema={f"c{place}": pl.String for place in range(found.width)}, orient="row")
    columns = FileColumns.of(found.header, found.width)
    numbers = pl.Series(range(1, len(rows) + 1), dtype=pl.Int64).to_numpy()
    with Chain.of(importing.processors, columns, importing.dialect) as chain:
        [done] = chain.apply(Rows(frame, numbers, numbers))
        plan = plan_of(importing, properties(list(names)[-1], **names), chain.columns)
        typed = apply(done.frame, done.record_numbers, done.line_numbers, plan)
    assert (typed.rejects, typed.value_rejects) == ((), ())
    good = typed.good.sort(f"p_{list(names)[-1]}").select(f"p_p{place}" for place in range(len(kinds)))
    return [tuple(map(_value, kinds, row)) for row in good.rows()]


def _value(kind: PropertyType, found: Any) -> Value:
    """What is staged, as Python has it."""
    if found is None:
        return None
    if kind is PropertyType.NUMBER:
        return Decimal(found)
    if kind is PropertyType.DATETIME:
        return datetime.fromisoformat(found)
    if kind is PropertyType.DATE:
        return datetime.fromisoformat(found).date()
    if kind is PropertyType.LIST:
        return [_ESCAPED.sub(r"\1", item) for item in _ITEM.findall(found)]
    assert isinstance(found, str | int)
    return found
