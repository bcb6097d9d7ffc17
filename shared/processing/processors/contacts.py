"""Processors of addresses and numbers by which people are reached: normalize_email, normalize_phone.

What a telephone number is changes from country to country and from month to month, so a library is asked: phonenumbers,
which is met in this module alone. It takes a tenth of a millisecond a number. So whole columns are first read by the
same library's own patterns for the default region; a number that is surely valid by them, and written plainly, is
done. Only what is left is asked of the library, each distinct value once, and a bounded number of answers is kept.
"""

import re
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
import polars as pl

from shared.domain.dialect import Dialect
from shared.domain.failures import InvalidGoal
from shared.domain.processors.contacts import NormalizeEmail, NormalizePhone
from shared.domain.property import PropertyType
from shared.domain.reject import RejectCode
from shared.processing.file_columns import FileColumns
from shared.processing.processors.step import Step, Work, coded, grown, place_of, step_at
from shared.processing.readings import typed_as

MAX_KEPT = 50_000
"""Answers of the library that are kept for the next frames: some ten megabytes."""
_MAX_CHARACTERS = 64

_READABLE = re.compile(r"(?:tel:)?\s*[+＋]?[\d\s().\-/·‐-―−]+", re.IGNORECASE)
"""The library takes letters for digits and skips what it cannot read; a guess that is left to nobody here."""
_SIGNS = r"[\p{White_Space}().\-/·‐-―−]"
_LINES = ("fixed_line", "mobile", "toll_free", "premium_rate", "shared_cost", "voip", "personal_number", "pager",
               "uan", "voicemail")  # fmt: skip  # a list reads better than a column


def normalize_email(processor: NormalizeEmail, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Addresses written alike."""

    def work(values: pl.Series) -> Work:
        plain = values.str.strip_chars().str.to_lowercase().str.strip_prefix("mailto:").str.strip_chars()
        if (plain.str.len_bytes() != plain.str.len_chars()).any():
            plain = plain.str.normalize("NFC")
        return Work(plain, typed_as(plain, PropertyType.EMAIL, dialect).codes)

    place = place_of(processor, columns)
    size = grown(place.source.key, 3)
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def normalize_phone(processor: NormalizePhone, columns: FileColumns, dialect: Dialect) -> list[Step]:
    """Telephone numbers as E.164."""
    region = processor.default_region
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise InvalidGoal(f"Found the default region {region!r} of a telephone number, expected one such as NL.")
    plain = _plain_forms(region)

    @lru_cache(maxsize=MAX_KEPT)
    def asked(value: str) -> str | None:
        return e164(value, region)

    def work(values: pl.Series) -> Work:
        found = _read_plainly(values, plain)
        left = values.filter(found.is_null()).unique()
        if left.len():
            answers = pl.DataFrame(
                {"asked": left, "answer": [asked(one) for one in left]}, schema_overrides={"answer": pl.String}
            )
            both = pl.DataFrame({"asked": values, "found": found}).join(
                answers, on="asked", how="left", maintain_order="left"
            )
            found = both.select(pl.coalesce("found", "answer")).to_series()
        return Work(found.fill_null(""), coded(found.is_null(), RejectCode.NOT_A_PHONE))

    place = place_of(processor, columns)
    size = grown(place.source.key, 1, _MAX_CHARACTERS)
    return [step_at(place, dialect, work, on_failure=processor.on_failure, size_after=size)]


def e164(value: str, region: str) -> str | None:
    """One number as E.164, or None where it is no valid number of its country."""
    value = value.strip()
    if len(value) > _MAX_CHARACTERS or not _READABLE.fullmatch(value):
        return None
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    if number.extension or not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


class _Plain(NamedTuple):
    """How numbers of the default region are plainly written, and what they look like behind prefixes."""

    code: str
    prefixed: str
    """Matches a number with any prefix; group 1 is the national number."""
    general: str
    valid: str
    prefixes: tuple[str, ...]
    """What the library would take off a national number that begins with it."""


def _plain_forms(region: str) -> _Plain | None:
    """The patterns of a region, where it is the main one of its country code and its prefixes are simple.

    By the library's algorithm a number is valid if it matches the region's general pattern and that of a kind of line.
    """
    data = phonenumbers.PhoneMetadata.metadata_for_region(region)
    if data is None or data.leading_digits is not None or data.general_desc is None or data.country_code is None:
        return None
    prefixes = tuple((data.national_prefix_for_parsing or data.national_prefix or "").split("|"))
    is_simple = prefixes == ("",) or (all(each.isdigit() for each in prefixes) and data.national_prefix in prefixes)
    if phonenumbers.COUNTRY_CODE_TO_REGION_CODE[data.country_code][0] != region or not is_simple:
        return None
    lines = [getattr(data, line) for line in _LINES]
    patterns = [line.national_number_pattern for line in lines if line is not None and line.national_number_pattern]
    code = str(data.country_code)
    international = rf"\+{code}" + (rf"|00{code}" if data.international_prefix == "00" else "")
    return _Plain(
        code,
        rf"\A(?:{international}|{data.national_prefix or ''})?([1-9][0-9]{{4,14}})\z",
        rf"\A(?:{_ascii(data.general_desc.national_number_pattern or '')})\z",
        rf"\A(?:{'|'.join(_ascii(pattern) for pattern in patterns)})\z",
        tuple(filter(None, prefixes)),
    )


def _ascii(pattern: str) -> str:
    return pattern.replace(r"\d", "[0-9]")


def _read_plainly(values: pl.Series, plain: _Plain | None) -> pl.Series:
    """E.164 of what is surely valid and plainly written, else null."""
    if plain is None:
        return pl.Series(values.name, [None], dtype=pl.String).new_from_index(0, values.len())
    bare = values.str.replace_all(_SIGNS, "")
    number = bare.str.extract(plain.prefixed, 1)
    is_sure = number.str.contains(plain.general) & number.str.contains(plain.valid)
    is_sure &= values.str.len_chars() <= _MAX_CHARACTERS
    for prefix in (plain.code, *plain.prefixes):
        is_sure &= ~number.str.starts_with(prefix)
    return pl.select(pl.when(is_sure).then(pl.lit(f"+{plain.code}") + number)).to_series().alias(values.name)
