"""Rejects come back as a file: mended it imports, as it stands what could not be read stays rejected."""

from typing import Any
from uuid import UUID

import pytest

from shared.domain.dialect import Dialect
from shared.domain.reject import STANDING_CODES, Reject, RejectCode
from shared.formats.rejects_file import RejectsFile
from tests.unit.formats.reading import read

RUN = UUID(int=7)


def written(dialect: Dialect, *rejects: Reject) -> bytes:
    file = RejectsFile(dialect, ("a", "b"), RUN)
    return file.header() + file.rows(rejects)


def reject(code: RejectCode, *raw: str) -> Reject:
    return Reject(record_number=3, line_number=5, code=code, field="b", raw=raw)


def test_the_originals_columns_come_first_and_the_reason_behind() -> None:
    content = written(Dialect(delimiter=";"), reject(RejectCode.NOT_AN_INTEGER, "x;y", "seven")).decode()
    assert content.splitlines() == [
        "a;b;_row;_code;_field;_message;_run",
        f'"x;y";seven;5;not_an_integer;b;The value is not a whole number.;{RUN}',
    ]


def test_a_row_whose_values_were_unfit_is_read_again_as_it_was() -> None:
    result = read(written(Dialect(), reject(RejectCode.NOT_AN_INTEGER, 'say "x"', "line\nend")))
    assert [row[:2] for _, row in result.good.values()] == [('say "x"', "line\nend")]


def test_a_row_that_could_not_be_read_stays_rejected_until_it_is_mended() -> None:
    for raw in (("1",), ("1", "2"), ("1", "2", "3")):
        for code in STANDING_CODES:
            result = read(written(Dialect(), reject(code, *raw)))
            assert not result.good
            assert [told[1] for told in result.bad.values()] == ["too_many_fields"]


@pytest.mark.parametrize("last", ["_run", "_values_of_run"])
def test_rejects_of_a_file_that_handed_rejects_back_say_as_it_did_what_their_blanks_mean(last: str) -> None:
    file = RejectsFile(Dialect(), ("a", "_row", "_code", "_field", "_message", last), RUN)
    assert file.header().decode() == f"a,_row,_code,_field,_message,{last}\n"


def test_without_a_header_there_is_none() -> None:
    assert RejectsFile(Dialect(has_header=False), ("a", "b"), RUN).header() == b""


@pytest.mark.parametrize(
    "settings",
    [
        {"headerRows": [3], "commentRows": [4]},
        {"headerRows": [1, 2, 4]},
        {"delimiter": "||"},
        {"delimiter": "::", "quoteChar": None},
        {"commentChar": "#"},
        {"commentChar": "#", "quoteChar": None, "escapeChar": "\\"},
        {"skipInitialSpace": True},
        {"skipInitialSpace": True, "quoteChar": None, "escapeChar": "\\"},
        {"encoding": "auto"},
    ],
)
def test_in_any_dialect_it_reads_again_under_its_header(settings: dict[str, Any]) -> None:
    dialect = Dialect.model_validate(settings)
    readable = dialect.model_copy(update={"encoding": "utf-8"})
    result = read(written(dialect, reject(RejectCode.NOT_AN_INTEGER, "#é", " x|y")), readable)
    assert result.header == ("a", "b", "_row", "_code", "_field", "_message", "_run")
    assert [row[:2] for _, row in result.good.values()] == [("#é", " x|y")]
    assert not result.bad
