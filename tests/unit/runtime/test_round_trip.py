"""What an export writes, an import of the same dialect reads as the same values; or the export refuses to write it.

The exporter's own way from COPY's text to packed files, and the importer's own from there to typed values.
"""

import json
import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given, settings
from pydantic import ValidationError

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.export_goal import ExportGoal, ExportProfiles
from shared.domain.failures import UnwritableValue
from shared.domain.packing import Packing
from shared.domain.property import PropertyType
from shared.domain.trimmed import TRIMMED
from shared.formats.packing.packers import packed
from tests.awkward import MOMENTS, TEXTS, dialects, tables
from tests.copied import Value
from tests.corpora.folder import FOLDER
from tests.corpora.folder import content as of_corpus
from tests.examples import examples
from tests.there_and_back import GOAL, Column, exported, imported
from tests.unit.formats.unpacking.opening import opened


def kept(value: Value, dialect: Dialect) -> Value:
    """What the dialect's date pattern keeps of a value: of all others everything."""
    if not isinstance(value, datetime):
        return value
    pattern = date_pattern(dialect.date_format, dialect.pivot_year)
    if pattern.unit is not None:
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return epoch + (value - epoch) // pattern.unit * pattern.unit
    if not pattern.has_time:
        return value
    local = value.astimezone(ZoneInfo(dialect.timezone))
    if pattern.has("zone"):
        # Clocks that went by fractions of a minute have no offset that could be written.
        offset = local.utcoffset()
        assert offset is not None
        local = value.astimezone(timezone(timedelta(minutes=int(offset / timedelta(minutes=1)))))
    smaller = {
        "microsecond": local.microsecond // 1_000 * 1_000 if pattern.has("millisecond") else 0,
        "second": local.second if pattern.has("second") else 0,
    }
    # Of two times that the clocks show alike, the earlier is read.
    return local.replace(**smaller, fold=0).astimezone(UTC)  # type: ignore[arg-type]  # numbers


def is_usual(dialect: Dialect) -> bool:
    """Whether it can write every text: in all scripts, what means something in quotes, and without a word for null."""
    can_quote = dialect.quote_char is not None and (dialect.double_quote or dialect.escape_char is not None)
    return can_quote and dialect.encoding.startswith(("utf", "gb")) and not dialect.null_sequence


@settings(max_examples=examples(30), deadline=None)
@given(dialects(), tables)
def test_what_is_exported_is_imported_as_it_was(asked: dict[str, Any], columns: list[Column]) -> None:
    try:
        dialect = Dialect.model_validate(asked)
    except ValidationError:
        event("no dialect")
        return
    try:
        content = exported(asked, columns)
    except UnwritableValue:
        plain = {PropertyType.TEXT, PropertyType.INTEGER, PropertyType.NUMBER, PropertyType.BOOLEAN}
        assert not is_usual(dialect) or not {kind for kind, _ in columns} <= plain
        event("refused")
        return
    event("written")
    found = imported(content, asked, [kind for kind, _ in columns])
    assert found == list(zip(*([kept(each, dialect) for each in values] for _, values in columns), strict=True))


def packed_and_back(place: Path, content: bytes, compression: str, password: str | None) -> bytes:
    """Packed as an export packs, unpacked as an import that goes by content does."""
    if compression == "none":
        return content
    place.mkdir()
    source = place.with_name("plain")
    source.write_bytes(content)
    how = Packing.model_validate({"compression": compression, "password_id": password and str(uuid4())})
    found = b"".join(
        packed(source, how, name="a.csv", modified_at=datetime(2026, 11, 22, tzinfo=UTC), password=password)
    )
    [(_, unpacked)] = opened(place, found, passwords=[password] if password else [])
    return unpacked


DIALECTS: tuple[dict[str, Any], ...] = (
    {},
    {"delimiter": ";", "encoding": "utf-16", "decimalChar": ",", "timezone": "Europe/Amsterdam"},
    {"delimiter": "\t", "escapeChar": "\\", "doubleQuote": False, "header": False},
    {"delimiter": "||", "quoteChar": "'", "skipInitialSpace": True, "commentChar": "#"},
    {"quoteChar": None, "escapeChar": "\\", "encoding": "gb18030"},
)
PACKINGS = (("gzip", None), ("zstd", None), ("zip", "h\u00fcsh"), ("zip", None), ("none", None))


@pytest.mark.parametrize(("asked", "packing"), [*zip(DIALECTS, PACKINGS, strict=True)])
def test_awkward_texts_come_back_packed_or_not(tmp_path: Path, asked: dict[str, Any], packing: tuple[str, str]) -> None:
    found = json.loads(of_corpus("blns", "blns.json")) if FOLDER.is_dir() else []
    texts = [text for text in dict.fromkeys([*TEXTS, *found]) if text.strip(TRIMMED)]
    moments: list[Value] = [MOMENTS[place % len(MOMENTS)] for place in range(len(texts))]
    columns: list[Column] = [(PropertyType.TEXT, [*texts]), (PropertyType.DATETIME, moments)]
    content = packed_and_back(tmp_path / "there", exported(asked, columns), *packing)
    dialect = ExportProfiles.model_validate(GOAL | {"dialect": asked}).dialect
    told = asked | {"dateFormat": dialect.date_format}
    expected = zip(texts, [kept(moment, dialect) for moment in moments], strict=True)
    assert imported(content, told, [PropertyType.TEXT, PropertyType.DATETIME]) == list(expected)


def test_what_is_defused_comes_back_by_the_processor_that_its_description_names() -> None:
    described = ExportGoal.model_fields["defuse_formulas"].description
    assert described is not None
    [(expression, replacement)] = re.findall(r"replace_matching `([^`]+)` with `([^`]+)`", described)
    values: list[Value] = [*TEXTS]
    content = exported({}, [(PropertyType.TEXT, values)], defuse_formulas=True)
    assert imported(content, {}, [PropertyType.TEXT]) != [(each,) for each in values]
    processor = {"kind": "replace_matching", "field": "text 0", "expression": expression, "with": replacement}
    found = imported(content, {}, [PropertyType.TEXT], [processor])
    # The price: what began with an apostrophe and a sign comes back without the apostrophe.
    assert found == [(re.sub("^'(?=[=+@\t\r\n\uff1d\uff0b\uff0d\uff20-])", "", each),) for each in TEXTS]


@pytest.mark.parametrize("nulls", [[], ["-"], ["=none"], ["-", "+"], [" - "]], ids=repr)
@pytest.mark.parametrize("is_defused", [True, False])
@pytest.mark.parametrize("is_processed", [True, False])
def test_what_is_null_stays_null_defused_and_processed(nulls: list[str], is_defused: bool, is_processed: bool) -> None:
    dialect = {"nullSequence": nulls}
    columns: list[Column] = [(PropertyType.TEXT, [None, "=1", "a"]), (PropertyType.INTEGER, [-1, None, 2])]
    working = {"kind": "replace_matching", "field": "text 0", "expression": "a", "with": "b"}
    changes = {"processors": [working] if is_processed else [], "defuse_formulas": is_defused}
    assert imported(exported(dialect, columns, **changes), dialect, [PropertyType.TEXT, PropertyType.INTEGER]) == [
        (None, -1),
        ("'=1" if is_defused else "=1", None),
        ("b" if is_processed else "a", 2),
    ]
