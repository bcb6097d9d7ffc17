"""FTPS servers that lie, fall silent or never end: each ends in a failure with a name, in time, and no thread stays."""

import asyncio
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, aclosing

import pytest

from shared.domain.connection import Login
from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    Failure,
    FileGone,
    LoginCutOff,
    LoginRefused,
    PlaceFull,
    ProtocolRefused,
    RenameRefused,
    ServerFailed,
    TlsRefused,
    TooManyFiles,
)
from shared.transfer.ftps.folder import FtpsFolder
from shared.transfer.ftps.opening import open_ftps
from tests.eventually import eventually
from tests.integration.transfer.conftest import ftps_place, reach
from tests.integration.transfer.scripted_ftps import NO_FACTS, SILENT_SECONDS, Answer, ScriptedFtps, Talk
from tests.real.authority import Authority, Issued

PASSWORD = "open sesame"
FILE = "type=file;size=5;modify=20260102030405; a.csv\r\n"
Opened = AbstractAsyncContextManager[FtpsFolder]
Opens = Callable[..., Opened]


@pytest.fixture
def opens(server_certificate: Issued, authority: Authority) -> Iterator[Opens]:
    """A folder on a server with answers of its own; `seconds` is how long any step may take. No thread outlives it."""
    with ExitStack() as held:

        def made(*, seconds: float = 10, password: str = PASSWORD, **answers: Answer) -> Opened:
            server = held.enter_context(ScriptedFtps(server_certificate, **answers))
            held.callback(_without_a_word_of_the_password, server)
            names = ("connect", "login", "step", "idle")
            ways = reach(authority, **{f"{name}_seconds": seconds for name in names}, listing_seconds=seconds)
            return open_ftps(ftps_place(server.port, username="shop"), Login(password=password), ways)

        yield made


def _without_a_word_of_the_password(server: ScriptedFtps) -> None:
    assert all(PASSWORD not in line for line in server.heard if not line.startswith("PASS "))


@pytest.fixture(autouse=True)
async def _no_thread_stays() -> AsyncIterator[None]:
    yield
    await eventually(
        lambda: not any(thread.name.startswith("ftps") for thread in threading.enumerate()), "the threads' end"
    )


async def _failure(opened: Opened, use: Callable[[FtpsFolder], object] = lambda folder: folder.list("")) -> Failure:
    with pytest.raises(Failure) as raised:
        async with opened as folder:
            await use(folder)  # type: ignore[misc]  # what a folder does is awaited
    return raised.value


async def _read(folder: FtpsFolder, path: str = "a.csv") -> bytes:
    return b"".join([chunk async for chunk in folder.read(path)])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content


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
    assert type(await _failure(opens(seconds=seconds, **answers))) is expected
    assert time.monotonic() - began < SILENT_SECONDS, "the server had enough before us"


async def test_a_server_that_repeats_the_password_has_it_repeated_to_nobody(opens: Opens) -> None:
    failure = await _failure(opens(PASS=f"530 shop may not come in with {PASSWORD}"))
    assert isinstance(failure, LoginRefused)
    assert PASSWORD not in f"{failure} {failure.__cause__}"


async def test_words_that_would_be_commands_are_not_sent(opens: Opens) -> None:
    failure = await _failure(opens(password="x\r\nDELE all.csv"))
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
        wrapped = talk.server.context.wrap_socket(talk.plain_data(), server_side=True)
        wrapped.sendall(content)
        socket.socket.shutdown(wrapped, socket.SHUT_RDWR)
        wrapped.close()
        talk.say("226 all of it")

    return {"SIZE": f"213 {size}", "RETR": send}


async def test_a_file_that_is_cut_off_is_no_whole_file(opens: Opens) -> None:
    async with opens(**_files(b"half", size=8, ends=False)) as folder:
        with pytest.raises(ConnectionLost, match="after 4 bytes"):
            await _read(folder)
    # Many servers never say that it is the end; there the size is the proof.
    async with opens(**_files(b"whole", size=5, ends=False)) as folder:
        assert await _read(folder) == b"whole"
    # One that lies about the size is found out by who compares what came with what was seen.
    async with opens(**_files(b"whole", size=8, ends=True)) as folder:
        assert await _read(folder) == b"whole"


@pytest.mark.parametrize("after", [0, 100_000])
async def test_a_data_connection_that_falls_silent_is_given_up_in_time(opens: Opens, after: int) -> None:
    def stall(talk: Talk, _: str) -> None:
        if after:
            with talk.data() as data:
                data.sendall(b"x" * after)
                data.recv(1)

    began = time.monotonic()
    failure = await _failure(opens(seconds=0.25, SIZE="213 200000", RETR=stall), _read)
    assert isinstance(failure, ConnectionLost)
    assert time.monotonic() - began < SILENT_SECONDS / 2


async def test_a_control_connection_that_ends_in_the_middle_of_a_file_is_told(opens: Opens) -> None:
    def die(talk: Talk, _: str) -> None:
        with talk.data() as data:
            data.sendall(b"x" * 100_000)
            talk.control.close()
            data.close()

    assert isinstance(await _failure(opens(SIZE="213 200000", RETR=die), _read), ConnectionLost)


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
        wrapped = talk.server.context.wrap_socket(talk.plain_data(), server_side=True)
        wrapped.recv(1)
        wrapped.close()
        talk.say("552 no room for more")

    async with opens(STOR="552 no room" if at_once else full, SIZE="550 none", MLST="550 none") as folder:
        with pytest.raises(PlaceFull):
            await folder.write("a.csv", _once(b"x" * (8 << 20)))
        with pytest.raises(FileGone):
            await folder.stat("a.csv")


# Servers that cannot replace.


class Disk:
    """The files of a server, by their paths, and the commands that rename and delete them."""

    def __init__(self, **files: str) -> None:
        self.files = {f"/{name.replace('_', '.')}": content for name, content in files.items()}
        self.broken = ""
        """A path that nothing can be renamed to while there is none."""
        self._from = ""

    def answers(self) -> dict[str, Answer]:
        return {"RNFR": self._rename_from, "RNTO": self._rename_to, "DELE": self._delete, "MLST": self._facts}

    def _rename_from(self, talk: Talk, path: str) -> None:
        self._from = path
        talk.say("350 and to what?" if path in self.files else "550 no such file")

    def _rename_to(self, talk: Talk, path: str) -> None:
        if path in self.files or path == self.broken:
            talk.say("553 that is there already")
            return
        self.files[path] = self.files.pop(self._from)
        talk.say("250 done")

    def _delete(self, talk: Talk, path: str) -> None:
        talk.say("550 no such file" if self.files.pop(path, None) is None else "250 done")

    def _facts(self, talk: Talk, path: str) -> None:
        talk.say(*(["250-here", " " + FILE.strip(), "250 end"] if path in self.files else ["550 no such file"]))


@pytest.mark.parametrize("before", [{}, {"all_csv": "old"}, {"all_csv": "old", "all_csv_previous": "older"}])
async def test_where_nothing_can_be_replaced_the_old_file_steps_aside(opens: Opens, before: dict[str, str]) -> None:
    disk = Disk(new_part="new", **before)
    async with opens(**disk.answers()) as folder:
        await folder.rename("new.part", "all.csv", replace=True)
    assert disk.files == {"/all.csv": "new"}


async def test_a_rename_that_breaks_off_puts_the_old_file_back(opens: Opens) -> None:
    disk = Disk(new_part="new", all_csv="old")
    disk.broken = "/all.csv"

    def put_back(talk: Talk, path: str) -> None:
        # The new file gets no name; the old one gets its own again.
        disk.broken = "" if disk._from == "/all.csv.previous" else disk.broken
        disk._rename_to(talk, path)

    async with opens(**{**disk.answers(), "RNTO": put_back}) as folder:
        with pytest.raises(AccessDenied):
            await folder.rename("new.part", "all.csv", replace=True)
    assert disk.files == {"/all.csv": "old", "/new.part": "new"}


async def test_a_server_that_renames_nothing_is_told_as_such(opens: Opens) -> None:
    disk = Disk(new_part="new")
    async with opens(**{**disk.answers(), "RNTO": "502 not here"}) as folder:
        with pytest.raises(RenameRefused):
            await folder.rename("new.part", "all.csv", replace=True)


# Servers that tell no facts.


def _listing(*lines: str) -> Answer:
    return lambda talk, _: talk.send("".join(f"{line}\r\n" for line in lines).encode())


async def test_a_server_that_lists_for_people_alone_is_asked_for_each_time(opens: Opens) -> None:
    looks: list[str] = []
    times = {"a.csv": "213 20260102030405", "b.csv": "213 20260102030406.789", "odd.csv": "213 19999999999999"}

    def listed(talk: Talk, rest: str) -> None:
        looks.append(rest)
        lines = [f"03-15-26  10:20AM  {size} {name}" for size, name in ((5, "a.csv"), (6, "b.csv"))]
        if len(looks) < 3:
            lines.append("03-15-26  10:20AM  7 moved.csv")
        lines += [
            "03-15-26  10:20AM  8 hidden.csv",
            "03-15-26  10:20AM  9 odd.csv",
            "03-15-26  10:20AM       <DIR>          in",
            "what?",
        ]
        talk.send("".join(f"{line}\r\n" for line in lines).encode())

    def modified(talk: Talk, path: str) -> None:
        talk.say(times.get(path.removeprefix("/"), "550 no such file"))

    async with opens(FEAT=NO_FACTS, LIST=listed, MDTM=modified) as folder:
        listing = await folder.list("")
    # `-a` is not understood, which shows; what has gone meanwhile is left out, what shows no time is told.
    assert looks == ["-a", "", ""]
    assert [(file.path, file.size_bytes, file.modified_at.second) for file in listing.files] == [
        ("a.csv", 5, 5),
        ("b.csv", 6, 6),
    ]
    assert listing.directories == ["in"]
    assert {entry.shown for entry in listing.refused} == {"hidden.csv", "odd.csv", "what?"}


async def test_of_what_cannot_be_read_or_taken_only_the_beginning_is_kept_in_a_form_that_can_be_stored(
    opens: Opens,
) -> None:
    facts = "type=file;size=5;modify=20260102030405;"
    lines = _listing("no/entry\0" + 4_000 * "x", f"{facts} {4_000 * 'y'}", f"{facts} {4_000 * 'y'}z", f"{facts} a.csv")
    async with opens(MLSD=lines) as folder:
        listing = await folder.list("")
    assert [file.path for file in listing.files] == ["a.csv"]
    unread, *long = listing.refused
    assert unread.name.startswith("no\\x2fentry\\x00xxx")
    assert len(unread.name) <= 255
    assert {(entry.name, entry.reason) for entry in long} == {(255 * "y", "found a name of more than 255 bytes")}


async def test_a_directory_of_which_the_server_says_that_it_holds_no_files_is_empty(opens: Opens) -> None:
    async with opens(FEAT=NO_FACTS, LIST="550 No files found.") as folder:
        assert (await folder.list("")).files == []
    assert type(await _failure(opens(FEAT=NO_FACTS, LIST="550 Not for you."))) is AccessDenied


async def test_a_server_that_tells_no_exact_times_is_not_guessed_at(opens: Opens) -> None:
    lines = _listing("-rw-r--r-- 1 a b 5 Jan 02 03:04 a.csv")
    assert type(await _failure(opens(FEAT=NO_FACTS, LIST=lines, MDTM="502 no"))) is ProtocolRefused
