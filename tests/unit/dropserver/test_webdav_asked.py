"""What WebDAV clients ask, read strictly: paths, spans, parts, conditions, locks, XML; hostile ones too."""

import base64
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.dropserver.tenant import Tenant
from services.dropserver.webdav import xml
from services.dropserver.webdav.answers import NotDone
from services.dropserver.webdav.asked import Asked, Login, Part, path_of
from services.dropserver.webdav.locks import MAX_SECONDS, LockBook, choices, tokens


def _basic(said: str) -> str:
    return f"Basic {base64.b64encode(said.encode()).decode()}"


TENANT = Tenant(uuid4(), uuid4(), uuid4(), Path("/nowhere"))


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        (b"/", ""),
        (b"/a.csv", "a.csv"),
        (b"//in//a.csv", "in/a.csv"),
        (b"/in/", "in"),
        (b"/M%C3%BCller%20%26.csv", "M\u00fcller &.csv"),
        (b"/%2541.csv", "%41.csv"),
        (b"/back%5Cslash..%5C.csv", "back\\slash..\\.csv"),
    ],
)
def test_a_path_is_decoded_once(raw: bytes, path: str) -> None:
    assert path_of(raw) == path


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"*", b"a.csv", b"http://other/a.csv", b"/%", b"/%4", b"/%zz.csv", b"/a\xff.csv", b"/%ff.csv"),
        *(b"/../a", b"/x/../../a", b"/%2e%2e/a", b"/%2E/a", b"/in%2Fa.csv", b"/a%00.csv", b"/a%0d%0aX: y", b"/%7f"),
        *(b"/" + b"x" * 256, b"/" + b"d/" * 520 + b"x", "/\uef80".encode(), b"/%c0%ae%c0%ae/a"),
    ],
)
def test_a_path_that_cannot_be_is_refused(raw: bytes) -> None:
    with pytest.raises(NotDone) as refused:
        path_of(raw)
    assert refused.value.answer.status == 400


@pytest.mark.parametrize(
    ("destination", "answer"),
    [
        ("http://Drop.example:80/b.csv", "b.csv"),
        ("https://drop.example/in/b.csv", "in/b.csv"),
        ("/b.csv", "b.csv"),
        ("http://elsewhere/b.csv", 502),
        ("http://drop.example:8443/b.csv", 502),
        ("http://drop.example@elsewhere/b.csv", 502),
        ("file:///etc/passwd", 400),
        ("//elsewhere/b.csv", "elsewhere/b.csv"),
        ("/../b.csv", 400),
        ("b.csv", 400),
        ("", 400),
        (None, 400),
    ],
)
def test_a_destination_is_on_this_server(destination: str | None, answer: str | int) -> None:
    headers = {"Host": "drop.example"} | ({} if destination is None else {"Destination": destination})
    try:
        found: str | int = _asked(**headers).destination
    except NotDone as refused:
        found = refused.answer.status
    assert found == answer


@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, None),
        ("bytes 0-999/1000", Part(0, 1000, 1000)),
        ("bytes 300-999/1000", Part(300, 700, 1000)),
        ("bytes 0-99/1000", Part(0, 100, 1000)),
        *((each, 400) for each in ("bytes 5-4/9", "bytes 0-9/9", "bytes 0-9/*", "bytes */9", "lines 0-1/2", "")),
        ("bytes 0-1/2, bytes 2-3/4", 400),
        (f"bytes 0-1/{'9' * 30}", 400),
    ],
)
def test_a_part_is_named_exactly(header: str | None, part: Part | int | None) -> None:
    asked = _asked(**({} if header is None else {"Content-Range": header}))
    try:
        found: Part | int | None = asked.part
    except NotDone as refused:
        found = refused.answer.status
    assert found == part


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("bytes=0-9", (0, 10)),
        ("bytes=90-", (90, 100)),
        ("bytes=90-500", (90, 100)),
        ("bytes=-10", (90, 100)),
        ("bytes=-500", (0, 100)),
        *((each, None) for each in ("bytes=0-1,5-6", "bytes=-", "bytes=9-1", "lines=0-1", "", "bytes=a-b")),
        *((each, 416) for each in ("bytes=100-", "bytes=500-600", "bytes=-0")),
    ],
)
def test_a_span_of_a_file(header: str, span: tuple[int, int] | int | None) -> None:
    try:
        found: tuple[int, int] | int | None = _asked(Range=header).span(100)
    except NotDone as refused:
        found = refused.answer.status
    assert found == span


def test_a_header_that_may_come_once_comes_once() -> None:
    scope: dict[str, Any] = {"method": "MOVE", "raw_path": b"/", "headers": [(b"depth", b"0"), (b"depth", b"1")]}
    for broken in (
        lambda: Asked(scope).depth,
        lambda: _asked(Depth="2").depth,
        lambda: _asked(Overwrite="x").overwrites,
    ):
        with pytest.raises(NotDone):
            broken()
    both = _asked(**{"Content-Length": "3", "Transfer-Encoding": "chunked"})
    with pytest.raises(NotDone):
        both.require_one_length()


@pytest.mark.parametrize(
    ("sent", "login"),
    [
        # A NUL, which no database takes; a line end; and a name that nobody has.
        *((_basic(each), None) for each in ("a\0b:x", "a:\0", "a\r\n:x", "a:\x7f", f"{'a' * 256}:x")),
        ("Basic c2hvcDpwOnc=", Login("shop", "p:w")),
        ("basic  c2hvcDo=", Login("shop", "")),
        *((each, None) for each in ("", "Basic", "Basic !", "Basic c2hvcA==", "Bearer x", "Basic /w==", "Digest a=b")),
    ],
)
def test_a_login_is_basic(sent: str, login: Login | None) -> None:
    assert _asked(Authorization=sent).login == login


def test_the_conditions_of_if_are_read_whole_or_not_at_all() -> None:
    [first, second] = choices('(<urn:a> ["v1"]) </b.csv> (Not <DAV:no-lock> [W/"v2"])')
    assert [(each.is_negated, each.token, each.etag) for each in first.conditions] == [
        (False, "urn:a", ""),
        (False, "", '"v1"'),
    ]
    assert (second.address, second.conditions[0].is_negated) == ("/b.csv", True)
    assert tokens([first, second]) == {"urn:a"}
    assert choices(None) == choices("") == []
    for broken in ("(", "()", "(<a>", "<a>(Not)", "((<a>))", "x", "(<a>) )", "Not (<a>)", '(["v)', "(<a>" * 3_000):
        with pytest.raises(NotDone):
            choices(broken)


def test_a_lock_is_in_the_way_of_whoever_does_not_know_it_until_it_ends() -> None:
    now = [0.0]
    book = LockBook(lambda: now[0])
    lock = book.take(TENANT, "in", "me", None, is_deep=True)
    for path, is_member in (("in", False), ("in/a.csv", False), ("in/new.csv", True)):
        with pytest.raises(NotDone) as refused:
            book.require(TENANT, path, (), is_member=is_member)
        assert refused.value.answer.status == 423
        book.require(TENANT, path, (lock.token,), is_member=is_member)
    book.require(TENANT, "inside.csv", (), is_member=True)
    assert book.of_members(TENANT, "in")("in/a.csv") == [lock] == book.of_members(TENANT, "")("in")
    assert book.of_members(TENANT, "")("inside.csv") == []
    for number in range(199):
        book.take(TENANT, f"{number}.csv", "me", None, is_deep=False)
    with pytest.raises(NotDone, match="This login has 200 locks"):
        book.take(TENANT, "last.csv", "me", None, is_deep=False)
    neighbour = Tenant(TENANT.account_id, TENANT.drop_folder_id, uuid4(), TENANT.root)
    book.take(neighbour, "mine.csv", "you", None, is_deep=False)
    elsewhere = Tenant(TENANT.account_id, uuid4(), uuid4(), TENANT.root)
    book.require(elsewhere, "in", ())
    for path, is_deep in (("in", False), ("in/a.csv", False), ("", True)):
        with pytest.raises(NotDone):
            book.take(TENANT, path, "you", 5, is_deep=is_deep)
    stranger = Tenant(TENANT.account_id, TENANT.drop_folder_id, uuid4(), TENANT.root)
    with pytest.raises(NotDone):
        book.release(stranger, "in", lock.token)
    assert book.refresh(TENANT, "in", (lock.token,), 10**9).seconds == MAX_SECONDS
    now[0] = MAX_SECONDS + 1
    assert book.of(TENANT, "in") == []
    with pytest.raises(NotDone):
        book.refresh(TENANT, "in", (lock.token,), 5)


BOMB = b"""<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;&b;">]><propfind xmlns="DAV:">&c;</propfind>"""
OUTSIDE = b"""<!DOCTYPE a SYSTEM "file:///etc/passwd"><propfind xmlns="DAV:"/>"""


@pytest.mark.parametrize(
    "body",
    [
        *(
            BOMB,
            OUTSIDE,
            b"<a",
            b"not xml",
            b"\xff\xfe",
            b"<a></b>",
            b"<a>&x;</a>",
            b'<?xml version="1.0" encoding="x"?><a/>',
        ),
        *(b"<a>" * 40 + b"</a>" * 40, b"<a>" + b"<b/>" * 1_001 + b"</a>"),
    ],
)
def test_a_body_that_could_harm_is_refused(body: bytes) -> None:
    with pytest.raises(NotDone) as refused:
        xml.read(body)
    assert refused.value.answer.status == 400


def _asked(**headers: str) -> Asked:
    sent = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return Asked({"method": "MOVE", "raw_path": b"/a.csv", "headers": sent})
