"""The benchmark's rows as a workbook, stored as Excel does it: each text once in a table, numbers as numbers."""

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import polars as pl

from tests.unit.formats.workbooks import n, parts_of, s, sheet

NUMBERS = ("points", "revenue")


def write_workbook(plain: Path, target: Path) -> None:
    """One sheet with the header and the rows of a CSV file; an empty value has an empty cell."""
    frame = pl.read_csv(plain, infer_schema=False)
    texts: dict[str, int] = {}

    def text(value: str) -> str:
        return s(texts.setdefault(value, len(texts)))

    cells = [
        [("<c/>" if value is None else (n if name in NUMBERS else text)(value)) for value in frame[name]]
        for name in frame.columns
    ]
    rows = [[text(name) for name in frame.columns], *zip(*cells, strict=True)]
    strings = "".join(f'<si><t xml:space="preserve">{escape(value)}</t></si>' for value in texts)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts_of({"Contacts": sheet(*rows)}, strings=strings).items():
            archive.writestr(name, part)
