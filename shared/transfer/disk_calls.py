"""Make the calls of a file system, which block, without holding up anybody else.

A disk of our own answers, sooner or later, so its calls run in the threads that everything uses. A mounted directory
may be a server that is gone: then a call waits for ever, and its thread can be waited for, but not stopped. So each
mount has threads of its own, a few at a time; a call is given up in time, and what its thread brings later is put
away. Nothing here knows what is called.
"""

import asyncio
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol, TypeVar, TypeVarTuple

from shared.domain.failures import ConnectionLost, Failure

AT_A_TIME = 16
"""Calls under way in one mount, those that hang included; the next ones wait for one of them."""

_Found = TypeVar("_Found")
_Given = TypeVarTuple("_Given")


class DiskCalls(Protocol):
    """How the calls of a file system are made."""

    async def __call__(self, seconds: float, call: Callable[[*_Given], _Found], *given: *_Given) -> _Found:
        """What the call answers. May raise ConnectionLost where nothing comes within `seconds`."""

    async def open(self, seconds: float, call: Callable[[*_Given], int], *given: *_Given) -> int:
        """The same for a call that answers with a descriptor."""

    def close(self, descriptor: int) -> None:
        """Close a descriptor, now or soon; not a word is heard of it."""


class OwnDisk:
    """The calls of a disk of our own, which has no deadline."""

    async def __call__(self, seconds: float, call: Callable[[*_Given], _Found], *given: *_Given) -> _Found:
        """What the call answers."""
        return await asyncio.to_thread(call, *given)

    async def open(self, seconds: float, call: Callable[[*_Given], int], *given: *_Given) -> int:
        """A descriptor."""
        return await asyncio.to_thread(call, *given)

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        os.close(descriptor)


class MountCalls:
    """The calls of a mounted directory, which may hang."""

    def __init__(self, *, at_a_time: int = AT_A_TIME) -> None:
        self._room = asyncio.Semaphore(at_a_time)

    async def __call__(self, seconds: float, call: Callable[[*_Given], _Found], *given: *_Given) -> _Found:
        """What the call answers within its time."""
        return await self._made(seconds, _forget, call, *given)

    async def open(self, seconds: float, call: Callable[[*_Given], int], *given: *_Given) -> int:
        """A descriptor; one that comes too late is closed again."""
        return await self._made(seconds, os.close, call, *given)

    def close(self, descriptor: int) -> None:
        """Close a descriptor in a thread that nobody waits for: closing may hang like any other call."""
        threading.Thread(target=os.close, args=(descriptor,), name="closing", daemon=True).start()

    async def _made(
        self, seconds: float, put_away: Callable[[Any], None], call: Callable[[*_Given], _Found], *given: *_Given
    ) -> _Found:
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
                work = _Work(self._room, lambda: call(*given), put_away)
                threading.Thread(target=work.run, name="mount", daemon=True).start()
                found: _Found = await work.answer
                return found
        except TimeoutError as error:
            raise ConnectionLost(f"The file system did not answer within {seconds:g} seconds.") from error


class _Work:
    """One call in its thread, and the way back to who waits for it."""

    def __init__(self, room: asyncio.Semaphore, call: Callable[[], Any], put_away: Callable[[Any], None]) -> None:
        self._room = room
        self._call = call
        self._put_away = put_away
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Any] = self._loop.create_future()

    def run(self) -> None:
        """In the thread."""
        found: Any = None
        failure: Exception | None = RuntimeError("the call ended without an answer")
        try:
            found = self._call()
            failure = None
        except (OSError, ValueError, Failure) as error:
            failure = error
        finally:
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                self._loop.call_soon_threadsafe(self._tell, found, failure)

    def _tell(self, found: Any, failure: Exception | None) -> None:
        self._room.release()
        if self.answer.done():
            if failure is None:
                self._put_away(found)
        elif failure is not None:
            self.answer.set_exception(failure)
        else:
            self.answer.set_result(found)


def _forget(_found: object) -> None:
    """What is no descriptor needs no closing."""
