"""Whether processors make sense by themselves, asked before a goal is saved and before any file has been seen.

What a processor's own model refuses is not repeated. Whether a file has the columns that are named shows when it comes.
"""

from collections.abc import Iterator, Sequence

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.processor import Processor
from shared.domain.processors.rows import DropRows, KeepRows
from shared.processing.chain import Chain
from shared.processing.condition_checks import faults_of_rows
from shared.processing.file_columns import AnyColumns, FileColumn

_ANY = AnyColumns((FileColumn("c0", "any", None),))


def faults_of(processors: Sequence[Processor], dialect: Dialect) -> Iterator[tuple[str, str]]:
    """What is wrong: an RFC 6901 pointer into the processors, and a sentence."""
    for number, processor in enumerate(processors):
        if isinstance(processor, KeepRows | DropRows):
            faults = list(faults_of_rows(processor.where, (), f"/{number}/where"))
            yield from faults
            if faults:
                continue
        try:
            Chain.of((processor,), _ANY, dialect)
        except InvalidGoal as error:
            yield f"/{number}", error.detail
