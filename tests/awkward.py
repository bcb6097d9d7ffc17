"""Values that files of delimited text have trouble with, and every way of writing them that a dialect can ask for.

Texts are never blank and lists never empty, as nothing that is stored is.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

from shared.domain.property import PropertyType
from shared.domain.trimmed import TRIMMED
from tests.copied import Value

TEXTS = (
    'he said "no"', '"', '""', "'", "''", "it's", ",", ";", "|", "a,b;c|d\te", ",,", "§", "||",
    "a\nb", "a\rb", "a\r\nb", "\nx", "x\n", "x\r", "\r\n\r\nx", "a\x85b", "a\u2028b\u2029c", "\x0b\x0cx", "a\x1cb",
    "=1+1", "+1", "-1", "@SUM(A1)", "'=1", "'-", "\t=x", "\r=x", "=cmd|' /C calc'!A0", "-",
    "＝1", "'＝1", "＋", "－", "＠",
    "007", "0", "00", "+31612345678", "1e5", "1,5", "1.50", " 7", "7 ", "  x  ", "\u00a0x", "x\u3000", "\u200bx",
    "true", "NULL", "null", "None", "N/A", r"\N", r"\.", "\\", "\\\\", r"\n", r'\"', "a\\", "#", "# x", "//", "--",
    "\ufeff", "\ufeffx", "x\ufeff", "\ufffd", "\ufffe", "\U0010ffff", "\x01\x02\x1b[31m", "\x7f", "\x80",
    "👩\u200d👩\u200d👧\u200d👦", "🇳🇱", "e\u0301", "é", "Ω", "ﬃ", "İı", "ß", "漢字",
    "مرحبا", "\u202eabc\u202c", "שלום x",
    "x" * 5_000, '"' * 300, ",\n" * 200, "é" * 700,
)  # fmt: skip  # a table of odd things
DATES = (date(1, 1, 1), date(1900, 2, 28), date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(9999, 12, 31))
MOMENTS = tuple(
    datetime.fromisoformat(each).replace(tzinfo=UTC)
    for each in (
        "0001-01-02T00:00:00", "1883-11-18T17:00:00", "1901-12-13T20:45:52", "1937-07-01T00:00:00",
        "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "1970-01-01T00:00:00.001", "2001-09-09T01:46:40",
        # The clocks of Amsterdam, Lord Howe and New York are set: what is skipped, and what comes twice.
        "2024-03-31T00:59:59", "2024-03-31T01:00:00", "2024-10-27T00:30:00", "2024-10-27T01:30:00",
        "2024-04-06T14:45:00", "2024-04-06T15:15:00", "2024-11-03T05:30:00", "2024-11-03T06:30:00",
        "2038-01-19T03:14:08", "2099-12-31T23:30:00", "2100-10-31T00:30:00", "9999-12-30T23:59:59.999999",
    )
)  # fmt: skip  # a table
NUMBERS = (
    Decimal(0), Decimal("0.1"), Decimal("-0.0000000001"), Decimal("1234567890123456789012345678.0123456789"),
    Decimal("-9999999999999999999999999999.9999999999"), Decimal(100), Decimal("1000.5"), Decimal("1e27"),
)  # fmt: skip  # a table


def _is_stored(text: str) -> bool:
    return bool(text.strip(TRIMMED))


letters = st.one_of(
    st.sampled_from("a1é漢# ,;|'\"\\\r\n\t§=-@\ufeff\u2028N0"),
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
)
texts = st.one_of(st.sampled_from(TEXTS), st.text(letters, min_size=1, max_size=8)).filter(_is_stored)
items = texts.map(lambda text: text.strip(TRIMMED))
KINDS: dict[PropertyType, st.SearchStrategy[Value]] = {
    PropertyType.TEXT: texts,
    PropertyType.INTEGER: st.one_of(st.sampled_from((-(2**63), 2**63 - 1, 0)), st.integers(-(2**63), 2**63 - 1)),
    PropertyType.NUMBER: st.one_of(
        st.sampled_from(NUMBERS), st.decimals(-(10**27), 10**27, places=10, allow_nan=False)
    ),
    PropertyType.BOOLEAN: st.booleans(),
    PropertyType.DATE: st.one_of(st.sampled_from(DATES), st.dates()),
    PropertyType.DATETIME: st.one_of(st.sampled_from(MOMENTS), st.datetimes(timezones=st.just(UTC))),
    PropertyType.LIST: st.lists(items, min_size=1, max_size=4, unique=True),
}

tables = st.integers(1, 5).flatmap(
    lambda rows: st.lists(
        st.sampled_from(list(KINDS)).flatmap(
            lambda kind: st.tuples(
                st.just(kind), st.lists(st.one_of(st.none(), KINDS[kind], KINDS[kind]), min_size=rows, max_size=rows)
            )
        ),
        min_size=1,
        max_size=4,
    )
)
"""Columns of a type each, with values and gaps, all of one height."""

DELIMITERS = (",", ";", "\t", "|", "§", "||", " ", "::")
PATTERNS = (
    "epoch_milliseconds", "epoch_seconds", "YYYY-MM-DD", "DD.MM.YY", "YYYYMMDD", "D-M-yyyy H:mm", "YYYYMMDDHHmmssSSS",
    "YYYY-MM-DDTHH:mm:ssZ", "DD/MM/YYYY HH:mm:ss", "DD/MM/YYYY HH:mm Z", "'on' YYYY-MM-DD",
)  # fmt: skip  # a table
ZONES = (
    "UTC", "Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Monrovia",
    "Pacific/Apia",
)  # fmt: skip  # a table


@st.composite
def dialects(draw: st.DrawFn) -> dict[str, Any]:
    """Settings of a dialect that a goal can have."""

    def one(*of: Any) -> Any:
        return draw(st.sampled_from(of))

    rows: dict[str, Any] = one(
        {}, {}, {}, {"header": False}, {"headerRows": [1, 3], "commentRows": [2, 4]}, {"commentChar": "#"}
    )
    decimal, group = one((".", None), (".", ","), (",", None), (",", "."), (",", " "))
    return {
        "encoding": one("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "gb18030", "cp1252", "latin-1"),
        "delimiter": one(*DELIMITERS),
        "quoteChar": one('"', '"', '"', "'", None, "`"),
        "escapeChar": one(None, None, "\\", "^"),
        "doubleQuote": one(True, True, False),
        "skipInitialSpace": one(False, False, True),
        "nullSequence": one([], [], ["NULL"], ["-", "N/A"], [r"\N"], ["a,b"]),
        "decimalChar": decimal,
        "groupChar": group,
        "listDelimiter": one("|", ",", ", ", "||", "\x1f", "\n"),
        "dateFormat": one(*PATTERNS),
        "pivotYear": one(69, 0, 100),
        "timezone": one(*ZONES),
        **rows,
    }
