"""An FTPS server that says what a test wants it to say; else it behaves. One thread a connection, blocking sockets.

Every socket is held by the server from its making on, and closed with it: none is left to whoever breaks off.
"""

import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from typing import TypeVar

import pytest

from shared.domain.failures import Failure
from shared.transfer.ftps.folder import FtpsFolder
from tests.real.authority import Issued

HOST = "127.0.0.1"
SILENT_SECONDS = 20.0
"""Longer than any test; a server ends with its test anyway."""

FACTS = "211-Features:\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n UTF8\r\n211 End"
NO_FACTS = "211-Features:\r\n SIZE\r\n MDTM\r\n211 End"
FILE = "type=file;size=5;modify=20260102030405; a.csv\r\n"
"""A line of a listing."""

Opened = AbstractAsyncContextManager[FtpsFolder]
Opens = Callable[..., Opened]
"""Opens a folder on a server with answers of its own; `seconds` is how long any step may take."""
Held = TypeVar("Held", bound=socket.socket)


class Talk:
    """One control connection: what was heard on it, and what can be said."""

    def __init__(self, server: "ScriptedFtps", control: socket.socket) -> None:
        self.server = server
        self.control = control
        self.passive = server.hold(socket.create_server((HOST, 0)))
        self.is_over = False

    def say(self, *lines: str) -> None:
        self.control.sendall("".join(f"{line}\r\n" for line in lines).encode("latin-1"))

    def secure(self) -> None:
        self.control = self.server.by_tls(self.control)

    def plain_data(self) -> socket.socket:
        """The data connection, still without TLS."""
        return self.server.hold(self.passive.accept()[0])

    def data_by_tls(self) -> ssl.SSLSocket:
        """The data connection."""
        return self.server.by_tls(self.plain_data())

    @contextmanager
    def data(self) -> Iterator[ssl.SSLSocket]:
        """The data connection; at its end TLS says so, and the server that all is done."""
        self.say("150 here it comes")
        wrapped = self.data_by_tls()
        try:
            yield wrapped
            wrapped.settimeout(1)
            with suppress(OSError):
                wrapped.unwrap()
            self.say("226 done")
        except OSError:
            self.say("426 broken off")
        finally:
            wrapped.close()

    def send(self, content: bytes) -> None:
        with self.data() as data:
            data.sendall(content)


Answer = str | Callable[[Talk, str], None]


def _receive(talk: Talk, _: str) -> None:
    with talk.data() as data:
        while data.recv(65_536):
            pass


def _passive(talk: Talk, _: str) -> None:
    talk.say(f"229 here (|||{talk.passive.getsockname()[1]}|)")


def _secure(talk: Talk, _: str) -> None:
    talk.say("234 go on")
    talk.secure()


BEHAVED: dict[str, Answer] = {
    "AUTH": _secure,
    "USER": "331 who says so?",
    "PASS": "230 welcome",
    "FEAT": FACTS,
    "OPTS": "200 fine",
    "PBSZ": "200 fine",
    "PROT": "200 fine",
    "TYPE": "200 fine",
    "CWD": "250 fine",
    "PWD": '257 "/"',
    "EPSV": _passive,
    "STOR": _receive,
    "QUIT": "221 bye",
}


class ScriptedFtps:
    """A server with answers of its own to some commands, `GREETING` among them. `heard` is what clients sent."""

    def __init__(self, certificate: Issued, **answers: Answer) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate.path)
        self.heard: list[str] = []
        self._answers: dict[str, Answer] = {"GREETING": "220 welcome"} | BEHAVED | answers
        self._held: list[socket.socket] = []
        self._holding = threading.Lock()
        self._is_over = False
        self._threads: list[threading.Thread] = []
        self._listener = self.hold(socket.create_server((HOST, 0)))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "ScriptedFtps":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with self._holding:
            self._is_over = True
        for held in self._held:
            with suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)
        # Each thread fails at what it waits for, or at the next socket that it would have.
        for thread in self._threads:
            thread.join(SILENT_SECONDS)
            assert not thread.is_alive(), "a connection of the scripted server does not end"
        for held in self._held:
            held.close()

    def hold(self, held: Held) -> Held:
        """Close it at the end. Raises OSError where that has come."""
        with self._holding:
            if self._is_over:
                held.close()
                raise ConnectionAbortedError("the server has ended")
            self._held.append(held)
        held.settimeout(SILENT_SECONDS)
        return held

    def by_tls(self, plain: socket.socket) -> ssl.SSLSocket:
        """A connection that is held, with TLS begun."""
        wrapped = self.hold(self.context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False))
        wrapped.do_handshake()
        return wrapped

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        thread.start()
        self._threads.append(thread)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                control, _ = self._listener.accept()
                self._start(self._talk, self.hold(control))

    def _talk(self, control: socket.socket) -> None:
        with suppress(OSError):
            talk = Talk(self, control)
            self._answer(talk, "GREETING", "")
            while line := self._line(talk):
                self.heard.append(line)
                word, _, rest = line.partition(" ")
                self._answer(talk, word, rest)

    def _answer(self, talk: Talk, word: str, rest: str) -> None:
        answer = self._answers.get(word, "500 what?")
        if isinstance(answer, str):
            talk.say(answer)
        else:
            answer(talk, rest)

    @staticmethod
    def _line(talk: Talk) -> str:
        line = b""
        while not line.endswith(b"\r\n"):
            if not (byte := talk.control.recv(1)):
                return ""
            line += byte
        return line[:-2].decode("latin-1")


async def failure_of(opened: Opened, use: Callable[[FtpsFolder], object] = lambda folder: folder.list("")) -> Failure:
    """What using a folder fails with, which it must."""
    with pytest.raises(Failure) as raised:
        async with opened as folder:
            await use(folder)  # type: ignore[misc]  # what a folder does is awaited
    return raised.value


async def read_all(folder: FtpsFolder, path: str = "a.csv") -> bytes:
    """The bytes of a file."""
    return b"".join([chunk async for chunk in folder.read(path)])


async def once(content: bytes) -> AsyncIterator[bytes]:
    """Content in one piece."""
    yield content
