"""What was found out about a sample: each thing certain, with its evidence, or open, with a question about it.

Nothing is chosen in silence. Where the bytes allow two readings, the more likely one is only provisional until a person
has answered. Findings hold values of the file, which are personal data: they are for whoever gave the sample, and never
for a log, a metric, an error or a mail.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from shared.domain.model import Model
from shared.domain.property import PropertyType

Value = bool | int | str | None
"""What a finding or an answer can be."""

MAX_ANSWER = 1_000
"""Characters: longer than any wildcard of an archive's members, which may be said freely."""

T = TypeVar("T")


class Certainty(StrEnum):
    """How a finding stands."""

    CERTAIN = "certain"
    ANSWERED = "answered"
    OPEN = "open"
    """Provisional: a question asks for it."""


class Found(Model, Generic[T]):
    """One thing that was found."""

    value: T
    certainty: Certainty = Certainty.CERTAIN
    why: tuple[str, ...] = ()
    """The evidence, in sentences. They may hold examples."""


class QuestionCode(StrEnum):
    """What may be open about a sample; closed and documented."""

    MEMBERS = "members"
    SHEET = "sheet"
    ENCODING = "encoding"
    DELIMITER = "delimiter"
    QUOTE_CHAR = "quote_char"
    ESCAPE_CHAR = "escape_char"
    COMMENT_CHAR = "comment_char"
    ROWS_TO_SKIP = "rows_to_skip"
    HEADER = "header"
    DUPLICATE_NAMES = "duplicate_names"
    UNREADABLE_ROWS = "unreadable_rows"
    NULL_SEQUENCE = "null_sequence"
    DATE_ORDER = "date_order"
    CENTURY = "century"
    TIMEZONE = "timezone"
    DECIMAL_CHAR = "decimal_char"
    LIST_DELIMITER = "list_delimiter"
    COLUMN_TYPE = "column_type"
    MAPPING = "mapping"
    UNFIT_VALUES = "unfit_values"
    UNKNOWN_CHOICES = "unknown_choices"
    IDENTIFIER = "identifier"


class Choice(Model):
    """One answer that a question offers, and what would come of it."""

    value: Value
    label: str
    consequence: str
    example: str = ""
    """From the file."""


class Question(Model):
    """Something that the file does not tell. `code` and `pointer` name it for as long as the sample is the same."""

    code: QuestionCode
    pointer: str
    """RFC 6901, into the findings."""
    text: str
    choices: tuple[Choice, ...]
    """The most likely first."""
    is_free: bool = False
    """Whether an answer beside the choices is taken as well."""


class Answer(Model):
    """What a person said to a question."""

    code: QuestionCode
    pointer: str = Field(max_length=200)
    value: (
        bool | Annotated[int, Field(ge=-1_000_000, le=1_000_000)] | Annotated[str, Field(max_length=MAX_ANSWER)] | None
    )


class Remark(Model):
    """Something worth knowing that needs no answer."""

    code: str
    text: str
    pointer: str = ""


class Trouble(Model):
    """Why the file cannot be read any further: a failure's code and sentences."""

    code: str
    sentence: str
    what_to_do: str


class FoundDialect(Model):
    """How the text is written."""

    delimiter: Found[str]
    quote_char: Found[str | None]
    escape_char: Found[str | None]
    skip_initial_space: Found[bool]
    header: Found[bool]
    rows_to_skip: Found[int]
    comment_char: Found[str | None]
    null_sequence: Found[tuple[str, ...]]
    timezone: Found[str]
    list_delimiter: Found[str] | None = None
    """What joins the items of lists, where the format has lists of its own."""


class Excluded(Model):
    """A type that the values of a column do not allow."""

    type: PropertyType
    values: int
    """How many rows have a value that does not fit."""
    example: str


class ValueCount(Model):
    """A value of a column, and in how many of the rows it stands."""

    value: str
    rows: int


class FoundColumn(Model):
    """One column."""

    position: int
    name: str | None
    """None where the file has no header."""
    type: Found[PropertyType]
    filled: int
    """In how many of the rows it has a value."""
    distinct: int
    examples: tuple[str, ...]
    fits: dict[PropertyType, int]
    """How many values fit the types that were considered."""
    excluded: tuple[Excluded, ...] = ()
    notation: Mapping[str, Any] = Field(default={})
    """How its values are written, in the names of a goal's mapping: dateFormat, decimalChar, groupChar, listDelimiter,
    trueValues, falseValues."""
    choices: tuple[ValueCount, ...] = ()
    """Its values, where they are so few that it may be a choice, or the items of its lists."""

    @property
    def shown(self) -> str:
        """How people are told of the column."""
        return repr(self.name) if self.name else f"column {self.position + 1}"


class ProposedMapping(Model):
    """What to do with a column."""

    position: int
    property: Found[str | None]
    """None: do not import."""
    reason: Literal["name", "normalised_name", "label", "alias", "usual_name", "content", "new", "left_out", "answered"]
    is_new: bool = False
    """Whether the property must be created first."""
    choices: Mapping[str, str] = Field(default={})
    """What the file's words stand for, where the property has choices that are spelled differently."""
    unknown_choice: Literal["reject", "add"] = "reject"


class ProposedProperty(Model):
    """A property to create."""

    name: str
    type: PropertyType
    label: str
    identifier: bool = False
    choices: tuple[str, ...] = ()


class Looked(Model):
    """How much of the file the findings rest on."""

    size_bytes: int
    rows: int
    whole: bool
    """Whether these were all rows of the file."""
    unreadable: Mapping[str, int] = Field(default={})
    """Rows that could not be read, by reject code."""


class Findings(Model):
    """All that was found out about one file."""

    name: str
    looked: Looked
    packing: Found[str]
    """Packings from the outside in, joined by `+`: `none`, `gzip`, `openpgp+zip`."""
    members: Found[str] | None = None
    """Which files of an archive are meant: the wildcard of a goal's `unpack.members`. None where it is no archive."""
    sheet: Found[str] | None = None
    """Which sheet of a workbook is meant."""
    format: Found[str] | None = None
    """csv, xlsx or jsonl, as in a goal."""
    encoding: Found[str] | None = None
    confidence: float | None = None
    """Of the encoding, 0 to 1."""
    dialect: FoundDialect | None = None
    columns: tuple[FoundColumn, ...] = ()
    sample_rows: tuple[tuple[str, ...], ...] = ()
    mapping: tuple[ProposedMapping, ...] = ()
    identifiers: Found[tuple[int, ...]] | None = None
    """Positions of columns, in order."""
    new_properties: tuple[ProposedProperty, ...] = ()
    questions: tuple[Question, ...] = ()
    remarks: tuple[Remark, ...] = ()
    trouble: Trouble | None = None
    unused_answers: tuple[Answer, ...] = ()
    """Answers to what was not asked."""

    @property
    def is_settled(self) -> bool:
        """Whether a goal can be made of them."""
        return self.trouble is None and not self.questions and bool(self.columns)
