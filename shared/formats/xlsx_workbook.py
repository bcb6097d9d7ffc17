"""Open a workbook (XLSX, ECMA-376): its sheets, the texts they share, the formats of its cells.

A workbook is a zip of XML parts. The zip is read by the same reader that unpacks archives, so it is consistent, and all
that comes out of it is counted. Only the parts that a table needs are opened; macros, formulas, links and pictures are
never looked at.
"""

import posixpath
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from shared.domain.dialect import Dialect
from shared.domain.failures import (
    ArchivePasswordMissing,
    DamagedArchive,
    DamagedWorkbook,
    FileTypeChanged,
    SheetMissing,
    UnsafeArchive,
)
from shared.formats.source import ByteSource
from shared.formats.unpacking.budget import Budget, Limits, stricter
from shared.formats.unpacking.content import Content
from shared.formats.unpacking.zip_directory import read_directory
from shared.formats.unpacking.zip_members import entries
from shared.formats.xlsx_strings import SharedStrings
from shared.formats.xlsx_styles import Styles
from shared.formats.xml_part import Attributes, attribute, local, parse

ZIP_MAGIC = b"PK\x03\x04"
OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""Of the files of old, and of workbooks with a password (MS-CFB, 2.2)."""

_SHOWN_SHEETS = 20


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet, in the order of the tabs."""

    name: str
    part: str
    is_hidden: bool


@dataclass(slots=True)
class Workbook:
    """An opened workbook."""

    sheets: tuple[Sheet, ...]
    since_1904: bool
    """Whether days are counted from 1904."""
    strings: SharedStrings
    styles: Styles
    _parts: dict[str, Content]

    def sheet(self, dialect: Dialect) -> Sheet:
        """The sheet that the dialect names, by name in any case or by number among all; else the first one that is not
        hidden. Raises `SheetMissing`."""
        found = [each for each in self.sheets if not each.is_hidden] or list(self.sheets)
        if dialect.sheet_name is not None:
            name = dialect.sheet_name
            found = [each for each in self.sheets if each.name.casefold() == name.casefold()]
        elif dialect.sheet_number is not None:
            found = list(self.sheets[dialect.sheet_number - 1 : dialect.sheet_number])
        if not found:
            expected = repr(dialect.sheet_name or dialect.sheet_number)
            names = ", ".join(repr(each.name[:60]) for each in self.sheets[:_SHOWN_SHEETS])
            raise SheetMissing(f"Expected the sheet {expected}, found {len(self.sheets)}: {names}.")
        return found[0]

    @contextmanager
    def open(self, sheet: Sheet) -> Iterator[ByteSource]:
        """A sheet's XML. Raises `DamagedWorkbook`, and what unpacking raises."""
        with _content(self._parts, sheet.part).open() as source:
            yield source


@contextmanager
def open_workbook(
    path: Path, *, workspace: Path, max_bytes: int, max_text_bytes: int, max_ratio: int | None = None
) -> Iterator[Workbook]:
    """A workbook in a local file. max_bytes: what may come out of all parts together; max_ratio: bytes for each packed.

    Raises `FileTypeChanged` where it is none, `DamagedWorkbook`, and what unpacking raises.
    """
    with ExitStack() as stack:
        parts = _parts(path, max_bytes, max_ratio)
        main = _target(parts, "", "/officeDocument")
        if main is None or main.endswith(".bin"):
            raise FileTypeChanged("Expected xlsx, found another kind of document or a binary workbook (xlsb).")
        listing = _Listing()
        _read(parts, main, listing)
        targets = _relations(parts, main)
        sheets = tuple(
            Sheet(name, targets[number][1], is_hidden)
            for name, number, is_hidden in listing.sheets
            if number in targets and targets[number][0].endswith("/worksheet")
        )
        if not sheets:
            raise DamagedWorkbook("Found no sheet with cells.")
        strings = _of_kind(targets, "/sharedStrings")
        styles = _of_kind(targets, "/styles")
        with ExitStack() as opened:
            read = None if strings is None else opened.enter_context(_content(parts, strings).open())
            shared = SharedStrings(read, workspace, max_text_bytes, stack)
        with ExitStack() as opened:
            formats = Styles(None if styles is None else opened.enter_context(_content(parts, styles).open()))
        yield Workbook(sheets, listing.since_1904, shared, formats, parts)


def _parts(path: Path, max_bytes: int, max_ratio: int | None) -> dict[str, Content]:
    with path.open("rb") as file:
        head = file.read(len(OLE_MAGIC))
    if head == OLE_MAGIC:
        raise DamagedWorkbook("Found a workbook of an old program (xls), or one that is protected by a password.")
    if not head.startswith(ZIP_MAGIC):
        raise FileTypeChanged("Expected xlsx, found a file that is no zip, as every xlsx is.")
    allowed = Limits()
    allowed = replace(allowed, max_ratio=stricter(allowed.max_ratio, max_ratio))
    budget = Budget(allowed, max_bytes, path.stat().st_size)
    try:
        directory = read_directory(path, budget)
        # Names of parts differ in case from their references here and there; they are equal nevertheless (8.2.4).
        return {entry.path.lower(): entry.content for entry in entries(path, directory, budget, ())}
    except (DamagedArchive, UnsafeArchive, ArchivePasswordMissing) as error:
        raise DamagedWorkbook(error.detail) from error


def _content(parts: dict[str, Content], part: str) -> Content:
    content = parts.get(part.lower())
    if content is None:
        raise DamagedWorkbook(f"Found no part {part[:120]!a}.")
    return content


@dataclass(slots=True)
class _Listing:
    """What xl/workbook.xml says."""

    sheets: list[tuple[str, str, bool]] = field(default_factory=list)
    """Name, number of the relation, whether it is hidden."""
    since_1904: bool = False

    def start(self, name: str, attributes: Attributes) -> None:
        """Note an element."""
        name = local(name)
        if name == "sheet" and len(self.sheets) < _MAX_SHEETS:
            state = attribute(attributes, "state") or "visible"
            relation = next((attributes[key] for key in attributes if key.endswith(":id")), "")
            self.sheets.append((attribute(attributes, "name") or "", relation, state != "visible"))
        elif name == "workbookPr":
            self.since_1904 = attribute(attributes, "date1904") in ("1", "true")


_MAX_SHEETS = 10_000


@dataclass(slots=True)
class _Relations:
    base: str
    found: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By number: kind, part."""

    def start(self, name: str, attributes: Attributes) -> None:
        """Note an element."""
        if (
            local(name) == "Relationship"
            and attributes.get("TargetMode") != "External"
            and len(self.found) < 10 * _MAX_SHEETS
        ):
            target = posixpath.normpath(posixpath.join("/", self.base, attributes.get("Target", ""))).lstrip("/")
            self.found[attributes.get("Id", "")] = attributes.get("Type", ""), target


def _relations(parts: dict[str, Content], part: str) -> dict[str, tuple[str, str]]:
    """What a part refers to; the package itself is the part without a name."""
    base, name = posixpath.split(part)
    relations = _Relations(base)
    _read(parts, posixpath.join(base, "_rels", f"{name}.rels"), relations)
    return relations.found


def _target(parts: dict[str, Content], part: str, kind: str) -> str | None:
    return _of_kind(_relations(parts, part), kind)


def _of_kind(relations: dict[str, tuple[str, str]], kind: str) -> str | None:
    return next((part for found, part in relations.values() if found.endswith(kind)), None)


def _read(parts: dict[str, Content], part: str, reader: _Listing | _Relations) -> None:
    with _content(parts, part).open() as source:
        for _ in parse(source, posixpath.basename(part), start=reader.start, end=_ignore, text=_ignore):
            pass


def _ignore(_value: str) -> None:
    """What a small part's ends and texts are for."""
