"""Settings of processors that skip rows: keep_rows and drop_rows by a condition, deduplicate by values."""

from typing import Literal

from pydantic import StrictBool

from shared.domain.condition import Condition
from shared.domain.processors.base import Columns, ProcessorBase, Shown


class KeepRows(ProcessorBase):
    """Keeps the rows that fulfil a condition (shared/domain/condition.py); the others are skipped (`filtered`)."""

    kind: Literal["keep_rows"]
    where: Condition
    shows = Shown(
        example={"kind": "keep_rows", "where": {"field": "Country", "in": ["NL", "BE"]}},
        before={"Country": "DE"},
        after=None,
    )


class DropRows(ProcessorBase):
    """Skips the rows that fulfil a condition (`filtered`), and keeps the others."""

    kind: Literal["drop_rows"]
    where: Condition
    shows = Shown(
        example={"kind": "drop_rows", "where": {"field": "Points", "type": "number", "less": 10}},
        before={"Points": "9"},
        after=None,
    )


class Deduplicate(ProcessorBase):
    """Keeps one of the rows of a file that have the same values in some columns; the others are skipped (`duplicate`).

    `first` or `last` in the order of the file, as the rows reach this step: a row that was rejected or filtered before
    does not count. Values are compared as they stand, or without regard to case. Rows that have nothing in all of these
    columns are no duplicates of each other. `last` reads the file twice; a goal may have it once.
    """

    kind: Literal["deduplicate"]
    fields: Columns
    keep: Literal["first", "last"] = "first"
    ignore_case: StrictBool = False
    shows = Shown(
        example={"kind": "deduplicate", "fields": ["E-mail"], "keep": "last"},
        before={"E-mail": "anna@example.com"},
        after={"E-mail": "anna@example.com"},
    )
