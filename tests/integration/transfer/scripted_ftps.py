"""An FTPS server that says what a test wants it to say; else it behaves. One thread a connection, blocking sockets."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from tests.real.authority import Issued

HOST = "127.0.0.1"
SILENT_SECONDS = 20.0
"""Longer than any test; a server ends with its test anyway."""

FACTS = "211-Features:\r\n MLST type*;size*;modify*;\r\n SIZE\r\n MDTM\r\n UTF8\r\n211 End"
NO_FACTS = "211-Features:\r\n SIZE\r\n MDTM\r\n211 End"


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
        self.control = self.server.hold(self.server.context.wrap_socket(self.control, server_side=True))

    def plain_data(self) -> socket.socket:
        """The data connection, still without TLS."""
        return self.server.hold(self.passive.accept()[0])

    @contextmanager
    def data(self) -> Iterator[ssl.SSLSocket]:
        """The data connection; at its end TLS says so, and the server that all is done."""
        self.say("150 here it comes")
        wrapped = self.server.context.wrap_socket(self.plain_data(), server_side=True)
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
        self._threads: list[threading.Thread] = []
        self._listener = self.hold(socket.create_server((HOST, 0)))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "ScriptedFtps":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        for held in self._held:
            with suppress(OSError):
                socket.socket.shutdown(held, socket.SHUT_RDWR)
            held.close()
        for thread in self._threads:
            thread.join(5)

    def hold(self, held: socket.socket) -> socket.socket:
        """Close it at the end."""
        held.settimeout(SILENT_SECONDS)
        self._held.append(held)
        return held

    def _start(self, work: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

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
