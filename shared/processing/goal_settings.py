"""What a goal made of findings says: dialect, identifiers, mapping, and the properties that must be made before."""

from collections.abc import Sequence
from typing import Any

from shared.domain.dialect import Dialect
from shared.domain.failures import QuestionsOpen
from shared.domain.fields import MAX_COLUMN_NAME
from shared.domain.findings import Findings, FoundColumn, FoundDialect, ProposedMapping


def goal_settings(findings: Findings) -> dict[str, Any]:
    """What a goal made of the findings says: dialect, identifiers and mapping; and the properties to create before.

    Raises QuestionsOpen as long as anything is open.
    """
    if not findings.is_settled or findings.dialect is None or findings.encoding is None:
        open_codes = ", ".join(sorted({question.code.value for question in findings.questions}))
        raise QuestionsOpen(f"Open: {open_codes}." if open_codes else "The file cannot be read.")
    if findings.identifiers is None:
        raise QuestionsOpen("Found no column that could name a profile.")
    file_format = findings.format.value if findings.format else "csv"
    # Cells and values of other formats come written as the dialect says, and the sample was read by its defaults.
    notation = _common_notation(findings.columns) if file_format == "csv" else {}
    known = notation if file_format == "csv" else _defaults(findings.dialect)
    sheet = {} if findings.sheet is None else {"sheetName": findings.sheet.value}
    columns = {column.position: column for column in findings.columns}
    identifiers = findings.identifiers.value
    by_position = {entry.position: entry for entry in findings.mapping}
    is_archive = findings.members is not None and findings.members.value != "*"
    return {
        "unpack": {"members": findings.members.value} if findings.members and is_archive else {},
        "format": file_format,
        "dialect": dialect_settings(findings.dialect, findings.encoding.value) | sheet | notation,
        "identifiers": [_entry(by_position[place], columns[place], findings, known) for place in identifiers],
        "mapping": [
            _entry(entry, columns[entry.position], findings, known)
            for entry in findings.mapping
            if entry.property.value is not None and entry.position not in identifiers
        ],
        "expected": _expected(findings),
        "properties": [
            each.model_dump(mode="json", exclude_defaults=True, by_alias=True) for each in findings.new_properties
        ],
    }


def _expected(findings: Findings) -> dict[str, Any]:
    """What a file must look like from now on: see `shared/domain/expected.py`."""
    names = [column.name or "" for column in findings.columns]
    settings: dict[str, Any] = {}
    # A name that is too long to be kept would be missed in every file.
    if any(names) and all(len(name) <= MAX_COLUMN_NAME for name in names):
        settings["header"] = names
    if findings.encoding is not None and (findings.format is None or findings.format.value != "xlsx"):
        settings["encoding"] = findings.encoding.value
    return settings


def dialect_settings(found: FoundDialect, encoding: str) -> dict[str, Any]:
    """A goal's dialect, in the names of `Dialect`."""
    settings: dict[str, Any] = {
        "encoding": encoding,
        "delimiter": found.delimiter.value,
        "quoteChar": found.quote_char.value,
        "escapeChar": found.escape_char.value,
        "header": found.header.value,
    }
    optional: dict[str, Any] = {
        "skipInitialSpace": found.skip_initial_space.value,
        "commentChar": found.comment_char.value,
        "nullSequence": list(found.null_sequence.value),
        "timezone": found.timezone.value if found.timezone.value != "UTC" else None,
    }
    if found.list_delimiter is not None:
        optional["listDelimiter"] = found.list_delimiter.value
    settings |= {name: value for name, value in optional.items() if value}
    skipped = found.rows_to_skip.value
    if skipped and found.header.value:
        settings["headerRows"] = [skipped + 1]
    elif skipped:
        settings["commentRows"] = list(range(1, skipped + 1))
    return settings


def _entry(entry: ProposedMapping, column: FoundColumn, findings: Findings, common: dict[str, Any]) -> dict[str, Any]:
    names = [other.name for other in findings.columns]
    is_named = column.name is not None and names.count(column.name) == 1 and len(column.name) <= MAX_COLUMN_NAME
    own = {name: value for name, value in column.notation.items() if common.get(name) != value and value is not None}
    settings: dict[str, Any] = {"field": column.name} if is_named else {"position": column.position}
    settings |= {"property": entry.property.value, **own}
    if entry.choices:
        settings["choices"] = entry.choices
    if entry.unknown_choice != "reject":
        settings["unknown_choice"] = entry.unknown_choice
    return settings


def _common_notation(columns: Sequence[FoundColumn]) -> dict[str, Any]:
    """What the first column that says something about a notation says of it: the file's, in which others may differ."""
    common: dict[str, Any] = {}
    for column in columns:
        if "decimalChar" in column.notation and "decimalChar" not in common:
            common |= {name: value for name, value in column.notation.items() if name in ("decimalChar", "groupChar")}
        for name in ("dateFormat", "pivotYear", "listDelimiter"):
            if name in column.notation:
                common.setdefault(name, column.notation[name])
    return common


def _defaults(found: FoundDialect) -> dict[str, Any]:
    """The notation of a dialect that says nothing of it, but of lists where the format has its own."""
    lists = {} if found.list_delimiter is None else {"list_delimiter": found.list_delimiter.value}
    names = {"decimal_char", "group_char", "date_format", "list_delimiter"}
    return Dialect(**lists).model_dump(by_alias=True, include=names)
