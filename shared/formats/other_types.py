"""What a file is that should have been delimited text, by its first bytes, where that is plain.

Asked only of a file whose header is not the expected one: rows of contacts may begin with anything.
"""

_MAGIC = {
    b"%PDF-": "a PDF",
    b"{\\rtf": "a rich text document",
    b"PAR1": "Parquet",
    b"Obj\x01": "Avro",
    b"SQLite format 3\0": "an SQLite database",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
}
_MARKUP = (b"<!doctype html", b"<html", b"<?xml")


def plainly(head: bytes) -> str | None:
    """What a file that begins so is; None where nothing tells."""
    for magic, name in _MAGIC.items():
        if head.startswith(magic):
            return name
    text = head.removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip()
    if text[:16].lower().startswith(_MARKUP):
        return "a web page or another document of XML"
    first = text.splitlines()[0] if text else b""
    if first.startswith(b"{") and (b'":' in first or b'" :' in first):
        return "JSON Lines"
    if first.startswith(b"[") and text[1:].lstrip().startswith(b"{"):
        return "a JSON array"
    return None
