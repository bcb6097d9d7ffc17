"""Answers to PROPFIND are read as they come, whatever their prefixes, and hostile ones end in a failure with a name."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import WebDavRefused
from shared.transfer.webdav.multistatus import Entry, Multistatus

ANSWER = b"""<?xml version="1.0" encoding="utf-8"?>
<D:multistatus xmlns:D="DAV:" xmlns:x="urn:others"><D:response xmlns:lp="DAV:">
 <D:href>/dav/</D:href>
 <D:propstat><D:prop><lp:resourcetype><D:collection/></lp:resourcetype></D:prop>
  <D:status>HTTP/1.1 200 OK</D:status></D:propstat>
 <D:propstat><D:prop><lp:getcontentlength>99</lp:getcontentlength></D:prop>
  <D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>
</D:response>
<x:response><x:href>/not/ours</x:href></x:response>
<response xmlns="DAV:"><href>
  /dav/a%20&amp;&#x20AC;.csv
 </href><propstat><status>HTTP/1.1 200 OK</status><prop>
 <getcontentlength>5</getcontentlength><getlastmodified>Sun, 22 Nov 2026 22:12:28 GMT</getlastmodified>
 <getetag>"5-62a"</getetag><x:getetag>other</x:getetag><displayname><href>no</href></displayname><resourcetype/>
 </prop></propstat></response>
<D:response><D:href>/dav/locked</D:href><D:status>HTTP/1.1 423 Locked</D:status></D:response>
</D:multistatus>"""


def _read(data: bytes, step: int = 1 << 16) -> list[Entry]:
    multistatus = Multistatus()
    found = [entry for at in range(0, len(data), step) for entry in multistatus.feed(data[at : at + step])]
    multistatus.end()
    return found


@pytest.mark.parametrize("step", [1, 7, 1 << 16])
def test_entries_are_read_whatever_their_prefixes_and_pieces(step: int) -> None:
    directory, file, locked = _read(ANSWER, step)
    assert (directory.href, directory.is_collection, directory.size_bytes) == ("/dav/", True, None)
    assert (file.href, file.is_collection, file.size_bytes, file.etag) == ("/dav/a%20&\u20ac.csv", False, 5, '"5-62a"')
    assert datetime.fromtimestamp(file.modified or 0, UTC) == datetime(2026, 11, 22, 22, 12, 28, tzinfo=UTC)
    assert (locked.href, locked.status, locked.modified) == ("/dav/locked", 423, None)


def _entry(**properties: str) -> Entry:
    return Entry(properties=properties)


@pytest.mark.parametrize("text", ["", "-1", "1e3", "0x10", "5 ", "٣", "9" * 400, "1,000"])
def test_what_is_no_size_is_none(text: str) -> None:
    assert _entry(getcontentlength=text).size_bytes is None


@pytest.mark.parametrize(
    "text", ["", "yesterday", "0", "Sun, 99 Nov 2026 22:12:28 GMT", "Sun, " * 1000, "\x00", "1 2 3 4 5"]
)
def test_what_is_no_time_is_none(text: str) -> None:
    assert _entry(getlastmodified=text).modified is None


def test_times_are_read_as_rfc_9110_has_them_and_without_a_zone_as_utc() -> None:
    expected = datetime(2026, 11, 22, 22, 12, 28, tzinfo=UTC).timestamp()
    for text in ("Sun, 22 Nov 2026 22:12:28 GMT", "Sun, 22 Nov 2026 22:12:28 -0000", "Mon, 23 Nov 2026 00:12:28 +0200"):
        assert _entry(getlastmodified=text).modified == expected


MANY_AMPERSANDS = b"".join(b'<!ENTITY e%d "%s">' % (n, b"&e%d;" % (n - 1) * 10) for n in range(1, 10))
HOSTILE = {
    "billion laughs": b'<!DOCTYPE m [<!ENTITY e0 "ha">' + MANY_AMPERSANDS + b']><m xmlns="DAV:">&e9;</m>',
    "external entity": b'<!DOCTYPE m [<!ENTITY x SYSTEM "file:///etc/passwd">]><m xmlns="DAV:">&x;</m>',
    "external dtd": b'<!DOCTYPE multistatus SYSTEM "https://evil.example/x.dtd"><multistatus xmlns="DAV:"/>',
    "unknown entity": b'<multistatus xmlns="DAV:">&nbsp;</multistatus>',
    "no multistatus": b"<html><body>Index of /dav</body></html>",
    "another namespace": b"<multistatus/>",
    "no xml": b"Index of /dav",
    "nothing": b"",
    "cut off": ANSWER[:-20],
    "a deep nest": b'<multistatus xmlns="DAV:">' + b"<a>" * 100_000,
    "a long tag": b'<multistatus xmlns="DAV:"><a ' + b"x" * (2 << 20),
    "a long text": b'<multistatus xmlns="DAV:"><response><href>' + b"x" * (1 << 20),
    "many names": b'<multistatus xmlns="DAV:">' + b"".join(b"<n%d/>" % n for n in range(50_000)),
    "another encoding": b'<?xml version="1.0" encoding="utf-7"?><multistatus xmlns="DAV:"/>',
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
def test_hostile_answers_are_refused_soon(data: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(WebDavRefused):
        _read(data)
    assert time.monotonic() - began < 5


@given(st.binary(max_size=300), st.integers(0, len(ANSWER)))
def test_an_answer_that_is_broken_anywhere_is_read_or_refused(noise: bytes, at: int) -> None:
    try:
        found = _read(ANSWER[:at] + noise + ANSWER[at:], 37)
    except WebDavRefused:
        return
    assert len(found) <= 4
