"""From settings to steps: which function makes the steps of which processor."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shared.domain.dialect import Dialect
from shared.domain.processor import Processor
from shared.domain.processors.base import ProcessorBase
from shared.domain.processors.columns import DropColumns, Join, RenameColumns, Split
from shared.domain.processors.contacts import NormalizeEmail, NormalizePhone
from shared.domain.processors.matching import Extract, ReplaceMatching
from shared.domain.processors.rewriting import Hash, ReformatDate, ReformatNumber
from shared.domain.processors.rows import Deduplicate, DropRows, KeepRows
from shared.domain.processors.texts import ChangeCase, LimitText, Replace, Trim
from shared.domain.processors.values import Constant, Fill, ValueMap
from shared.processing.file_columns import FileColumns
from shared.processing.processors import columns as of_columns
from shared.processing.processors import contacts, duplicates, matching, rewriting, rows, texts, values
from shared.processing.processors.step import Step

_Factory = Callable[[Any, FileColumns, Dialect], list[Step]]
_FACTORIES: dict[type[ProcessorBase], _Factory] = {
    Trim: texts.trim,
    ChangeCase: texts.change_case,
    Replace: texts.replace,
    LimitText: texts.limit_text,
    ReplaceMatching: matching.replace_matching,
    Extract: matching.extract,
    NormalizeEmail: contacts.normalize_email,
    NormalizePhone: contacts.normalize_phone,
    ReformatDate: rewriting.reformat_date,
    ReformatNumber: rewriting.reformat_number,
    Hash: rewriting.hash_values,
    ValueMap: values.value_map,
    Fill: values.fill,
    Constant: values.constant,
    Split: of_columns.split,
    Join: of_columns.join,
    DropColumns: of_columns.drop_columns,
    RenameColumns: of_columns.rename_columns,
    KeepRows: rows.keep_rows,
    DropRows: rows.drop_rows,
}


class Numbered(NamedTuple):
    """A step, and the number of the processor that it belongs to."""

    number: int
    step: Step


def numbered_steps(
    processors: Sequence[Processor],
    columns: FileColumns,
    dialect: Dialect,
    scratch: Path | None,
    notes: duplicates.Notes,
) -> list[Numbered]:
    """The steps of all processors in their order, for a file with these columns. Raises as `Chain.of`."""
    found: list[Numbered] = []
    for number, processor in enumerate(processors):
        if not isinstance(processor, Deduplicate):
            steps = _FACTORIES[type(processor)](processor, columns, dialect)
        elif processor.keep == "first":
            steps = [duplicates.deduplicate_first(processor, columns, dialect, scratch)]
        else:
            steps = [duplicates.deduplicate_last(processor, columns, dialect, notes)]
        found += [Numbered(number, step) for step in steps]
        columns = steps[-1].columns if steps else columns
    return found
