"""What is plainly no delimited text is told by its first bytes, and all else is left alone."""

import pytest

from shared.formats.other_types import plainly


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"PAR1\x15\x04", "Parquet"),
        (b"\xef\xbb\xbf<!DOCTYPE html>\n<html>", "a web page or another document of XML"),
        (b"\n <?xml version='1.0'?>", "a web page or another document of XML"),
        (b'{"email": "a@b.example"}\n', "JSON Lines"),
        ('{"email": "a@b.example"}\n'.encode("utf-16-le"), "JSON Lines"),
        (b'[\n  {"email": "a@b.example"}]', "a JSON array"),
        (b"email;name\n", None),
        (b"{email},<name>\n", None),
        (b"[email],[name]\n", None),
        (b"", None),
    ],
)
def test_a_file_is_plainly_something_else(head: bytes, found: str | None) -> None:
    assert plainly(head) == found
