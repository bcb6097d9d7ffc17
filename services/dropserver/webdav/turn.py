"""One request that was let in: whose it is, what it is about, its body, and what has to hold for it."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from typing import Any

from services.dropserver.house import House
from services.dropserver.refusals import LinkFound, told
from services.dropserver.tenant import Tenant
from services.dropserver.webdav.answers import ClientGone, NotDone
from services.dropserver.webdav.asked import Asked
from services.dropserver.webdav.listings import Entry, Listings
from services.dropserver.webdav.locks import Choice, LockBook, choices, tokens
from services.dropserver.webdav.visits import Visit
from shared.domain.hosted_login import Right
from shared.domain.names import joined, taken_path

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


class Body:
    """What comes behind the headers, piece by piece."""

    def __init__(self, receive: Receive, idle_seconds: float) -> None:
        self._receive = receive
        self._idle_seconds = idle_seconds

    async def pieces(self) -> AsyncIterator[bytes]:
        """All of it. Raises ClientGone, and NotDone, 408, where the client does not go on."""
        while True:
            try:
                async with asyncio.timeout(self._idle_seconds):
                    message = await self._receive()
            except TimeoutError as error:
                raise NotDone(408, f"Nothing came for {self._idle_seconds:g} seconds.") from error
            if message["type"] != "http.request":
                raise ClientGone
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    async def whole(self, most: int) -> bytes:
        """All of it at once. Raises the same, and NotDone, 413, where it is more."""
        gathered = b""
        async for piece in self.pieces():
            gathered += piece
            if len(gathered) > most:
                raise NotDone(413, f"The body is too long: expected {most} bytes at most.")
        return gathered

    async def until_gone(self) -> None:
        """Wait until the client has left."""
        while (await self._receive())["type"] == "http.request":
            continue


@dataclass(slots=True)
class Turn:
    """A request and its surroundings."""

    asked: Asked
    visit: Visit
    body: Body
    house: House
    locks: LockBook
    listings: Listings
    tenant: Tenant = field(init=False)
    """Whose login it is, or was when this began: what it allows now is asked of `require`."""
    path: str = field(init=False)
    """In the folder, as all paths from here on."""

    def __post_init__(self) -> None:
        self.tenant = self.visit.require()
        self.path = self.inside(self.asked.path)

    @property
    def is_home(self) -> bool:
        """Whether it is about the login's own directory."""
        return self.path == self.tenant.base

    def inside(self, relative: str) -> str:
        """A path of the client's as one in the folder."""
        base = self.tenant.base
        try:
            return taken_path(joined(base, relative)) if relative else base
        except ValueError as error:
            raise NotDone(414, "The path is too long, together with that of the login's directory.") from error

    def look(self, path: str) -> os.stat_result | None:
        """What lies there, a file or directory; None where there is nothing. Raises Refusal, OSError."""
        try:
            with told():
                found = self.visit.tree.stat(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        if not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)):
            raise LinkFound("What lies there is neither a file nor a directory, and is not touched.")
        return found

    def require(self, right: Right) -> None:
        """Raises NotDone, 403, where the login does not allow that now."""
        self.visit.require(right)

    def require_conditions(self, found: os.stat_result | None) -> None:
        """Raises NotDone, 412, where what lies there is not what the client expects (RFC 9110, 13; RFC 4918, 10.4)."""
        wanted, unwanted = self.asked.etags("If-Match"), self.asked.etags("If-None-Match")
        if wanted is not None and not _matches(found, wanted):
            raise NotDone(412, "What lies there is not the version that If-Match names.")
        if unwanted is not None and self.asked.method not in ("GET", "HEAD") and _matches(found, strong(unwanted)):
            raise NotDone(412, "What lies there is a version that If-None-Match names.")
        since = self.asked.moment("If-Unmodified-Since") if wanted is None else None
        if since is not None and found is not None and int(found.st_mtime) > since.timestamp():
            raise NotDone(412, "What lies there was changed since.")
        wanted_one = choices(self.asked.header("If"))
        if wanted_one and not any(self._holds(choice) for choice in wanted_one):
            raise NotDone(412, "None of the lists of If holds.")

    def require_unlocked(self, path: str, *, is_member: bool) -> None:
        """Raises NotDone, 423, where a lock is in the way whose token was not sent."""
        held = tokens(choices(self.asked.header("If")))
        self.locks.require(self.tenant, path, held, is_member=is_member)

    def require_name_of(self, found: os.stat_result | None) -> None:
        """Raises NotDone, 404, where a directory's name is said and a file lies there."""
        if found is not None and self.asked.says_collection and stat.S_ISREG(found.st_mode):
            raise NotDone(404, "There is no directory of that name; a file's ends without a slash.")

    def require_directory_of(self, path: str) -> None:
        """Raises NotDone, 409, where the directory of that path is not there."""
        above = self.look(path.rpartition("/")[0])
        if above is None or not stat.S_ISDIR(above.st_mode):
            raise NotDone(409, "The directory is not there; make it first.")

    def to_another_name(self, directories: str) -> tuple[str, os.stat_result | None]:
        """Where a file is to stand as well or instead, and what stands there now.

        Raises NotDone where there is no such file, it or what stands there is a directory (with what to say then), or
        the name may not be taken (RFC 4918, 9.8 and 9.9).
        """
        target = self.inside(self.asked.destination)
        source, there = self.look(self.path), self.look(target)
        self.require_name_of(source)
        if source is None:
            raise NotDone(404, "There is no such file.")
        if stat.S_ISDIR(source.st_mode) or (there is not None and stat.S_ISDIR(there.st_mode)):
            raise NotDone(403, directories)
        if target == self.path:
            raise NotDone(403, "Source and destination are the same.")
        self.require_directory_of(target)
        self.require_conditions(source)
        if there is not None and not self.asked.overwrites:
            raise NotDone(412, "The name is taken.")
        return target, there

    def _holds(self, choice: Choice) -> bool:
        path = self.inside(self.asked.here(choice.address)) if choice.address else self.path
        found = self.look(path)
        etag = None if found is None else etag_of(found)
        held = {lock.token for lock in self.locks.of(self.tenant, path)}
        return all(
            (each.token in held if each.token else each.etag == etag) is not each.is_negated
            for each in choice.conditions
        )


def etag_of(found: os.stat_result | Entry) -> str | None:
    """What tells the versions of a file apart; None for a directory."""
    if not stat.S_ISREG(found.st_mode):
        return None
    return f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'


def strong(listed: list[str]) -> list[str]:
    """As If-None-Match compares versions, where weak ones are as good (RFC 9110, 13.1.2)."""
    return [each.removeprefix("W/") for each in listed]


def _matches(found: os.stat_result | None, listed: list[str]) -> bool:
    return found is not None and (listed == ["*"] or etag_of(found) in listed)
