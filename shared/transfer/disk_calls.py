"""Make the calls of a file system, which block, without holding up anybody else.

A disk of our own answers, sooner or later, so its calls run in the threads that everything uses. A mounted directory
may be a server that is gone: then a call waits for ever, and its thread can be waited for, but not stopped. So each
mount has threads of its own, a few at a time; a call is given up in time, and what its thread brings later is put
away. A call that was given up goes on with the numbers of the descriptors that it was given: none of them is closed
before it has come back, or it would go on in what somebody else has opened meanwhile. Nothing here knows what is
called.
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


class _Descriptors:
    """Those that were handed out, closed when no call that was given up can still use their numbers."""

    def __init__(self) -> None:
        self._open: set[int] = set()
        self._needed: set[int] = set()
        self._unclosed: set[int] = set()
        self._given_up = 0

    def opened(self, descriptor: int) -> int:
        """Take note of one."""
        self._open.add(descriptor)
        return descriptor

    def closed(self, descriptor: int) -> bool:
        """Whether it may be closed now; otherwise it is when what was given up has come back."""
        self._open.discard(descriptor)
        if descriptor in self._needed:
            self._unclosed.add(descriptor)
            return False
        return True

    def given_up(self) -> None:
        """A call is left to itself: it may use whatever is open now, and nothing that is opened later."""
        self._given_up += 1
        self._needed |= self._open

    def returned(self) -> None:
        """A call that was given up has come back."""
        self._given_up -= 1
        if not self._given_up:
            for descriptor in self._unclosed:
                _close_apart(descriptor)
            self._needed.clear()
            self._unclosed.clear()


class OwnDisk:
    """The calls of a disk of our own, which has no deadline."""

    def __init__(self) -> None:
        self._descriptors = _Descriptors()

    async def __call__(self, seconds: float, call: Callable[[*_Given], _Found], *given: *_Given) -> _Found:
        """What the call answers."""
        return await self._made(_forget, call, *given)

    async def open(self, seconds: float, call: Callable[[*_Given], int], *given: *_Given) -> int:
        """A descriptor; one that nobody waits for any longer is closed again."""
        return self._descriptors.opened(await self._made(_close_apart, call, *given))

    def close(self, descriptor: int) -> None:
        """Close a descriptor."""
        if self._descriptors.closed(descriptor):
            os.close(descriptor)

    async def _made(
        self, put_away: Callable[[Any], None], call: Callable[[*_Given], _Found], *given: *_Given
    ) -> _Found:
        work = asyncio.ensure_future(asyncio.to_thread(call, *given))

        def came_back(work: asyncio.Future[_Found]) -> None:
            self._descriptors.returned()
            if not work.cancelled() and work.exception() is None:
                put_away(work.result())

        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            if not work.done():
                self._descriptors.given_up()
                work.add_done_callback(came_back)
            elif not work.cancelled() and work.exception() is None:
                # It came in the very turn in which nobody waited for it any longer.
                put_away(work.result())
            raise


class MountCalls:
    """The calls of a mounted directory, which may hang."""

    def __init__(self, *, at_a_time: int = AT_A_TIME) -> None:
        self._room = asyncio.Semaphore(at_a_time)
        self._descriptors = _Descriptors()

    async def __call__(self, seconds: float, call: Callable[[*_Given], _Found], *given: *_Given) -> _Found:
        """What the call answers within its time."""
        return await self._made(seconds, _forget, call, *given)

    async def open(self, seconds: float, call: Callable[[*_Given], int], *given: *_Given) -> int:
        """A descriptor; one that comes too late is closed again."""
        return self._descriptors.opened(await self._made(seconds, _close_apart, call, *given))

    def close(self, descriptor: int) -> None:
        """Close a descriptor in a thread that nobody waits for: closing may hang like any other call."""
        if self._descriptors.closed(descriptor):
            _close_apart(descriptor)

    async def _made(
        self, seconds: float, put_away: Callable[[Any], None], call: Callable[[*_Given], _Found], *given: *_Given
    ) -> _Found:
        work: _Work | None = None
        try:
            async with asyncio.timeout(seconds):
                await self._room.acquire()
                work = self._begun(put_away, lambda: call(*given))
                found: _Found = await work.answer
                work.is_taken = True
                return found
        except TimeoutError as error:
            raise ConnectionLost(f"The file system did not answer within {seconds:g} seconds.") from error
        finally:
            if work is not None:
                self._left(work)

    def _left(self, work: "_Work") -> None:
        """Nobody waits for a call any longer, whether or not it has answered."""
        if not work.is_over:
            self._descriptors.given_up()
            work.came_back = self._descriptors.returned
        elif not work.is_taken:
            work.put_away()

    def _begun(self, put_away: Callable[[Any], None], call: Callable[[], Any]) -> "_Work":
        work = _Work(self._room, call, put_away)
        threading.Thread(target=work.run, name="mount", daemon=True).start()
        return work


class _Work:
    """One call in its thread, and the way back to who waits for it."""

    def __init__(self, room: asyncio.Semaphore, call: Callable[[], Any], put_away: Callable[[Any], None]) -> None:
        self._room = room
        self._call = call
        self._put_away = put_away
        self._loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Any] = self._loop.create_future()
        self.is_over = False
        self.is_taken = False
        """Whether who waited has got the answer."""
        self.came_back: Callable[[], None] = _nobody_waits
        """Called at the end; set by who gives the call up."""

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

    def put_away(self) -> None:
        """An answer came in the very turn in which nobody waited for it any longer."""
        if not self.answer.cancelled() and self.answer.exception() is None:
            self._put_away(self.answer.result())

    def _tell(self, found: Any, failure: Exception | None) -> None:
        self.is_over = True
        self._room.release()
        self.came_back()
        if self.answer.done():
            if failure is None:
                self._put_away(found)
        elif failure is not None:
            self.answer.set_exception(failure)
        else:
            self.answer.set_result(found)


def _close_apart(descriptor: int) -> None:
    """In a thread of its own: it may hang, and nobody waits for it."""
    threading.Thread(target=os.close, args=(descriptor,), name="closing", daemon=True).start()


def _nobody_waits() -> None:
    """Nobody wants to know."""


def _forget(_found: object) -> None:
    """What is no descriptor needs no closing."""
