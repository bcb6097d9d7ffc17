"""Try a place step by step, as its goals will use it: what a person reads when a connection does not work.

Each step says how long it took, and where it failed why and what to do. A failure of the place is never raised. What
is written to try whether that may be done is removed again, also where a later step fails. Nothing here opens a place:
it is given the way.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass

import structlog

from shared.domain.failures import (
    AccessDenied,
    ConnectionLost,
    DirectoryMissing,
    Failure,
    ServerFailed,
    StorageUnavailable,
    TooManyFiles,
)
from shared.domain.names import joined
from shared.domain.place import DirectoryPlace, DropPlace, HostedPlace
from shared.transfer.deliver import give_name, is_there, removed
from shared.transfer.dialling import OnStep
from shared.transfer.folder import Folder
from shared.transfer.trail import Step, StepName, Trail

log = structlog.get_logger()

Opening = Callable[[OnStep], AbstractAsyncContextManager[Folder]]
"""Opens the place, and tells each step of that as it begins."""

ALL_SECONDS = 300.0
"""The whole trial, however slow the place is."""
MAX_LISTED = 200
"""Directories of one trial."""
CLEARING_SECONDS = 5.0
COMING_BACK_SECONDS = 30.0

_WRITING: tuple[StepName, ...] = ("write", "read", "replace", "remove")
_FIRST = b"Tidegate tried whether it may write here. This file can be deleted.\n"
_SECOND = b"Tidegate tried whether it may replace a file here. This one can be deleted.\n"


@dataclass(frozen=True, slots=True)
class Uses:
    """What a connection's goals do with its place: directories that imports watch, and that exports write to."""

    watched: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    in_place: frozenset[str] = frozenset()
    """Of those written to, where nothing can be renamed and so nothing is asked to be."""
    watches: Callable[[str], bool] = lambda _: False
    """Whether imports watch a directory that lies below one of theirs."""

    @property
    def listed(self) -> list[str]:
        """Directories to list; the home directory where no goal names one."""
        return sorted(self.watched | self.written) or [""]


@dataclass(frozen=True, slots=True)
class Tried:
    """How it went: the steps in the order in which they were tried, and what the first to fail failed with."""

    steps: list[Step]
    failure: Failure | None


async def verify(place: DropPlace, opening: Opening, uses: Uses, *, probe: str) -> Tried:
    """Try a place.

    `probe` is part of the name of what is written: a trial that is repeated after a crash under the same one removes
    what the earlier one left.
    """
    trail = Trail(_plan(place, uses))
    trial = _Trial(trail, uses, is_hosted=isinstance(place, HostedPlace), probe=probe)
    try:
        async with asyncio.timeout(ALL_SECONDS), opening(trail.begin) as folder:
            await trial.carry_out(folder)
        trail.end()
    except TimeoutError:
        trail.end(ConnectionLost(f"The trial took longer than {ALL_SECONDS:g} seconds in all."))
    except Failure as failure:
        trail.end(failure)
    await _clear(opening, trial.left, trail)
    return Tried(trail.steps, trail.failure)


def _plan(place: DropPlace, uses: Uses) -> list[tuple[StepName, str | None]]:
    plan: list[tuple[StepName, str | None]] = [(name, None) for name in _getting_in(place)]
    plan += [("list", directory) for directory in uses.listed]
    return plan + [(name, directory) for directory in sorted(uses.written) for name in _WRITING]


def _getting_in(place: DropPlace) -> tuple[StepName, ...]:
    if isinstance(place, (HostedPlace, DirectoryPlace)):
        return ()
    proof: StepName = "host_key" if place.transport == "sftp" else "certificate"
    return ("resolve", "connect", proof, "login")


class _Trial:
    """What is done at an open place."""

    def __init__(self, trail: Trail, uses: Uses, *, is_hosted: bool, probe: str) -> None:
        self.left: dict[str, None] = {}
        """Paths at which something of ours may lie, in the order of their making."""
        self._trail = trail
        self._uses = uses
        self._is_hosted = is_hosted
        self._probe = probe

    async def carry_out(self, folder: Folder) -> None:
        """Raises what the folder raises."""
        await self._list_each(folder)
        if self._trail.has_failed:
            return
        for directory in sorted(self._uses.written):
            try:
                await self._write(folder, directory)
            finally:
                # In the same session where that is still good; else over another one.
                await _removed(folder, self.left)

    async def _list_each(self, folder: Folder) -> None:
        """Every directory that goals use, also those below others: one that cannot be listed keeps none from it."""
        named, listed = set(self._uses.listed), 0
        waiting = deque(self._uses.listed)
        while waiting and listed < MAX_LISTED:
            directory = waiting.popleft()
            listed += 1
            if directory not in named:
                self._trail.insert("list", directory)
            self._trail.begin("list", directory)
            try:
                below = await self._list(folder, directory, is_named=directory in named)
            except (ConnectionLost, StorageUnavailable):
                raise
            except Failure as failure:
                self._trail.fail(failure)
                continue
            found = [path for path in sorted({*below} - named) if self._uses.watches(path)]
            # One more than are tried, by which it is seen that there are more; a server may make up any number.
            waiting += found[: max(MAX_LISTED + 1 - len(waiting), 0)]
        if waiting:
            self._trail.note(f"Goals watch more directories; {MAX_LISTED} are the most that are tried.")

    async def _list(self, folder: Folder, directory: str, *, is_named: bool) -> list[str]:
        """What lies below a directory."""
        try:
            return (await folder.list(directory)).directories
        except DirectoryMissing:
            if not is_named:
                self._trail.note("It was gone again.")
                return []
            if directory and (self._is_hosted or directory not in self._uses.watched):
                self._trail.note("It is not there yet, and is made when it is needed.")
                return []
            raise
        except (AccessDenied, TooManyFiles) as failure:
            if not is_named or directory in self._uses.watched or not self._uses.written:
                raise
            self._trail.note(f"{failure.sentence} Exports need no listing.")
            return []

    async def _write(self, folder: Folder, directory: str) -> None:
        """As exports write: aside, read back, then renamed over what was there; or in place."""
        first = joined(directory, f".tidegate-{self._probe}.part")
        self._trail.begin("write", directory)
        await self._put(folder, first, _FIRST)
        self._trail.begin("read", directory)
        await self._read(folder, first, _FIRST)
        self._trail.begin("replace", directory)
        if directory in self._uses.in_place:
            await self._put(folder, first, _SECOND)
        else:
            second = joined(directory, f".tidegate-{self._probe}-2.part")
            await self._put(folder, second, _SECOND)
            await give_name(folder, second, first)
            self.left.pop(second)
        await self._read(folder, first, _SECOND)
        self._trail.begin("remove", directory)
        await folder.remove(first)
        if await is_there(folder, first):
            raise ServerFailed("It says that the file is deleted, and still shows it.")
        self.left.pop(first)

    async def _put(self, folder: Folder, path: str, content: bytes) -> None:
        self.left[path] = None
        try:
            await folder.write(path, _once(content))
        except DirectoryMissing:
            # As an export does.
            await folder.make_directory(path.rpartition("/")[0])
            self._trail.note("The directory was not there, and was made as an export makes it.")
            await folder.write(path, _once(content))

    async def _read(self, folder: Folder, path: str, content: bytes) -> None:
        size = (await folder.stat(path)).size_bytes
        if size != len(content):
            raise ServerFailed(f"It holds {size} bytes of {len(content)} that were written.")
        read = b""
        try:
            async with aclosing(folder.read(path)) as chunks:
                async for chunk in chunks:
                    read += chunk
                    if len(read) > len(content):
                        break
        except AccessDenied:
            self._trail.note("We may not read what we wrote; its size is right, which is all that exports ask for.")
            return
        if read != content:
            raise ServerFailed("It gives back other bytes than were written.")


async def _clear(opening: Opening, left: Iterable[str], trail: Trail) -> None:
    """Come back for what could not be removed when the connection broke. Where that fails it is told."""
    paths = dict.fromkeys(left)
    if not paths:
        return
    try:
        async with asyncio.timeout(COMING_BACK_SECONDS), opening(lambda _: None) as folder:
            await _removed(folder, paths)
    except (Failure, TimeoutError) as error:
        log.warning("verify.left_behind", error=type(error).__name__)
    if paths:
        trail.add(f"What was written may have stayed and can be deleted: {', '.join(paths)}.")


async def _removed(folder: Folder, paths: dict[str, None]) -> None:
    """Remove files, and take those that are gone out of `paths`. What fails is not what is told."""
    try:
        async with asyncio.timeout(CLEARING_SECONDS):
            for path in list(paths):
                await removed(folder, path)
                paths.pop(path)
    except (Failure, TimeoutError) as error:
        log.warning("verify.not_removed", error=type(error).__name__)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
