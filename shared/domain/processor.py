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

from typing import Annotated, Any, ClassVar, Literal, NamedTuple

from pydantic import (
    AfterValidator,
    Field,
    GetJsonSchemaHandler,
    StrictBool,
    StringConstraints,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from shared.domain.condition import Condition
from shared.domain.dates import date_pattern
from shared.domain.field_choice import ColumnChoice, ColumnName, ColumnPosition
from shared.domain.group_char import GroupChar, demand_two
from shared.domain.model import Model
from shared.domain.regular_expression import RegularExpressionText, regular_expression
from shared.domain.replacement import replacement
from shared.domain.zones import known_zone

MAX_PROCESSORS = 50
MAX_MAPPED = 5_000

OnFailure = Literal["reject", "keep", "clear"]
Row = dict[str, str]


def _holdable(text: str) -> str:
    if "\0" in text or any("\ud800" <= one <= "\udfff" for one in text):
        raise ValueError("found a NUL or half a surrogate pair, which no value may hold")
    return text


def _date_pattern(text: str) -> str:
    date_pattern(text)
    return text


Text = Annotated[str, StringConstraints(max_length=200), AfterValidator(_holdable)]
Delimiter = Annotated[str, StringConstraints(min_length=1, max_length=20), AfterValidator(_holdable)]
DatePatternText = Annotated[str, StringConstraints(min_length=1, max_length=64), AfterValidator(_date_pattern)]
ZoneName = Annotated[str, AfterValidator(known_zone)]
Columns = Annotated[tuple[ColumnName | ColumnPosition, ...], Field(min_length=1, max_length=400)]
"""Columns of a file, each by its header's name or its 0-based position."""


class Shown(NamedTuple):
    """An example of a processor, for its documentation."""

    example: dict[str, Any]
    before: Row
    after: Row | None
    """The same row afterwards; None where it is skipped."""


class ProcessorBase(Model):
    """What every processor has beside its settings."""

    shows: ClassVar[Shown]

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """With the example, so that the gateway's description shows it."""
        described = handler.resolve_ref_schema(handler(schema))
        return described | {"examples": [cls.shows.example]}


class OneColumn(ProcessorBase, ColumnChoice):
    """Works on one column."""

    into: ColumnName | None = None
    on_failure: OnFailure = "reject"


class SomeColumns(ProcessorBase):
    """Works on each of some columns: exactly one of field, position, fields; `all` means every column."""

    field: ColumnName | None = None
    position: ColumnPosition | None = None
    fields: Columns | Literal["all"] | None = None

    @model_validator(mode="after")
    def _says_which(self) -> "SomeColumns":
        if sum(each is not None for each in (self.field, self.position, self.fields)) != 1:
            raise ValueError("expected exactly one of field, position, fields")
        return self

    @property
    def chosen(self) -> tuple[str | int, ...] | None:
        """The columns, None for all."""
        if self.fields is not None:
            return None if self.fields == "all" else self.fields
        one = self.field if self.field is not None else self.position
        return (one,) if one is not None else None


class Trim(SomeColumns):
    """Takes white space (Unicode's) off both ends of values: of all columns, unless some are named.

    `collapse` also makes one blank of each run of white space inside. Twice does what once does.
    """

    kind: Literal["trim"]
    fields: Columns | Literal["all"] | None = None
    collapse: StrictBool = False
    shows = Shown(
        example={"kind": "trim", "collapse": True},
        before={"City": "\u00a0Den   Haag "},
        after={"City": "Den Haag"},
    )

    @model_validator(mode="before")
    @classmethod
    def _all_by_default(cls, given: Any) -> Any:
        if isinstance(given, dict) and not {"field", "position", "fields"} & given.keys():
            return {**given, "fields": "all"}
        return given


class ChangeCase(SomeColumns):
    """Writes values in `lower`, `upper` or `title` case (each word's first letter large), by Unicode's rules.

    Twice does what once does.
    """

    kind: Literal["change_case"]
    to: Literal["lower", "upper", "title"]
    shows = Shown(
        example={"kind": "change_case", "field": "Name", "to": "title"},
        before={"Name": "ANNA DE WIT"},
        after={"Name": "Anna De Wit"},
    )


class Replace(SomeColumns):
    """Replaces a text, wherever it stands in a value, by another, which may be empty.

    A row whose value would grow over 1 MiB is rejected (`field_too_long`).
    """

    kind: Literal["replace"]
    find: Delimiter
    replacement: Text = Field(alias="with")
    shows = Shown(
        example={"kind": "replace", "field": "Street", "find": "Str.", "with": "Straße"},
        before={"Street": "Lange Str. 5"},
        after={"Street": "Lange Straße 5"},
    )


class LimitText(SomeColumns):
    """Limits values to a number of characters (Unicode code points): cuts longer ones, or as `on_longer` says."""

    kind: Literal["limit_text"]
    characters: int = Field(ge=1, le=1_000_000)
    on_longer: Literal["cut", "reject", "clear"] = "cut"
    shows = Shown(
        example={"kind": "limit_text", "field": "Note", "characters": 5},
        before={"Note": "Köln am Rhein"},
        after={"Note": "Köln "},
    )


class ReplaceMatching(SomeColumns):
    """Replaces whatever matches a regular expression (shared/domain/regular_expression.py) in a value.

    In `with`, `$1` is what the first group matched, `$0` the whole match, `$$` a dollar. An expression that looks far
    behind its match (`(ab)+`, `a+b`, but not `a+` or `[^0-9]`) takes time by the square of a value's length: it works
    on values of up to 2,000 bytes, and a longer one that matches goes by `on_failure` (`text_too_long`), as does one
    that may grow over 1 MiB (`field_too_long`).
    """

    kind: Literal["replace_matching"]
    expression: RegularExpressionText
    replacement: Text = Field(alias="with")
    on_failure: OnFailure = "reject"
    shows = Shown(
        example={"kind": "replace_matching", "field": "Number", "expression": "^([A-Z]+)-0*", "with": "$1 "},
        before={"Number": "AB-0012"},
        after={"Number": "AB 12"},
    )

    @model_validator(mode="after")
    def _groups_are_there(self) -> "ReplaceMatching":
        groups = regular_expression(self.expression).groups
        highest = max((part for part in replacement(self.replacement) if isinstance(part, int)), default=0)
        if highest > groups:
            raise ValueError(f"found ${highest}, but the regular expression has {groups} groups")
        return self


class Extract(OneColumn):
    """Keeps of a value what a regular expression matches: its first group, the whole match where it has none.

    `group` names another (0 is the whole match). Without a match the value goes by `on_failure` (`no_match`); a group
    that takes no part in the match gives an empty value.
    """

    kind: Literal["extract"]
    expression: RegularExpressionText
    group: int | None = Field(default=None, ge=0, le=20)
    shows = Shown(
        example={"kind": "extract", "field": "Order", "expression": "#([0-9]+)", "into": "Order number"},
        before={"Order": "Order #123 of May"},
        after={"Order": "Order #123 of May", "Order number": "123"},
    )

    @model_validator(mode="after")
    def _group_is_there(self) -> "Extract":
        groups = regular_expression(self.expression).groups
        if self.group is not None and self.group > groups:
            raise ValueError(f"found the group {self.group}, but the regular expression has {groups}")
        return self


class NormalizeEmail(OneColumn):
    """Writes e-mail addresses alike: without white space at the ends and `mailto:`, composed (NFC), in lower case.

    What is no e-mail address then goes by `on_failure` (`not_an_email`). Twice does what once does.
    """

    kind: Literal["normalize_email"]
    shows = Shown(
        example={"kind": "normalize_email", "field": "E-mail"},
        before={"E-mail": " mailto:Anna@Example.COM"},
        after={"E-mail": "anna@example.com"},
    )


class NormalizePhone(OneColumn):
    """Writes telephone numbers as E.164: `+`, country code, number.

    A number without a country code belongs to `default_region` (ISO 3166-1, as `NL`). Digits, blanks and the usual
    signs are read, also `tel:` in front; letters and extensions are not, and what is no valid number of its country (by
    the library phonenumbers) goes by `on_failure` (`not_a_phone`). Twice does what once does.
    """

    kind: Literal["normalize_phone"]
    default_region: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}\z")]
    shows = Shown(
        example={"kind": "normalize_phone", "field": "Mobile", "default_region": "NL"},
        before={"Mobile": "06 - 1234 5678"},
        after={"Mobile": "+31612345678"},
    )


class ReformatDate(OneColumn):
    """Writes dates and times in another pattern (shared/domain/dates.py).

    `from` defaults to the dialect's dateFormat. A time without a zone is in the dialect's time zone, and all are
    written in it, unless `timezone` names another to write in. A pattern without a time takes the day of a time; a time
    of a value without one is midnight. What does not fit `from`, or cannot be told in `to`, goes by `on_failure`
    (`not_a_date`).
    """

    kind: Literal["reformat_date"]
    source: DatePatternText | None = Field(default=None, alias="from")
    target: DatePatternText = Field(default="YYYY-MM-DD", alias="to")
    timezone: ZoneName | None = None
    shows = Shown(
        example={"kind": "reformat_date", "field": "Born", "from": "DD.MM.YYYY", "to": "YYYY-MM-DD"},
        before={"Born": "31.12.1999"},
        after={"Born": "1999-12-31"},
    )


class NumberFormat(Model):
    """How numbers are written."""

    decimal_char: Literal[".", ","] = Field(default=".", alias="decimalChar")
    group_char: GroupChar | None = Field(default=None, alias="groupChar")

    @model_validator(mode="after")
    def _characters_differ(self) -> "NumberFormat":
        demand_two(self.decimal_char, self.group_char)
        return self


class WrittenNumber(NumberFormat):
    """How numbers are to be written."""

    decimals: int | None = Field(default=None, ge=0, le=10)


class ReformatNumber(OneColumn):
    """Writes numbers with other characters, without needless zeros and signs: the value stays exactly the same.

    `from` defaults to the dialect's decimalChar and groupChar. With `decimals` all have as many; a number with more,
    like what is no number, goes by `on_failure`: nothing is rounded.
    """

    kind: Literal["reformat_number"]
    source: NumberFormat | None = Field(default=None, alias="from")
    target: WrittenNumber = Field(default=WrittenNumber(), alias="to")
    shows = Shown(
        example={"kind": "reformat_number", "field": "Sum", "from": {"decimalChar": ",", "groupChar": "."}},
        before={"Sum": "1.234,50"},
        after={"Sum": "1234.5"},
    )


class ValueMap(OneColumn):
    """Puts one value in the place of another, by a table; `ignore_case` compares without regard to case.

    Values are compared whole and as they stand. One that the table lacks goes by `on_failure` (`value_not_mapped`).
    """

    kind: Literal["value_map"]
    values: dict[Annotated[Text, StringConstraints(min_length=1)], Text] = Field(min_length=1, max_length=MAX_MAPPED)
    ignore_case: StrictBool = False
    shows = Shown(
        example={"kind": "value_map", "field": "Gender", "values": {"m": "male", "v": "female"}, "on_failure": "keep"},
        before={"Gender": "v"},
        after={"Gender": "female"},
    )


class Fill(ProcessorBase, ColumnChoice):
    """Gives a column a value where it has nothing: a fixed one, or that of another column (`from`)."""

    kind: Literal["fill"]
    value: Text | None = None
    source: ColumnName | ColumnPosition | None = Field(default=None, alias="from")
    shows = Shown(
        example={"kind": "fill", "field": "Country", "value": "NL"},
        before={"Country": " "},
        after={"Country": "NL"},
    )

    @model_validator(mode="after")
    def _exactly_one_value(self) -> "Fill":
        if (self.value is None) == (self.source is None):
            raise ValueError("expected exactly one of value, from")
        return self


class Constant(ProcessorBase):
    """Writes the same value into a column of every row: a new one, or one that is there."""

    kind: Literal["constant"]
    into: ColumnName
    value: Text
    shows = Shown(
        example={"kind": "constant", "into": "Source", "value": "shop"},
        before={"E-mail": "anna@example.com"},
        after={"E-mail": "anna@example.com", "Source": "shop"},
    )


class Hash(OneColumn):
    """Replaces values by their digest, in lower-case hexadecimal digits, of their bytes in UTF-8.

    `sha256` unless another is named. Clean values first, since the smallest difference gives another digest. A digest
    without a secret hides nothing from somebody who can try all addresses or numbers: it is a key to match by, not
    anonymity. `md5` and `sha1` are for partners who still match by them.
    """

    kind: Literal["hash"]
    algorithm: Literal["sha256", "sha512", "sha1", "md5"] = "sha256"
    shows = Shown(
        example={"kind": "hash", "field": "E-mail", "algorithm": "md5"},
        before={"E-mail": "anna@example.com"},
        after={"E-mail": "6b56db1f84a3997b902509d3fbf0a306"},
    )


class Split(ProcessorBase, ColumnChoice):
    """Splits a value at a delimiter into columns. The last one takes all the rest; where there is less, it is empty."""

    kind: Literal["split"]
    delimiter: Delimiter
    into: tuple[ColumnName, ...] = Field(min_length=2, max_length=50)
    shows = Shown(
        example={"kind": "split", "field": "Name", "delimiter": " ", "into": ["First", "Last"]},
        before={"Name": "Jan van der Berg"},
        after={"Name": "Jan van der Berg", "First": "Jan", "Last": "van der Berg"},
    )

    @field_validator("into")
    @classmethod
    def _differ(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) != len(names):
            raise ValueError("expected columns with different names")
        return names


class Join(ProcessorBase):
    """Joins the values of columns, with a separator between those that are not nothing.

    A row whose value would be longer than 1 MiB is rejected (`field_too_long`).
    """

    kind: Literal["join"]
    fields: Columns
    separator: Annotated[str, StringConstraints(max_length=20), AfterValidator(_holdable)] = " "
    into: ColumnName
    shows = Shown(
        example={"kind": "join", "fields": ["First", "Middle", "Last"], "into": "Name"},
        before={"First": "Jan", "Middle": "", "Last": "Berg"},
        after={"First": "Jan", "Middle": "", "Last": "Berg", "Name": "Jan Berg"},
    )


class DropColumns(ProcessorBase):
    """Drops columns. The others keep the positions by which they are named."""

    kind: Literal["drop_columns"]
    fields: Columns
    shows = Shown(
        example={"kind": "drop_columns", "fields": ["Note"]},
        before={"Name": "Anna", "Note": "x"},
        after={"Name": "Anna"},
    )


class NewName(ColumnChoice):
    """A column and its new name."""

    to: ColumnName


class RenameColumns(ProcessorBase):
    """Gives columns other names; all at once, so that two may swap theirs."""

    kind: Literal["rename_columns"]
    columns: tuple[NewName, ...] = Field(min_length=1, max_length=400)
    shows = Shown(
        example={"kind": "rename_columns", "columns": [{"field": "Mail", "to": "E-mail"}]},
        before={"Mail": "anna@example.com"},
        after={"E-mail": "anna@example.com"},
    )


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
