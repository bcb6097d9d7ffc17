"""The blocking half of FTPS: a control connection, and data connections, all of them TLS or nothing.

The standard library's client, with what it lacks: data connections take up the control connection's TLS session, which
servers demand as the proof that it is the same client; and replies have an end. Every method blocks, in the session's
own thread (line.py), and raises OSError or EOFError where the server goes away, Garbled where it is not what it should
be, Refused where it says no.
"""

import ftplib
import socket
import ssl
from collections.abc import Sequence
from contextlib import suppress

from shared.transfer.certificates import Shown, shown_certificate
from shared.transfer.ftps import replies
from shared.transfer.ftps.listing import Entry
from shared.transfer.ftps.replies import Garbled, Refused
from shared.transfer.ftps.transfer import Transfer

MAX_REPLY_LINES = 500


class Session(ftplib.FTP_TLS):
    """A control connection. Words and paths are bytes, in a text of latin-1: see `replies.wire`."""

    def __init__(self, plain: socket.socket, server_name: str, context: ssl.SSLContext) -> None:
        super().__init__(context=context, encoding="latin-1")
        self.host = server_name
        self.features: dict[str, str] = {}
        """What FEAT tells, by the command's name."""
        self._open: list[socket.socket] = []
        self._is_hung_up = False
        self.may_show_hidden = True
        """Whether LIST may know `-a`, which shows names that begin with a dot."""
        self._has_epsv = True
        self._seize(plain)

    def hang_up(self) -> None:
        """End all connections at once, from any thread: whatever waits on them fails."""
        self._is_hung_up = True
        for each in [*self._open]:
            with suppress(OSError):
                # Not SSLSocket's own, which takes the TLS away from under the thread that is using it.
                socket.socket.shutdown(each, socket.SHUT_RDWR)

    def close_all(self) -> None:
        """Give the sockets back."""
        for each in self._open:
            each.close()
        self._open.clear()
        self.close()

    # Before the login.

    def secure(self, *, explicit: bool) -> None:
        """Make the control connection TLS. What came in plain text too early is dropped with its buffer."""
        self._ask_for_tls(explicit=explicit)
        control = self._wrapped(self._control)
        self._seize(control)
        control.do_handshake()

    def shown(self, *, explicit: bool) -> Shown | None:
        """The certificate that the server shows, whatever it is worth. The session is of no use afterwards."""
        self._ask_for_tls(explicit=explicit)
        return shown_certificate(self._control, self.host)

    def _ask_for_tls(self, *, explicit: bool) -> None:
        """Explicit TLS is asked for. From the answer on, nothing but the handshake is heard."""
        if explicit:
            if self.getresp()[:3] != "220":
                raise Garbled("no greeting")
            self.voidcmd("AUTH TLS")

    def greet(self) -> None:
        """Implicit TLS: the greeting comes after the handshake."""
        if self.getresp()[:3] != "220":
            raise Garbled("no greeting")

    def introduce(self, username: str) -> bool:
        """Say who we are; whether it wants a proof."""
        return self._without_words(f"USER {username}")[0] == "3"

    def prove(self, password: str) -> None:
        """Send the password, once."""
        reply = self._without_words(f"PASS {password}")
        if reply[0] != "2":
            raise Refused(reply[:3])  # 332: it wants an account besides

    def _without_words(self, command: str) -> str:
        """A command of which Refused repeats no word of the server's: it may repeat what it was sent."""
        try:
            return self.sendcmd(command)
        except Refused as refused:
            raise Refused(str(refused.code)) from None

    # Commands.

    def getline(self) -> str:
        """A line of a reply."""
        try:
            line: str = super().getline()
        except ftplib.Error as error:
            raise Garbled("a line without an end") from error
        return line

    def getmultiline(self) -> str:
        """A reply."""
        line = self.getline()
        if not (line[:3].isascii() and line[:3].isdigit() and line[0] in "12345"):
            raise Garbled("no reply of FTP")
        lines = [line]
        while line[:3] != lines[0][:3] or line[3:4] == "-":
            line = self.getline()
            lines.append(line)
            if len(lines) > MAX_REPLY_LINES:
                raise Garbled("a reply without an end")
        return "\n".join(lines)

    def getresp(self) -> str:
        """A reply that is no refusal."""
        reply = self.getmultiline()
        if reply[:3] == "421":
            raise ConnectionAbortedError("the server ends the session, and says so")
        if reply[0] in "45":
            raise Refused(reply)
        return reply

    def voidresp(self) -> str:
        """A reply that says that something is done."""
        reply = self.getresp()
        if reply[0] != "2":
            raise Garbled("not the answer to that")
        return reply

    def protect(self) -> None:
        """Have every data connection encrypted (RFC 4217)."""
        self.voidcmd("PBSZ 0")
        self.voidcmd("PROT P")

    def look_round(self) -> None:
        """Ask what the server can do."""
        try:
            lines = self.voidcmd("FEAT").split("\n")[1:-1]
        except Refused:
            return
        for line in lines:
            name, _, more = line.strip().partition(" ")
            self.features[name.upper()] = more
        if "UTF8" in self.features:
            with suppress(Refused):
                self.voidcmd("OPTS UTF8 ON")
        wanted = ("type", "size", "modify")
        if self.has_facts and any(f"{fact}*;" not in self.features["MLST"].lower() for fact in wanted):
            with suppress(Refused):
                self.voidcmd("OPTS MLST type;size;modify;")

    @property
    def has_facts(self) -> bool:
        """Whether files are described exactly, by MLSD and MLST."""
        return "MLST" in self.features

    def take_bytes(self) -> None:
        """Have bytes sent as they are, also those of listings: else sizes, contents and names are others."""
        self.voidcmd("TYPE I")

    def home(self, directory: str) -> str:
        """Where the login leads, or the directory in it, from the root on."""
        if directory:
            self.enter(directory)
        return replies.directory(self.sendcmd("PWD"))

    def facts(self, path: str) -> Entry:
        """What lies at a path, by MLST."""
        return replies.facts(self.sendcmd(f"MLST {path}"))

    def size(self, path: str) -> int:
        """The size of a file in bytes."""
        return replies.number(self.sendcmd(f"SIZE {path}"))

    def modified(self, path: str) -> float:
        """When a file was modified, in seconds since 1970."""
        return replies.moment(self.sendcmd(f"MDTM {path}"))

    def move(self, old: str, new: str) -> None:
        """Give a file another path."""
        if self.sendcmd(f"RNFR {old}")[0] != "3":
            raise Garbled("not the answer to that")
        self.voidcmd(f"RNTO {new}")

    def remove(self, path: str) -> None:
        """Delete a file."""
        self.voidcmd(f"DELE {path}")

    def make(self, path: str) -> None:
        """Create a directory."""
        self.voidcmd(f"MKD {path}")

    def take_leave(self) -> None:
        """End the session in good manners."""
        self.voidcmd("QUIT")

    def enter(self, path: str) -> None:
        """Go to a directory, from which LIST without a path tells."""
        self.voidcmd(f"CWD {path}")

    def each_modified(self, paths: Sequence[str]) -> list[float | None]:
        """The same of several at once, without waiting for one answer before the next question.

        None where the server refuses to tell, or tells what is no time.
        """
        self._control.sendall("".join(f"MDTM {path}\r\n" for path in paths).encode(self.encoding))
        found: list[float | None] = []
        unknown: Refused | None = None
        for _ in paths:
            try:
                reply = self.getresp()
            except Refused as refused:
                unknown = refused if refused.is_unknown else unknown
                found.append(None)
            else:
                found.append(replies.moment_or_none(reply))
        if unknown is not None:
            raise unknown
        return found

    # Data connections.

    def passive_port(self, address: str) -> int:
        """The port for the next data connection, at the address of the control connection."""
        if self._has_epsv:
            try:
                return replies.extended_port(self.sendcmd("EPSV"))
            except Refused:
                if ":" in address:
                    raise
                self._has_epsv = False
        return replies.passive_port(self.sendcmd("PASV"), address)

    def hold(self, data: socket.socket) -> None:
        """Have a data connection closed with the others."""
        self._open.append(data)

    def begin(self, command: str, plain: socket.socket) -> Transfer:
        """Begin a transfer on a data connection that is open, and held."""
        self._require_line()
        try:
            reply = self.sendcmd(command)
            if reply[0] != "1":
                raise Garbled("no transfer")
            assert isinstance(self._control, ssl.SSLSocket)
            data = self._wrapped(plain, self._control.session)
            self._open[-1] = data
            data.do_handshake()
        except BaseException:
            self._open.pop().close()
            raise
        return Transfer(data, lambda: self._ended(data))

    def _ended(self, data: socket.socket) -> str:
        """Close a data connection, and hear what the server says at the end of its transfer."""
        self._open.remove(data)
        data.close()
        return self.voidresp()

    def _wrapped(self, plain: socket.socket, session: ssl.SSLSession | None = None) -> ssl.SSLSocket:
        return self.context.wrap_socket(
            plain,
            server_hostname=self.host,
            session=session,
            do_handshake_on_connect=False,
            suppress_ragged_eofs=False,
        )

    def _seize(self, control: socket.socket) -> None:
        self._control = self.sock = control
        self._open = [control]
        self._require_line()
        if self.file is not None:
            self.file.close()
        self.file = control.makefile("r", encoding=self.encoding)

    def _require_line(self) -> None:
        if self._is_hung_up:
            raise ConnectionAbortedError("hung up")
