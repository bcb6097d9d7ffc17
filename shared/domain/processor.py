"""Processors: steps that filter or change the rows of a file before they are mapped, in the order in which they stand.

Each is a model with its own `kind`; its text is its documentation, and `shows` gives an example. Values
are text here, as the file has them. What is nothing (empty, white space alone, one of the dialect's null sequences) is
left as it is by all of them but `fill`: nothing is not a value that cannot be read.

**A value that a processor cannot do its work on** goes by `on_failure`: `reject` (the default) hands the row back
with a code, since a value that is silently kept or cleared looks like one that was cleaned; `keep` leaves it as it
stands; `clear` makes it empty. `into` puts the result into another column, a new one at the end or one that is there,
and leaves the first as it was.

What the processors do stands in shared/processing/processors.
"""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.domain.processors.columns import DropColumns, Join, RenameColumns, Split
from shared.domain.processors.contacts import NormalizeEmail, NormalizePhone
from shared.domain.processors.matching import Extract, ReplaceMatching
from shared.domain.processors.rewriting import Hash, ReformatDate, ReformatNumber
from shared.domain.processors.rows import Deduplicate, DropRows, KeepRows
from shared.domain.processors.texts import ChangeCase, LimitText, Replace, Trim
from shared.domain.processors.values import Constant, Fill, ValueMap

MAX_PROCESSORS = 50

Processor = Annotated[
    Trim | ChangeCase | Replace | LimitText | ReplaceMatching | Extract | NormalizeEmail | NormalizePhone | ReformatDate
    | ReformatNumber | ValueMap | Fill | Constant | Hash | Split | Join | DropColumns | RenameColumns | KeepRows
    | DropRows | Deduplicate,
    Field(discriminator="kind"),
]  # fmt: skip  # a list reads better than a column


def _at_most_one_last(processors: tuple[Processor, ...]) -> tuple[Processor, ...]:
    # Each needs to see the file through all steps before it, so a second one would need a third pass.
    if sum(isinstance(each, Deduplicate) and each.keep == "last" for each in processors) > 1:
        raise ValueError("found two processors that deduplicate and keep the last row, expected at most one")
    return processors


Processors = Annotated[tuple[Processor, ...], Field(max_length=MAX_PROCESSORS), AfterValidator(_at_most_one_last)]
"""The type for a goal's field."""
