"""Look host names up, in threads of their own.

The system's resolver can be waited for, but not stopped: where a partner's name server is silent, a look-up holds its
thread for as long as resolv.conf says, however long ago we gave it up. So it must be no thread on which files are
written or our own servers are looked up, and none that a stopping process waits for.
"""

import asyncio
import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

AT_A_TIME = 64
"""Look-ups under way; the next ones wait for one of them, for as long as their callers want."""


class SystemResolver:
    """What this machine resolves names to."""

    def __init__(self, *, at_a_time: int = AT_A_TIME, look_up: Callable[..., Sequence[Any]] = socket.getaddrinfo):
        self._room = asyncio.Semaphore(at_a_time)
        self._look_up = look_up

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The addresses of a host. Raises OSError, UnicodeError."""
        await self._room.acquire()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Sequence[str]] = loop.create_future()
        work = (host, port, loop, answer)
        threading.Thread(target=self._ask, args=work, name="resolving", daemon=True).start()
        return await answer

    def _ask(
        self, host: str, port: int, loop: asyncio.AbstractEventLoop, answer: "asyncio.Future[Sequence[str]]"
    ) -> None:
        found: Sequence[str] | Exception
        try:
            found = [str(each[4][0]) for each in self._look_up(host, port, type=socket.SOCK_STREAM)]
        except (OSError, UnicodeError) as error:
            found = error
        with suppress(RuntimeError):  # the loop has ended, and nobody waits
            loop.call_soon_threadsafe(self._tell, answer, found)

    def _tell(self, answer: "asyncio.Future[Sequence[str]]", found: Sequence[str] | Exception) -> None:
        self._room.release()
        if answer.done():
            return
        if isinstance(found, Exception):
            answer.set_exception(found)
        else:
            answer.set_result(found)
