"""A control connection as the rest of the program uses it: each step in the session's own thread, with its deadline.

The standard library's client blocks. Its thread is nobody else's, so that a silent server keeps no file from being
written and no other server from being asked; and where a step is not done in time, or not wanted any more, the sockets
are shut down and the thread comes back at once. So after anything but a refusal the line is of no further use.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import ParamSpec, TypeVar

from shared.domain.failures import ConnectionLost, Failure, ServerFailed
from shared.transfer.certificates import translated
from shared.transfer.dialling import Dialled, Host
from shared.transfer.folder import Deadlines
from shared.transfer.ftps.replies import Garbled, Refused
from shared.transfer.ftps.session import Session
from shared.transfer.ftps.transfer import Transfer

P = ParamSpec("P")
T = TypeVar("T")

_CLOSING_SECONDS = 5.0
_SILENT_SECONDS = 60
"""After so long without a word the system asks whether the server is there."""


class Line:
    """A session, its thread, and the server at its other end."""

    def __init__(self, host: Host, dialled: Dialled, context: ssl.SSLContext) -> None:
        self.host = host
        self.deadlines: Deadlines = host.deadlines
        self._address = dialled.address
        self._longest = max(self.deadlines.login_seconds, self.deadlines.step_seconds, self.deadlines.idle_seconds)
        # The deadlines of the steps are shorter; this one ends a thread whose event loop is no more.
        dialled.socket.settimeout(self._longest + _CLOSING_SECONDS)
        _keep_alive(dialled.socket)
        self.session = Session(dialled.socket, host.name, context)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="ftps")
        self.is_broken = False

    async def ask(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Carry out a step of the session. Raises Refused, and what `within` raises."""
        return await self.within(self.deadlines.step_seconds, work, *args, **kwargs)

    async def within(self, seconds: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same with a deadline of its own. Raises Refused, ConnectionLost, ServerFailed, CertificateFailure."""
        try:
            return await self.untranslated(seconds, work, *args, **kwargs)
        except ssl.SSLCertVerificationError as error:
            raise translated(error, self.host.shown) from error
        except (OSError, EOFError) as error:
            raise ConnectionLost(f"{self.host.shown} ended the connection.") from error
        except Garbled as error:
            raise ServerFailed(f"{self.host.shown} gave an answer that is none of FTP's.") from error

    async def untranslated(self, seconds: float, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same, but what the session raises comes as it is."""
        if self.is_broken:
            raise ConnectionLost(f"The connection to {self.host.shown} has ended.")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(seconds) as deadline:
                return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))
        except (Refused, Failure):
            raise
        except BaseException as error:
            self.hang_up()
            if isinstance(error, TimeoutError) and deadline.expired():
                raise ConnectionLost(f"The server did not finish within {seconds:g} seconds.") from error
            raise

    async def transfer(self, command: str) -> Transfer:
        """Begin a transfer. Raises Refused, PassiveAddressRefused, and what `within` raises."""
        port = await self.ask(self.session.passive_port, self._address)
        try:
            dialled = await self.host.dial_at(self._address, port)
        except ConnectionLost as error:
            raise ConnectionLost(
                f"No data connection to {self.host.shown} could be made; are its passive ports open to us?"
            ) from error
        dialled.socket.settimeout(self._longest + _CLOSING_SECONDS)
        # From here on it is the session's to close, also where the step below never comes to its turn.
        self.session.hold(dialled.socket)
        return await self.ask(self.session.begin, command, dialled.socket)

    async def courtesy(self, work: Callable[[], object]) -> None:
        """A step that is good manners and no more: not taken by who is told to end, and its failure is nobody's."""
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            self.hang_up()
        if not self.is_broken:
            with suppress(Refused, Failure):
                await self.within(_CLOSING_SECONDS, work)

    def hang_up(self) -> None:
        """End all connections; the thread comes back."""
        self.is_broken = True
        self.session.hang_up()

    async def close(self) -> None:
        """Take leave, where the server still listens, and give everything back."""
        try:
            await self.courtesy(self.session.take_leave)
        finally:
            self.hang_up()
            # Behind what the thread may still be at, which fails now that the sockets are shut down.
            self._thread.submit(self.session.close_all)
            self._thread.shutdown(wait=False)


def _keep_alive(control: socket.socket) -> None:
    """While a large file is under way nothing is said here, and what stands between forgets such connections."""
    control.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, name):  # not everywhere
            control.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), _SILENT_SECONDS)
