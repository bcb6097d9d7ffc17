"""What FTP servers say of files: both forms of LIST, facts, times, lines; and what is no such thing."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import PassiveAddressRefused
from shared.transfer.ftps.listing import MAX_LINE_BYTES, Entry, Lines, read_facts, read_line, read_time
from shared.transfer.ftps.replies import Garbled, directory, extended_port, moment, number, passive_port, wire

MOMENT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"-rw-r--r--    1 0        0               5 Nov 22 22:30 a.csv", Entry(b"a.csv", "file", 5)),
        (
            b"-rw-rw-r--+ 1 ftp ftp 12345678901 Jan  2  2020  leading and trailing ",
            Entry(b" leading and trailing ", "file", 12345678901),
        ),
        (b"-rw-r--r-- 1 MAY 31 domain users 7 feb 29 0:01 x", Entry(b"x", "file", 7)),
        (b"-rw-r--r-- 1 a b 5 Jan 02 03:04 line\nbreak.csv", Entry(b"line\nbreak.csv", "file", 5)),
        (b"-rw-r--r-- 1 ftp 5 Jan 02 03:04 no group.csv", Entry(b"no group.csv", "file", 5)),
        (b"-rw-r--r-- 1 a b 5 Jan 02 03:04 \xff -> \xfe", Entry(b"\xff -> \xfe", "file", 5)),
        (b"drwxr-xr-x 2 a b 4096 Jan 02 03:04 in", Entry(b"in", "directory", None)),
        (b"lrwxrwxrwx 1 a b 5 Jan 02 03:04 link.csv -> /etc/passwd", Entry(b"link.csv", "other", None)),
        (b"prw-r--r-- 1 a b 0 Jan 02 03:04 pipe", Entry(b"pipe", "other", None)),
        (b"03-15-26  10:20AM              1234 a b.csv", Entry(b"a b.csv", "file", 1234)),
        (b"03-15-2026  10:20       <DIR>          in", Entry(b"in", "directory", None)),
        (b"03-15-26  10:20PM    <JUNCTION>     in", Entry(b"in", "other", None)),
        (b"total 12", None),
        (b"", None),
    ],
)
def test_lines_for_people_are_read_in_the_two_forms_that_servers_write(line: bytes, expected: Entry | None) -> None:
    assert read_line(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"what?",
        b"-rw-r--r-- 1 a b 5 2026-01-02 03:04 iso.csv",
        b"-rw-r--r-- 1 a b five Jan 02 03:04 a.csv",
        b"-rw-r--r-- 1 a b 99999999999999999999 Jan 02 03:04 a.csv",
        b"-rw-r--r-- " * 700,
        b"a.csv",
        b"total of everything",
    ],
)
def test_a_line_that_is_not_understood_is_not_guessed_at(line: bytes) -> None:
    with pytest.raises(ValueError, match="not understood"):
        read_line(line)


@given(st.binary(max_size=300))
def test_no_line_is_more_than_refused(line: bytes) -> None:
    for read in (read_line, read_facts, read_time):
        try:
            read(line)
        except ValueError as error:
            assert "server" in str(error)  # noqa: PT017 # most lines are refused, but none has to be


@given(st.binary(min_size=1, max_size=255).filter(lambda name: not {*name} & {*b"/\0\r\n"}))
def test_any_name_is_read_exactly(name: bytes) -> None:
    assert read_facts(b"Type=file;Size=5;Modify=20260102030405; " + name) == Entry(name, "file", 5, MOMENT)
    assert read_line(b"-rw-r--r-- 1 a b 5 Jan 02 03:04 " + name) == Entry(name, "file", 5)


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (b"type=dir", "directory"),
        (b"type=cdir", "directory"),
        (b"type=OS.unix=slink:/x", "other"),
        (b"perm=r", "other"),
    ],
)
def test_what_is_no_file_is_not_taken_for_one(facts: bytes, kind: str) -> None:
    assert read_facts(facts + b"; x").kind == kind


@pytest.mark.parametrize(
    ("digits", "seconds"),
    [(b"20260102030405", 0), (b"20260102030405.987", 0), (b"20260102030405.", 0), (b"20260102030460", 54)],
)
def test_times_are_whole_seconds_of_utc(digits: bytes, seconds: int) -> None:
    assert read_time(digits) == MOMENT + seconds


@pytest.mark.parametrize("digits", [b"", b"2026010203040", b"20261302030405", b"20260102030405+01", b"\xb2" * 14])
def test_a_time_that_is_none_is_refused(digits: bytes) -> None:
    with pytest.raises(ValueError, match="no date"):
        read_time(digits)


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), max_size=20))
def test_lines_do_not_depend_on_how_they_come(content: bytes, cuts: list[int]) -> None:
    at_once = Lines()
    expected = at_once.feed(b"first\r\n" + content) + at_once.rest()
    lines = Lines()
    found = lines.feed(b"first\r\n")
    for cut in cuts:
        found += lines.feed(content[:cut])
        content = content[cut:]
    assert found + lines.feed(content) + lines.rest() == expected


def test_lines_end_as_the_first_ones_do() -> None:
    assert Lines().feed(b"a\nb\r\nc\r\n") == [b"a\nb", b"c"]
    assert Lines().feed(b"a\nb\n") == [b"a", b"b"]


def test_a_line_without_an_end_is_refused() -> None:
    with pytest.raises(ValueError, match="8,192 bytes"):
        Lines().feed(b"x" * (MAX_LINE_BYTES + 1))


# Replies.


def test_the_port_of_a_data_connection_is_taken_and_no_address_but_the_servers() -> None:
    assert extended_port("229 Entering Extended Passive Mode (|||6446|)") == 6446
    assert passive_port("227 Entering Passive Mode (192,0,2,7,25,46).", "192.0.2.7") == 6446
    for elsewhere in ("10,0,0,1", "0,0,0,0", "192,0,2,8", "192,0,2,007", "999,0,2,7"):
        with pytest.raises(PassiveAddressRefused):
            passive_port(f"227 here ({elsewhere},25,46)", "192.0.2.7")


@pytest.mark.parametrize(
    "reply",
    ["229", "229 ()", "229 (|||)", "229 (|||x|)", "229 (|||0|)", "229 (|||65536|)", "229 (|||-1|)", "200 (|||9|)"],
)
def test_what_is_no_port_is_refused(reply: str) -> None:
    with pytest.raises(Garbled):
        extended_port(reply)


@pytest.mark.parametrize("reply", ["227 here", "227 (192,0,2,7,999,1)", "227 (192,0,2,7,0,0)", "200 (192,0,2,7,1,1)"])
def test_what_is_no_passive_port_is_refused(reply: str) -> None:
    with pytest.raises(Garbled):
        passive_port(reply, "192.0.2.7")


@pytest.mark.parametrize(
    ("read", "reply"),
    [
        (number, "213 -5"),
        (number, "213 99999999999999999999"),
        (number, "250 5"),
        (moment, "213 yesterday"),
        (directory, '257 "relative"'),
        (directory, "257 /unquoted"),
        (directory, '257 "/a\nb"'),
        (directory, "250 fine"),
    ],
)
def test_what_answers_no_question_is_refused(read: Callable[[str], object], reply: str) -> None:
    with pytest.raises(Garbled):
        read(reply)


def test_a_directory_may_have_any_name() -> None:
    assert directory('257 "/say ""hi""/\xff" is where you are') == '/say "hi"/\xff'


@pytest.mark.parametrize("raw", [b"a\rb", b"a\nb", b"a\0b"])
def test_what_would_end_a_command_is_never_said(raw: bytes) -> None:
    with pytest.raises(ValueError, match="cannot say"):
        wire(raw)
