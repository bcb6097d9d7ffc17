"""FTPS servers that lie, fall silent or never end: each ends in a failure with a name, in time, and no thread stays."""

import asyncio
import socket
import time
from contextlib import aclosing

import pytest

from shared.domain.failures import (
    ConnectionLost,
    Failure,
    FileGone,
    LoginCutOff,
    LoginRefused,
    PlaceFull,
    ProtocolRefused,
    ServerFailed,
    TlsRefused,
    TooManyFiles,
)
from shared.transfer.ftps.folder import FtpsFolder
from tests.integration.transfer.conftest import PASSWORD
from tests.integration.transfer.scripted_ftps import (
    FILE,
    SILENT_SECONDS,
    Answer,
    Opens,
    Talk,
    failure_of,
    once,
    read_all,
)


def _silence(_: Talk, __: str) -> None:
    time.sleep(0)


def _hang_up(talk: Talk, _: str) -> None:
    talk.control.close()


def _endless_reply(talk: Talk, _: str) -> None:
    talk.say(*["257-and more"] * 100_000)


def _endless_line(talk: Talk, _: str) -> None:
    talk.control.sendall(b"257 " + b"x" * 1_000_000)


def _in_plain_text(talk: Talk, _: str) -> None:
    talk.say("150 for all to read")
    with talk.plain_data() as data:
        data.sendall(FILE.encode())
        data.recv(1)
    talk.say("226 done")


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"GREETING": "SSH-2.0-OpenSSH_9.2"}, ProtocolRefused),
        ({"GREETING": "421 too many connections"}, ConnectionLost),
        ({"GREETING": _silence}, ConnectionLost),
        ({"GREETING": _hang_up}, ConnectionLost),
        ({"AUTH": "502 no such thing"}, TlsRefused),
        ({"AUTH": "234 go on"}, ConnectionLost),
        ({"PASS": "332 and which account?"}, LoginRefused),
        ({"PASS": _silence}, ConnectionLost),
        ({"PASS": _hang_up}, LoginCutOff),
        ({"PASS": "421 too many of you"}, ConnectionLost),
        ({"USER": _hang_up}, ConnectionLost),
        ({"PROT": "534 data is for all to read"}, TlsRefused),
        ({"PWD": "257 nowhere"}, ServerFailed),
        ({"PWD": _endless_reply}, ServerFailed),
        ({"PWD": _endless_line}, ServerFailed),
        ({"EPSV": "229 here (|||0|)"}, ServerFailed),
        ({"EPSV": "229 here (|1|10.0.0.1|x|)"}, ServerFailed),
        ({"MLSD": "421 good night"}, ConnectionLost),
        ({"MLSD": _hang_up}, ConnectionLost),
        ({"MLSD": "451 not today"}, ServerFailed),
        ({"MLSD": "226 nothing at all"}, ServerFailed),
        ({"MLSD": lambda talk, _: talk.say("150 here it comes")}, ConnectionLost),
        ({"MLSD": lambda talk, _: talk.send(b"y" * 100_000)}, ServerFailed),
        ({"MLSD": _in_plain_text}, ConnectionLost),
        ({"TYPE": "504 lines alone"}, ProtocolRefused),
    ],
)
async def test_what_is_no_answer_of_a_server_that_works_is_told_in_time(
    opens: Opens, answers: dict[str, Answer], expected: type[Failure]
) -> None:
    began = time.monotonic()
    # Silence is a lost connection; what is said has the time that a busy machine needs.
    seconds = 0.15 if expected is ConnectionLost else SILENT_SECONDS / 2
    assert type(await failure_of(opens(seconds=seconds, **answers))) is expected
    assert time.monotonic() - began < SILENT_SECONDS, "the server had enough before us"


async def test_a_server_that_repeats_the_password_has_it_repeated_to_nobody(opens: Opens) -> None:
    failure = await failure_of(opens(PASS=f"530 shop may not come in with {PASSWORD}"))
    assert isinstance(failure, LoginRefused)
    assert PASSWORD not in f"{failure} {failure.__cause__}"


async def test_words_that_would_be_commands_are_not_sent(opens: Opens) -> None:
    failure = await failure_of(opens(password="x\r\nDELE all.csv"))
    assert isinstance(failure, LoginRefused)
    async with opens() as folder:
        with pytest.raises(ValueError, match="line break"):
            await folder.remove("a\r\nDELE all.csv")


async def test_what_is_said_before_the_handshake_is_not_heard_after_it(opens: Opens) -> None:
    def inject(talk: Talk, _: str) -> None:
        talk.say("234 go on", "530 nobody may come in")
        talk.secure()

    async with opens(AUTH=inject, MLSD=lambda talk, _: talk.send(FILE.encode())) as folder:
        assert [file.path for file in (await folder.list("")).files] == ["a.csv"]


async def test_a_listing_without_an_end_is_too_many_files_and_the_session_goes_on(opens: Opens) -> None:
    def endless(talk: Talk, _: str) -> None:
        with talk.data() as data:
            while True:
                data.sendall(FILE.encode() * 1_000)

    async with opens(MLSD=endless, CWD="550 no") as folder:
        narrow = FtpsFolder(folder._line, "/", max_entries=5_000)
        with pytest.raises(TooManyFiles):
            await narrow.list("")
        assert not await folder._is_directory("x")


async def test_hostile_entries_are_refused_each_with_its_reason(opens: Opens) -> None:
    fact = "type=file;size=1;modify=20260102030405; "
    lines = [
        "type=cdir;modify=20260102030405; .",
        "type=pdir; ..",
        fact + "good.csv",
        fact + "../escape.csv",
        fact + "/etc/passwd",
        fact,
        fact + "x" * 300,
        fact + "line\nbreak.csv",
        "type=file;size=99999999999999999999;modify=20260102030405; huge.csv",
        "type=file;size=1;modify=20261302030405; month.csv",
        "type=file;size=1; timeless.csv",
        "type=OS.unix=slink:/etc/passwd;size=1;modify=20260102030405; link.csv",
        "nofacts",
    ]
    content = "".join(f"{line}\r\n" for line in lines).encode()
    async with opens(MLSD=lambda talk, _: talk.send(content)) as folder:
        listing = await folder.list("")
    assert [file.path for file in listing.files] == ["good.csv"]
    assert len(listing.refused) == 10
    assert all(entry.shown.isprintable() and entry.reason for entry in listing.refused)


def _files(content: bytes, *, size: int, ends: bool) -> dict[str, Answer]:
    """A server that sends this content as any file, with or without TLS' own sign of the end."""

    def send(talk: Talk, _: str) -> None:
        if ends:
            talk.send(content)
            return
        talk.say("150 here it comes")
        wrapped = talk.data_by_tls()
        wrapped.sendall(content)
        socket.socket.shutdown(wrapped, socket.SHUT_RDWR)
        wrapped.close()
        talk.say("226 all of it")

    return {"SIZE": f"213 {size}", "RETR": send}


async def test_a_file_that_is_cut_off_is_no_whole_file(opens: Opens) -> None:
    async with opens(**_files(b"half", size=8, ends=False)) as folder:
        with pytest.raises(ConnectionLost, match="after 4 bytes"):
            await read_all(folder)
    # Many servers never say that it is the end; there the size is the proof.
    async with opens(**_files(b"whole", size=5, ends=False)) as folder:
        assert await read_all(folder) == b"whole"
    # One that lies about the size is found out by who compares what came with what was seen.
    async with opens(**_files(b"whole", size=8, ends=True)) as folder:
        assert await read_all(folder) == b"whole"


@pytest.mark.parametrize("after", [0, 100_000])
async def test_a_data_connection_that_falls_silent_is_given_up_in_time(opens: Opens, after: int) -> None:
    def stall(talk: Talk, _: str) -> None:
        if after:
            with talk.data() as data:
                data.sendall(b"x" * after)
                data.recv(1)

    began = time.monotonic()
    failure = await failure_of(opens(seconds=0.25, SIZE="213 200000", RETR=stall), read_all)
    assert isinstance(failure, ConnectionLost)
    assert time.monotonic() - began < SILENT_SECONDS / 2


async def test_a_control_connection_that_ends_in_the_middle_of_a_file_is_told(opens: Opens) -> None:
    def die(talk: Talk, _: str) -> None:
        with talk.data() as data:
            data.sendall(b"x" * 100_000)
            talk.control.close()
            data.close()

    assert isinstance(await failure_of(opens(SIZE="213 200000", RETR=die), read_all), ConnectionLost)


async def test_who_is_cancelled_in_the_middle_of_a_step_leaves_no_thread(opens: Opens) -> None:
    reached = asyncio.Event()

    async def use() -> None:
        async with opens(seconds=30, MLSD=lambda talk, _: talk.control.recv(1)) as folder:
            reached.set()
            await folder.list("")

    work = asyncio.create_task(use())
    await reached.wait()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work


async def test_who_is_cancelled_between_two_steps_waits_for_no_silent_server(opens: Opens) -> None:
    reached = asyncio.Event()

    async def use() -> None:
        answers = _files(b"x" * (4 << 20), size=4 << 20, ends=True)
        async with (
            opens(seconds=30, QUIT=_silence, **answers) as folder,
            aclosing(folder.read("a.csv")) as chunks,
        ):
            async for _ in chunks:
                reached.set()
                await asyncio.Event().wait()

    work = asyncio.create_task(use())
    await reached.wait()
    began = time.monotonic()
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert time.monotonic() - began < 4


async def test_a_reader_that_goes_away_leaves_the_session_of_use(opens: Opens) -> None:
    content = b"x" * (4 << 20)
    async with opens(**_files(content, size=len(content), ends=True), DELE="250 gone") as folder:
        async with aclosing(folder.read("a.csv")) as chunks:
            async for _ in chunks:
                break
        await folder.remove("a.csv")


@pytest.mark.parametrize("at_once", [True, False], ids=["before it is sent", "while it is sent"])
async def test_a_place_that_is_full_is_told_as_such_and_the_session_goes_on(opens: Opens, at_once: bool) -> None:
    def full(talk: Talk, _: str) -> None:
        talk.say("150 go on")
        wrapped = talk.data_by_tls()
        wrapped.recv(1)
        wrapped.close()
        talk.say("552 no room for more")

    async with opens(STOR="552 no room" if at_once else full, SIZE="550 none", MLST="550 none") as folder:
        with pytest.raises(PlaceFull):
            await folder.write("a.csv", once(b"x" * (8 << 20)))
        with pytest.raises(FileGone):
            await folder.stat("a.csv")
