"""What a file is that holds no table which could be read: by its first bytes."""

import json
from typing import Literal, NamedTuple

HEAD_BYTES = 4_096


class Foreign(NamedTuple):
    """A kind of file that cannot be imported."""

    name: str
    what_to_do: str


_EXPORT = "Export the table from it as CSV or XLSX."
_MAGIC: tuple[tuple[int, bytes, Foreign], ...] = (
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", Foreign("a document of an old office program", "Save it as XLSX or CSV.")),
    (0, b"%PDF-", Foreign("a PDF document", _EXPORT)),
    (0, b"PAR1", Foreign("a Parquet file", _EXPORT)),
    (0, b"SQLite format 3\0", Foreign("an SQLite database", _EXPORT)),
    (0, b"\x89PNG", Foreign("a picture", "Look for the file that holds the table.")),
    (0, b"\xff\xd8\xff", Foreign("a picture", "Look for the file that holds the table.")),
    (0, b"GIF8", Foreign("a picture", "Look for the file that holds the table.")),
    (0, b"\x7fELF", Foreign("a program", "Look for the file that holds the table.")),
    (0, b"MZ\x90", Foreign("a program", "Look for the file that holds the table.")),
    (0, b"Rar!", Foreign("a RAR archive", "Pack it as zip, 7z, gzip, bzip2, xz or zstd.")),
    (0, b"BEGIN:VCARD", Foreign("a file of vCards", _EXPORT)),
    (0, b"BEGIN:VCALENDAR", Foreign("a calendar", "Look for the file that holds the table.")),
)  # fmt: skip  # a table
_MARKUP = (b"<?xml", b"<!doctype", b"<html", b"<table")


def foreign_kind(head: bytes) -> Foreign | None:
    """What the file is, where it is nothing that can be imported and says so itself."""
    for place, magic, kind in _MAGIC:
        if head.startswith(magic, place):
            return kind
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_MARKUP):
        return Foreign("XML or HTML", _EXPORT)
    return None


def json_kind(text: bytes) -> Literal["jsonl", "json"] | None:
    """Whether a text in UTF-8 is JSON Lines, another JSON, or neither; `text` is its beginning."""
    start = text.lstrip()
    if not start.startswith((b"{", b"[")):
        return None
    line = start.splitlines()[0]
    if line.startswith(b"{") and isinstance(_parsed(line), dict):
        return "jsonl"
    # A document over several lines, or a list of objects on one.
    is_begun = line in (b"{", b"[") or start[1:].lstrip().startswith((b"{", b'"'))
    return "json" if is_begun or _parsed(line) is not None else None


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
