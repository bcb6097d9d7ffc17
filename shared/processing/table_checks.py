"""Whether processors can work on the rows of an export's file, whose columns are known before any row is. Pure."""

from collections.abc import Sequence

from shared.domain.dialect import Dialect
from shared.domain.failures import HeaderChanged, InvalidGoal
from shared.domain.processor import Processor
from shared.domain.processors.rows import DropRows, KeepRows
from shared.processing.chain import columns_after
from shared.processing.condition_checks import faults_of_rows
from shared.processing.file_columns import FileColumns
from shared.processing.goal_flaws import Flaw


def table_flaws(processors: Sequence[Processor], columns: FileColumns, dialect: Dialect, pointer: str) -> list[Flaw]:
    """What is wrong with the processors that stand there: of the first that cannot work, for the rest go by it."""
    for number, processor in enumerate(processors):
        if isinstance(processor, KeepRows | DropRows):
            faults = list(faults_of_rows(processor.where, columns.segments, f"{pointer}/{number}/where"))
            if faults:
                return [Flaw(where, "invalid_processor", sentence) for where, sentence in faults]
        try:
            columns = columns_after([processor], columns, dialect)
        except (HeaderChanged, InvalidGoal) as error:
            return [Flaw(f"{pointer}/{number}", "invalid_processor", error.detail)]
    if not columns.columns:
        return [Flaw(pointer, "invalid_processor", "Found no column left behind the processors.")]
    return []
