"""Numbers that are read for whole columns are read as the library reads them, one by one."""

import random

import phonenumbers
import polars as pl
import pytest

from shared.domain.dialect import Dialect
from shared.domain.processors.contacts import NormalizePhone
from shared.processing.file_columns import FileColumns
from shared.processing.processors.contacts import e164, normalize_phone

REGIONS = ["NL", "BE", "DE", "FR", "GB", "US", "CA", "ES", "IT", "PL", "DK", "RU", "BR", "AU", "MX", "JE", "KZ"]
SIGNS = ["", "", " ", "-", "/", ".", " - ", "\u00a0"]


def _numbers(region: str, source: random.Random) -> list[str]:
    """Numbers around those of the region, valid and not, written in many ways."""
    data = phonenumbers.PhoneMetadata.metadata_for_region(region)
    assert data is not None
    code, prefix = str(data.country_code), data.national_prefix or ""
    examples = [
        str(number.national_number)
        for line in range(10)
        if (number := phonenumbers.example_number_for_type(region, line)) is not None
    ]
    found = []
    for _ in range(300):
        number = list(source.choice(examples))
        for _ in range(source.randrange(4)):
            number[source.randrange(len(number))] = str(source.randrange(10))
        number = number[: source.choice([len(number), len(number), len(number) - 1])] + source.choice([[], [], ["7"]])
        start = source.choice(
            [f"+{code}", f"00{code}", f"011{code}", code, prefix, prefix, "", f"+{code}{prefix}", "+1"]
        )
        sign = source.choice(SIGNS)
        found.append(start + sign + "".join(number[:3]) + sign + "".join(number[3:]))
    return found


@pytest.mark.parametrize("region", REGIONS)
def test_whole_columns_are_read_as_the_library_reads_each_number(region: str) -> None:
    numbers = _numbers(region, random.Random(region))
    processor = NormalizePhone(kind="normalize_phone", field="x", default_region=region, on_failure="clear")
    [step] = normalize_phone(processor, FileColumns.of(("x",), 1), Dialect())
    found = step.apply(pl.DataFrame({"c0": numbers})).frame["c0"].to_list()
    expected = [e164(number, region) or "" for number in numbers]
    assert dict(zip(numbers, found, strict=True)) == dict(zip(numbers, expected, strict=True))
    assert 30 < sum(map(bool, found)) < 300
    assert step.apply(pl.DataFrame({"c0": found})).frame["c0"].to_list() == found
