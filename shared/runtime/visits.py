"""Runs of one worker that are at their partners': how many at a time, at whose host, of which account, how much disk.

Such a run waits more than it works, so many may be under way, and none may fill them all:

    a host       an eighth
    an account   three quarters
    a run that is tried again, as one is whose partner hangs   half, all of them together
    large files  half of what the disk has free, but for one at a time that may be larger

What would only meet a full share is passed over when the next run is chosen. Where a connection leads is learned from
its first run, which comes again soon where it finds no room. Nothing here waits, and nothing here knows places.
"""

import asyncio
import shutil
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from shared.domain.failures import WorkerBusy
from shared.domain.place import BuiltInPlace, DirectoryPlace, HostedPlace, Place
from shared.domain.run import ClaimedRun, PassedOver

_HOST: Final = 1 / 8
_ACCOUNT: Final = 3 / 4
_AGAIN: Final = 1 / 2
_MOST_LEARNED: Final = 10_000
"""Connections whose hosts are known; who knows more learns them anew."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a run is at its partner's for."""

    run: ClaimedRun
    host: str
    """Whoever hangs, hangs for all that go there."""
    size_bytes: int
    """What the run has on this machine's disk meanwhile, or will have."""


def host_of(place: Place) -> str | None:
    """Who may hang at a place: a partner's server, or what is mounted; None where nobody else has a part in it."""
    if isinstance(place, DirectoryPlace):
        return f"{place.transport} {place.root}"
    if isinstance(place, HostedPlace | BuiltInPlace):
        return None
    host, port = place.server
    return f"{host} {port}"


@dataclass(slots=True)
class Visits:
    """Those of one worker."""

    at_most: int = 0
    directory: Path = Path("/")
    """On the disk that files come to."""
    _visits: dict["asyncio.Task[Any]", Visit] = field(default_factory=dict)
    _too_large: set["asyncio.Task[Any]"] = field(default_factory=set)
    _hosts: dict[UUID, str] = field(default_factory=dict)
    """By connection, as runs went there."""

    def begin(self, work: "asyncio.Task[Any]", visit: Visit) -> None:
        """The work goes there now. Raises WorkerBusy."""
        if len(self._hosts) >= _MOST_LEARNED:
            self._hosts.clear()
        self._hosts[visit.run.connection_id] = visit.host
        if self.is_full:
            raise WorkerBusy(f"{self.at_most} runs are at their partners' already.")
        if visit.host in self._full_hosts():
            raise WorkerBusy("An eighth of those that it may have there at a time are at the same host already.")
        if not self._fits(visit.size_bytes):
            if self._too_large - {work}:
                raise WorkerBusy("A file that is too large for the disk beside others is being fetched already.")
            self._too_large.add(work)
        self._visits[work] = visit

    def takes(self, work: "asyncio.Task[Any]", size_bytes: int) -> None:
        """The work, if it is there, takes that much of the disk after all. Raises WorkerBusy."""
        visit = self._visits.get(work)
        if visit is not None and size_bytes > visit.size_bytes:
            del self._visits[work]
            self.begin(work, replace(visit, size_bytes=size_bytes))

    def end(self, work: "asyncio.Task[Any]") -> bool:
        """The work is no longer there; whether it was."""
        self._too_large.discard(work)
        return self._visits.pop(work, None) is not None

    @property
    def count(self) -> int:
        """How many are under way."""
        return len(self._visits)

    @property
    def is_full(self) -> bool:
        """Whether no other may begin."""
        return len(self._visits) >= self.at_most

    def passed_over(self) -> PassedOver:
        """What should not be begun now."""
        accounts = Counter(each.run.account_id for each in self._visits.values())
        again = sum(each.run.attempt > 1 for each in self._visits.values())
        full = self._full_hosts()
        return PassedOver(
            accounts=[each for each, visits in accounts.items() if visits >= self._share(_ACCOUNT)],
            connections=[each for each, host in self._hosts.items() if host in full] if full else [],
            tried_before=self.at_most > 0 and again >= self._share(_AGAIN),
        )

    def _full_hosts(self) -> set[str]:
        hosts = Counter(each.host for each in self._visits.values())
        return {each for each, visits in hosts.items() if visits >= self._share(_HOST)}

    def _share(self, part: float) -> int:
        return max(1, round(part * self.at_most))

    def _fits(self, size_bytes: int) -> bool:
        """Whether what is under way leaves half of the disk's room to those who work, even when all of it came."""
        others = sum(each.size_bytes for task, each in self._visits.items() if task not in self._too_large)
        return others + size_bytes <= shutil.disk_usage(self.directory).free // 2
