"""One anchored expression per type, tested before anything is converted.

Libraries cut digits, round, and guess dates; so a value is converted only after it has proved to be written exactly
as its type allows, and both paths of the reader end here. Values are trimmed (Unicode white space), except text,
which is kept as it stands. A value is null if, trimmed, it is empty or one of the dialect's null sequences.

Every function takes a column of text and gives canonical text of the same height, ready for PostgreSQL, with a column
of reject codes (null where the value is good or absent). Exact numbers never pass through floating point.
"""

import re
from collections.abc import Sequence

import polars as pl

from shared.domain.built_in import LANGUAGE
from shared.domain.dialect import Dialect
from shared.domain.property import PropertyType
from shared.domain.reject import RejectCode
from shared.domain.trimmed import TRIMMED
from shared.processing.choices import chosen
from shared.processing.column import Column
from shared.processing.languages import languages
from shared.processing.lists import array_literals, items_of, looked_up
from shared.processing.mapping import MappedColumn
from shared.processing.moments import dates, moments

MAX_EMAIL_BYTES = 254
MAX_LOCAL_PART_BYTES = 64
MAX_LABEL_BYTES = 63
MAX_INTEGER_DIGITS = 28
MAX_DECIMALS = 10

TRUE_WORDS = ("true", "yes", "1")
FALSE_WORDS = ("false", "no", "0")
"""What stands for true and false where a goal does not say; in any case."""

_ATOM = r"[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[\p{L}\p{N}](?:[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}])?"
_TOP_LABEL = r"\p{L}[\p{L}\p{M}\p{N}-]*[\p{L}\p{M}\p{N}]"
_EMAIL = rf"\A{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_TOP_LABEL}\z"
"""RFC 5321's dot-string at a host name of two labels or more (RFC 1123), letters of all scripts (RFC 6531); no quoted
local parts and no address literals, which no mailing list means."""


_PHONE = r"\A\+[ .()/-]*[1-9](?:[ .()/-]*[0-9]){6,14}[ .()/-]*\z"
"""An international number of 7 to 15 digits (ITU-T E.164), with what people write between them."""
_TRUNK_PREFIX = r"\( *0 *\)"
"""A zero that is dialled within the country, and that some countries keep abroad: whose number it is, only a processor
can tell."""
_BETWEEN_DIGITS = r"[ .()/-]"
_URL = r"\A(?i-u:https?)://[\p{L}\p{M}\p{N}.\[\]:_-]+(?:[/?#][^\s\x00-\x1f\x7f<>\"{}|\\^`]*)?\z"
"""An absolute address of RFC 3986's generic syntax, letters of all scripts (RFC 3987); no user and password."""
MAX_URL_BYTES = 2_048

_NEEDLESS = r"\A(?:\+|-?\.|-?0[0-9]|-0?\z|\z)"

_LONG_LABEL = rf"@.*[^.@]{{{MAX_LABEL_BYTES + 1}}}"


def typed(raw: pl.Series, column: MappedColumn) -> Column:
    """The values of a column in its property's type. `raw` is text without nulls."""
    kind, dialect = column.property.type, column.dialect
    nulls = nulls_of(dialect)
    if column.property == LANGUAGE:
        return languages(trimmed(raw, nulls))
    if kind is PropertyType.TEXT:
        return Column(_absent_as_null(raw, raw.str.strip_chars(), nulls))
    if kind is PropertyType.LIST:
        return Column(_lists(_absent_as_null(raw, raw.str.strip_chars(), nulls), dialect.list_delimiter))
    if kind.is_choice:
        return chosen(_absent_as_null(raw, raw.str.strip_chars(), nulls), column)
    if kind is PropertyType.PHONE:
        values, is_bad = _fitting(raw, nulls, _PHONE)
        return _phones(values, is_bad | values.str.contains(_TRUNK_PREFIX).fill_null(value=False))
    if kind is PropertyType.URL:
        return _urls(*_fitting(raw, nulls, _URL))
    if kind is PropertyType.INTEGER:
        return _integers(*_fitting(raw, nulls, _number_expression(dialect, is_integer=True)), dialect)
    if kind is PropertyType.NUMBER:
        return _numbers(*_fitting(raw, nulls, _number_expression(dialect, is_integer=False)), dialect)
    if kind is PropertyType.BOOLEAN:
        return _booleans(raw, nulls, column)
    if kind is PropertyType.EMAIL:
        return _emails(*_fitting(raw, nulls, _EMAIL))
    assert column.pattern is not None
    if kind is PropertyType.DATE:
        values, is_bad = dates(trimmed(raw, nulls), column.pattern, dialect.timezone)
        return _coded(values, is_bad, RejectCode.NOT_A_DATE)
    found = moments(trimmed(raw, nulls), column.pattern, dialect.timezone)
    read = _coded(found.values, found.is_bad, RejectCode.NOT_A_DATETIME)
    return read._replace(skipped_times=found.skipped, repeated_times=found.repeated)


def is_email(text: str) -> bool:
    """Whether a value would be taken for an e-mail address."""
    return _emails(*_fitting(pl.Series("", [text], dtype=pl.String), [""], _EMAIL)).values[0] is not None


def nulls_of(dialect: Dialect) -> list[str]:
    """What stands for no value, trimmed."""
    return sorted({"", *(text.strip(TRIMMED) for text in dialect.null_sequence)})


def _absent_as_null(values: pl.Series, trimmed: pl.Series, nulls: list[str]) -> pl.Series:
    is_absent = trimmed == "" if nulls == [""] else trimmed.is_in(nulls)
    if not is_absent.any():
        return values
    frame = pl.select(pl.when(~is_absent).then(values).alias(values.name))
    return frame.to_series()


def trimmed(raw: pl.Series, nulls: list[str]) -> pl.Series:
    """Values without white space at their ends, null where there is nothing; `nulls` as `nulls_of` gives them."""
    stripped = raw.str.strip_chars()
    return _absent_as_null(stripped, stripped, nulls)


def _fitting(raw: pl.Series, nulls: list[str], expression: str) -> tuple[pl.Series, pl.Series]:
    """Values that are present, and which of them do not fit.

    No expression here takes white space at its ends, so a column that fits as it stands need not be trimmed.
    """
    values = _absent_as_null(raw, raw, nulls)
    fits = values.str.contains(expression)
    if not fits.all():
        values = trimmed(raw, nulls)
        fits = values.str.contains(expression)
    return values, ~fits.fill_null(value=True)


def _coded(values: pl.Series, is_bad: pl.Series, code: RejectCode) -> Column:
    if not is_bad.any():
        return Column(values)
    return Column(_blanked(values, is_bad), pl.select(pl.when(is_bad).then(pl.lit(code.value))).to_series())


def _blanked(values: pl.Series, is_bad: pl.Series) -> pl.Series:
    return pl.select(pl.when(~is_bad).then(values).alias(values.name)).to_series()


def _first(*columns: pl.Series | None) -> pl.Series | None:
    codes = [each for each in columns if each is not None]
    return pl.select(pl.coalesce(codes)).to_series() if codes else None


def _number_expression(dialect: Dialect, *, is_integer: bool) -> str:
    """Digits, perhaps in groups of three, with an optional sign; a number's whole part may be left out (`.5`)."""
    decimal = _class_of(dialect.decimal_char)
    whole = "[0-9]+"
    if dialect.group_char is not None:
        whole = rf"(?:[0-9]{{1,3}}(?:{_class_of(dialect.group_char)}[0-9]{{3}})+|[0-9]+)"
    if is_integer:
        return rf"\A[+-]?{whole}\z"
    return rf"\A[+-]?(?:{whole}(?:{decimal}[0-9]+)?|{decimal}[0-9]+)\z"


def _class_of(character: str) -> str:
    return rf"\x{{{ord(character):X}}}"


def _ungrouped(values: pl.Series, dialect: Dialect) -> pl.Series:
    return values if dialect.group_char is None else values.str.replace_all(dialect.group_char, "", literal=True)


def _integers(values: pl.Series, is_bad: pl.Series, dialect: Dialect) -> Column:
    column = _coded(_ungrouped(values, dialect), is_bad, RejectCode.NOT_AN_INTEGER)
    converted = column.values.cast(pl.Int64, strict=False)
    is_out = converted.is_null() & column.values.is_not_null()
    ranged = _coded(converted, is_out, RejectCode.OUT_OF_RANGE)
    return Column(ranged.values, _first(column.codes, ranged.codes))


def _numbers(values: pl.Series, is_bad: pl.Series, dialect: Dialect) -> Column:
    column = _coded(_ungrouped(values, dialect), is_bad, RejectCode.NOT_A_NUMBER)
    values = column.values
    if dialect.decimal_char != ".":
        values = values.str.replace(dialect.decimal_char, ".", literal=True)
    values = _canonical(values)
    unsigned = values.str.strip_prefix("-")
    if not (unsigned.str.len_bytes() > MAX_DECIMALS + 1).any():
        return Column(values, column.codes)
    whole = unsigned.str.find(".", literal=True)
    digits = pl.select(pl.coalesce(whole, unsigned.str.len_bytes())).to_series()
    is_out = (digits > MAX_INTEGER_DIGITS).fill_null(value=False)
    decimals = unsigned.str.len_bytes() - whole - 1
    is_precise = (decimals > MAX_DECIMALS).fill_null(value=False)
    ranged = _coded(values, is_out, RejectCode.OUT_OF_RANGE)
    cut = _coded(ranged.values, is_precise, RejectCode.TOO_PRECISE)
    return Column(cut.values, _first(column.codes, ranged.codes, cut.codes))


def _canonical(values: pl.Series) -> pl.Series:
    """Numbers without sign of plus, needless zeros, and minus zero."""
    has_decimals = values.str.contains(".", literal=True)
    if has_decimals.any():
        shortened = values.str.strip_chars_end("0").str.strip_suffix(".")
        values = pl.select(pl.when(has_decimals).then(shortened).otherwise(values)).to_series().alias(values.name)
    if not values.str.contains(_NEEDLESS).any():
        return values
    # What is left of `.0` and `-.0` is nothing, or a sign.
    values = values.str.replace(r"\A\+", "").str.replace(r"\A(-?)0*([0-9])", "${1}${2}")
    return values.str.replace(r"\A(-?)\.", "${1}0.").str.replace(r"\A(?:-0?)?\z", "0")


def _booleans(raw: pl.Series, nulls: list[str], column: MappedColumn) -> Column:
    entry = column.entry
    true = entry.true_values if entry is not None and entry.true_values else TRUE_WORDS
    false = entry.false_values if entry is not None and entry.false_values else FALSE_WORDS
    read = _coded(*_fitting(raw, nulls, _one_of((*true, *false))), RejectCode.NOT_A_BOOLEAN)
    return Column(read.values.str.contains(_one_of(true)), read.codes)


def _one_of(words: Sequence[str]) -> str:
    """Matches one of these words, in any case; of Latin letters without marks only their own case, so no long s."""
    marked = (f"(?i{'-u' if word.isascii() else ''}:{re.escape(word)})" for word in words)
    return rf"\A(?:{'|'.join(marked)})\z"


def _phones(values: pl.Series, is_bad: pl.Series) -> Column:
    column = _coded(values, is_bad, RejectCode.NOT_A_PHONE)
    return Column(column.values.str.replace_all(_BETWEEN_DIGITS, ""), column.codes)


def _urls(values: pl.Series, is_bad: pl.Series) -> Column:
    is_long = (values.str.len_bytes() > MAX_URL_BYTES).fill_null(value=False)
    return _coded(values, is_bad | is_long, RejectCode.NOT_A_URL)


def _emails(values: pl.Series, is_bad: pl.Series) -> Column:
    size = values.str.len_bytes()
    local = values.str.find("@", literal=True)
    is_long = ((size > MAX_EMAIL_BYTES) | (local > MAX_LOCAL_PART_BYTES)).fill_null(value=False)
    if (size > MAX_LABEL_BYTES).any():
        is_long |= values.str.contains(_LONG_LABEL).fill_null(value=False)
    return _coded(values, is_bad | is_long, RejectCode.NOT_AN_EMAIL)


def _lists(values: pl.Series, delimiter: str) -> pl.Series:
    """PostgreSQL's array literals: items trimmed, empty ones dropped, each once, in order; an empty list is null.

    Lists tend to repeat, so each spelling is worked on once.
    """
    literals = array_literals(items_of(values, delimiter))
    return looked_up(values, literals)
