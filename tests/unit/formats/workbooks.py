"""Workbooks for tests, written part by part, so that each can be as awkward as its case needs."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Row = Sequence[str]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_STYLES = (
    '<numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/>'
    '<numFmt numFmtId="165" formatCode="[Red]0.0&quot; d&quot;"/>'
    '<numFmt numFmtId="166" formatCode="[h]:mm:ss"/></numFmts>'
    '<cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/>'
    '<xf numFmtId="165"/><xf numFmtId="166"/><xf numFmtId="22"/><xf numFmtId="10"/></cellXfs>'
)
GENERAL, BUILT_IN_DATE, OWN_DATE, OWN_NUMBER, ELAPSED, MOMENT, PERCENT = range(7)
"""Numbers of the formats above."""


def n(value: str, style: int = 0) -> str:
    """A number."""
    return f'<c s="{style}"><v>{value}</v></c>'


def t(value: str) -> str:
    """A text in its cell."""
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'


def s(number: int) -> str:
    """A shared text."""
    return f'<c t="s"><v>{number}</v></c>'


def sheet(*rows: Row | tuple[int, Row], before: str = "") -> str:
    """A sheet of rows, numbered where the row says so."""
    written = []
    for row in rows:
        number, cells = (f' r="{row[0]}"', row[1]) if row and isinstance(row[0], int) else ("", row)
        written.append(f"<row{number}>{''.join(map(str, cells))}</row>")
    return f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{"".join(written)}</sheetData></worksheet>'


def parts_of(
    sheets: Mapping[str, str], *, strings: str = "", hidden: Sequence[str] = (), date1904: bool = False
) -> dict[str, str]:
    """The parts of a workbook of these sheets, by name."""
    entries, relations = [], []
    for number, name in enumerate(sheets, start=1):
        state = ' state="hidden"' if name in hidden else ""
        entries.append(f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"{state}/>')
        relations.append(
            f'<Relationship Id="rId{number}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{number}.xml"/>'
        )
    relations.append(f'<Relationship Id="rIdS" Type="{_OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/>')
    relations.append(f'<Relationship Id="rIdT" Type="{_OFFICE}/styles" Target="styles.xml"/>')
    found = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}"><Relationship Id="a" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<x:workbook xmlns:x="{_MAIN}" xmlns:r="{_OFFICE}">'
        f'<x:workbookPr date1904="{int(date1904)}"/>'
        f"<x:sheets>{''.join(entries).replace('<sheet ', '<x:sheet ')}</x:sheets></x:workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}">{"".join(relations)}</Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}">{strings}</sst>',
        "xl/styles.xml": f'<styleSheet xmlns="{_MAIN}">{_STYLES}</styleSheet>',
    }
    return found | {f"xl/worksheets/sheet{number}.xml": text for number, text in enumerate(sheets.values(), start=1)}


def packed(parts: Mapping[str, str]) -> bytes:
    """A workbook's bytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()


def workbook(*rows: Row | tuple[int, Row], strings: str = "", date1904: bool = False) -> bytes:
    """A workbook of one sheet."""
    return packed(parts_of({"Contacts": sheet(*rows)}, strings=strings, date1904=date1904))
