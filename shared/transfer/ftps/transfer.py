"""A data connection on which a file or a listing goes one way. It blocks, in the session's thread."""

import select
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress

from shared.transfer.ftps.replies import Refused

GATHERING_SECONDS = 0.2
"""So long `receive` goes on after its first bytes: fewer changes of threads, and nobody takes slow for silent."""

_RECORD_BYTES = 1 << 14
_DRAINING_SECONDS = 5.0


class Transfer:
    """A data connection on which a file or a listing goes one way."""

    def __init__(self, data: ssl.SSLSocket, ended: Callable[[], str]) -> None:
        """`ended` closes the connection and returns what the server says then."""
        self._data = data
        self._ended = ended
        self.is_over = False
        self.was_cut = False
        """Whether the data ended without TLS' own sign: then nobody knows whether they are all."""

    def receive(self, at_most: int) -> bytes:
        """Some more bytes; none at the end. Raises Refused where the server breaks it off."""
        parts = [self._record(at_most)]
        gathered = len(parts[0])
        ends_at = time.monotonic() + GATHERING_SECONDS
        while parts[-1] and gathered < at_most and self._has_more(ends_at - time.monotonic()):
            parts.append(self._record(at_most - gathered))
            gathered += len(parts[-1])
        return b"".join(parts)

    def send(self, block: bytes) -> None:
        """Send these bytes. Raises Refused where the server breaks it off."""
        try:
            self._data.sendall(block)
        except OSError:
            self._end()  # and it may say why
            raise

    def end_received(self) -> str:
        """After the last byte: hear that the server has sent all. Raises Refused where it has not."""
        self._say_goodbye()
        return self._end()

    def end_sent(self) -> str:
        """After the last byte: say that these were all, and hear that the server has them. Raises Refused."""
        self._say_goodbye()
        with suppress(OSError):
            socket.socket.shutdown(self._data, socket.SHUT_WR)
        self._drain()
        return self._end()

    def give_up(self) -> None:
        """End it before its end, and hear what the server says to that; the control connection stays of use."""
        with suppress(Refused):
            self._end()

    def _end(self) -> str:
        if self.is_over:
            return ""
        self.is_over = True
        return self._ended()

    def _record(self, at_most: int) -> bytes:
        try:
            return self._data.recv(min(_RECORD_BYTES, at_most))
        except ssl.SSLEOFError:
            self.was_cut = True
            return b""
        except OSError:
            self._end()  # and it may say why
            raise

    def _has_more(self, seconds: float) -> bool:
        if self._data.pending():
            return True
        poll = select.poll()
        poll.register(self._data, select.POLLIN)
        return seconds > 0 and bool(poll.poll(seconds * 1_000))

    def _say_goodbye(self) -> None:
        """TLS' own sign of the end. The server's is not waited for: many send none."""
        self._data.setblocking(False)
        poll = select.poll()
        poll.register(self._data, select.POLLOUT)
        for _ in range(100):
            try:
                self._data.unwrap()
            except ssl.SSLWantWriteError:
                poll.poll(1_000)
                continue
            except (OSError, ValueError):  # it waits for the server's, or the connection has ended already
                return
            return

    def _drain(self) -> None:
        """Wait for the end of the other direction: who closes a connection with unread bytes resets it, and what was
        sent may be lost with that."""
        ends_at = time.monotonic() + _DRAINING_SECONDS
        self._data.settimeout(_DRAINING_SECONDS)
        with suppress(OSError):
            while time.monotonic() < ends_at and socket.socket.recv(self._data, _RECORD_BYTES):
                pass
