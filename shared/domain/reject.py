"""Rejects: rows that were not imported, each with a stable code. The list is closed and documented."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from uuid import UUID

from shared.domain.model import Model
from shared.domain.trimmed import folded


class RejectCode(StrEnum):
    """Why a row was not imported."""

    # how the row is written
    TOO_FEW_FIELDS = "too_few_fields"
    TOO_MANY_FIELDS = "too_many_fields"
    STRAY_QUOTE = "stray_quote"
    UNCLOSED_QUOTE = "unclosed_quote"
    NUL_BYTE = "nul_byte"
    UNDECODABLE = "undecodable"
    FIELD_TOO_LONG = "field_too_long"
    BAD_JSON = "bad_json"
    DUPLICATE_KEY = "duplicate_key"
    NESTED_VALUE = "nested_value"
    LIST_DELIMITER_IN_ITEM = "list_delimiter_in_item"
    CELL_ERROR = "cell_error"
    CELL_WITHOUT_VALUE = "cell_without_value"
    # whom it is about
    NO_IDENTIFIER = "no_identifier"
    IDENTIFIER_TOO_LONG = "identifier_too_long"
    IDENTIFIER_CONFLICT = "identifier_conflict"
    UNKNOWN_SYSTEM_ID = "unknown_system_id"
    UNKNOWN_PROFILE = "unknown_profile"
    # what it tells of
    EVENT_CONTRADICTED = "event_contradicted"
    EVENT_INCOMPLETE = "event_incomplete"
    EVENT_TOO_LARGE = "event_too_large"
    # what it says
    NOT_AN_INTEGER = "not_an_integer"
    NOT_A_NUMBER = "not_a_number"
    TOO_PRECISE = "too_precise"
    OUT_OF_RANGE = "out_of_range"
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_DATE = "not_a_date"
    NOT_A_DATETIME = "not_a_datetime"
    NOT_AN_EMAIL = "not_an_email"
    NOT_A_PHONE = "not_a_phone"
    NOT_A_URL = "not_a_url"
    NOT_A_LANGUAGE = "not_a_language"
    UNKNOWN_CHOICE = "unknown_choice"
    EMPTY_VALUE = "empty_value"
    # what a processor cannot do with it
    NO_MATCH = "no_match"
    VALUE_NOT_MAPPED = "value_not_mapped"
    TEXT_TOO_LONG = "text_too_long"
    # whether it can be stored
    ROW_TOO_WIDE = "row_too_wide"


RUN_COLUMN = "_run"
OWN_COLUMNS = ("_row", "_code", "_field", "_message", RUN_COLUMN)
"""What files of rejects have behind the original's columns; the last one names the run."""

VALUES_RUN_COLUMN = "_values_of_run"
OWN_COLUMNS_OF_VALUES = (*OWN_COLUMNS[:-1], VALUES_RUN_COLUMN)
"""What files of rejected values have instead. Their rows are not whole: a blank there is a value that was imported."""

RUN_COLUMNS = frozenset({RUN_COLUMN, VALUES_RUN_COLUMN})
ALL_OWN_COLUMNS = RUN_COLUMNS.union(OWN_COLUMNS)
"""Columns that are no business of a goal."""

READING_CODES = frozenset(
    {
        RejectCode.TOO_FEW_FIELDS,
        RejectCode.TOO_MANY_FIELDS,
        RejectCode.STRAY_QUOTE,
        RejectCode.UNCLOSED_QUOTE,
        RejectCode.NUL_BYTE,
        RejectCode.UNDECODABLE,
        RejectCode.FIELD_TOO_LONG,
        RejectCode.BAD_JSON,
        RejectCode.DUPLICATE_KEY,
    }
)
"""Codes that say how a row is written; a file with nothing else was not written in the goal's dialect."""

STANDING_CODES = READING_CODES | {
    RejectCode.NESTED_VALUE,
    RejectCode.LIST_DELIMITER_IN_ITEM,
    RejectCode.CELL_ERROR,
    RejectCode.CELL_WITHOUT_VALUE,
}
"""Codes of rows of which a file of rejects cannot say what stood there: they are not to be taken as they are."""

MESSAGES: dict[RejectCode, str] = {
    RejectCode.TOO_FEW_FIELDS: "The row has fewer fields than the header.",
    RejectCode.TOO_MANY_FIELDS: "The row has more fields than the header.",
    RejectCode.STRAY_QUOTE: "A quote character stands inside a field that is not quoted, or after its end.",
    RejectCode.UNCLOSED_QUOTE: "A quoted field is never closed.",
    RejectCode.NUL_BYTE: "The row contains a NUL byte.",
    RejectCode.UNDECODABLE: "The row contains bytes that are not text in the goal's encoding.",
    RejectCode.FIELD_TOO_LONG: "A field is longer than a field may be.",
    RejectCode.BAD_JSON: "The line is not one JSON object, or has numbers that JSON does not have.",
    RejectCode.DUPLICATE_KEY: "The object has a key twice.",
    RejectCode.NESTED_VALUE: "The value is a list of lists or objects, which no property can hold.",
    RejectCode.LIST_DELIMITER_IN_ITEM: "An item of the list contains the goal's listDelimiter.",
    RejectCode.CELL_ERROR: "The cell holds an error such as #N/A instead of a value.",
    RejectCode.CELL_WITHOUT_VALUE: "The cell holds a formula, but the file does not hold its result.",
    RejectCode.NO_IDENTIFIER: "The row has no value in any identifier field.",
    RejectCode.IDENTIFIER_TOO_LONG: "The identifier is longer than 1,000 bytes.",
    RejectCode.IDENTIFIER_CONFLICT: "The identifiers of the row belong to different profiles.",
    RejectCode.UNKNOWN_SYSTEM_ID: "No profile of the goal's domain group has this system_id.",
    RejectCode.UNKNOWN_PROFILE: "No profile of the domain group has these identifiers, and an event makes none.",
    RejectCode.EVENT_CONTRADICTED: "Rows of the same event say different things of it.",
    RejectCode.EVENT_INCOMPLETE: "Another row of the same event was rejected; an event is taken as a whole.",
    RejectCode.EVENT_TOO_LARGE: "The event says more than 1 MiB, or has more than 1,000 items of one kind.",
    RejectCode.NOT_AN_INTEGER: "The value is not a whole number.",
    RejectCode.NOT_A_NUMBER: "The value is not a number in the goal's notation.",
    RejectCode.TOO_PRECISE: "The value has more than 10 decimal places.",
    RejectCode.OUT_OF_RANGE: "The value, or the sum it leads to, is too large to be stored.",
    RejectCode.NOT_A_BOOLEAN: "The value is none of the words for true and false.",
    RejectCode.NOT_A_DATE: "The value is not a date in the goal's date format.",
    RejectCode.NOT_A_DATETIME: "The value is not a date with time in the goal's date format.",
    RejectCode.NOT_AN_EMAIL: "The value is not an e-mail address.",
    RejectCode.NOT_A_PHONE: "The value is not a telephone number; without a processor it needs + and country code.",
    RejectCode.NOT_A_URL: "The value is not an http or https address.",
    RejectCode.NOT_A_LANGUAGE: "The value is no language tag of BCP 47, such as nl or pt-BR.",
    RejectCode.UNKNOWN_CHOICE: "The value is none of the property's choices.",
    RejectCode.EMPTY_VALUE: "The field is empty, and the goal does not allow that.",
    RejectCode.NO_MATCH: "The value does not match the regular expression of a processor.",
    RejectCode.VALUE_NOT_MAPPED: "The value is none of those that a processor maps.",
    RejectCode.TEXT_TOO_LONG: "The value is longer than a processor allows.",
    RejectCode.ROW_TOO_WIDE: "The profile would not fit into a page of the database.",
}


def hands_back(names: Iterable[str | None]) -> bool:
    """Whether columns of these names are those of a file that hands rejects back: it is no full file of anything.

    Somebody may have taken some of our columns out; the one that names the run, with one other, is enough.
    """
    ours = {folded(name) for name in names if name is not None} & ALL_OWN_COLUMNS
    return not ours.isdisjoint(RUN_COLUMNS) and len(ours) > 1


def hands_values_back(names: Sequence[str | None]) -> bool:
    """Whether they are those of a file that hands rejected values back, whose blanks say nothing."""
    return hands_back(names) and VALUES_RUN_COLUMN in {folded(name) for name in names if name is not None}


def own_columns(names: Sequence[str | None]) -> tuple[str, ...]:
    """What stands behind the original's columns in a file of rejects of a file that has columns of these names."""
    return OWN_COLUMNS_OF_VALUES if hands_values_back(names) else OWN_COLUMNS


def ends_as_ours(fields: Sequence[str]) -> bool:
    """Whether a row ends with what stands in OWN_COLUMNS: how a file without a header tells that it hands back."""
    if len(fields) <= len(OWN_COLUMNS):
        return False
    row, code, _, message, run_id = fields[-len(OWN_COLUMNS) :]
    is_told = any(code == each.value and message == MESSAGES[each] for each in RejectCode)
    return is_told and row.isascii() and row.isdecimal() and as_run_id(run_id) is not None


def as_run_id(text: str) -> UUID | None:
    """The run that a value of `_run` names; None where it names none."""
    try:
        return UUID(folded(text))
    except ValueError:
        return None


class Reject(Model):
    """One row that was not imported. `raw` holds the row's fields as they were read: personal data."""

    record_number: int
    """1-based, counted after the header."""
    line_number: int
    """1-based physical line of the file on which the record begins, the header's lines included."""
    code: RejectCode
    field: str | None = None
    raw: tuple[str, ...] = ()
    byte_offset: int | None = None
    """0-based, in the unpacked file: the first byte of an undecodable row that is no text, where it is known."""


class ValueReject(Model):
    """One value that was not imported, of a row that was. `raw` and `identifiers` are personal data."""

    record_number: int
    line_number: int
    code: RejectCode
    position: int
    """The column, 0-based, as the goal's processors left the file's."""
    field: str
    raw: str
    """The value as they left it; as it was read, where there are none."""
    identifiers: tuple[str, ...]
    """What the row has in the goal's identifier columns then."""
