"""The sessions on partners' servers that all workers share: so many a host, in the order in which they were asked for.

They stand in the database under leases, so that they are free again soon where a worker dies. Of those in a process who
want the same (host, login, and how many sessions it may have) one at a time asks, however many wait; who wants another
thing asks beside them, for what keeps one waiting need not keep the other. A login that was refused is remembered by a
keyed hash of server, user and credential, and tried again only where a person insists; until a login has once been
accepted, it is tried in one session at a time. Nothing here dials.
"""

import asyncio
import hashlib
import json
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import structlog

from shared.domain.connection import Login
from shared.domain.failures import HostBusy, LoginCutOff, LoginRefused, StorageUnavailable
from shared.domain.place import PartnerPlace
from shared.observe.metrics import Metrics
from shared.runtime.keeping import kept
from shared.runtime.waiting import first_of
from shared.storage import host_sessions
from shared.storage.database import Database
from shared.storage.host_sessions import Ticket, Turn
from shared.storage.secrets import KeyRing
from shared.transfer.sessions import PATIENCE_SECONDS

log = structlog.get_logger()

WAITING_SECONDS = 5.0
"""After so long without a sign somebody who waits has died, and keeps nobody else waiting."""
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
"""Between two questions of one that waits; doubled each time."""
GOOD_FOR = timedelta(hours=1)
"""So often a login that goes well is noted anew."""

_holder: ContextVar["asyncio.Task[Any] | None"] = ContextVar("holder", default=None)
"""The task that holds a session; those that it starts see it too."""


_Wanted = tuple[int, bytes]
"""How many sessions the host may have, and the login."""


@dataclass(slots=True)
class _Line:
    """Those of this process who want a session of one host for one login, of as many as it may have."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    wanted_by: int = 0


class SharedSessions:
    """The sessions of one process among those of all."""

    def __init__(
        self,
        database: Database,
        ring: KeyRing,
        metrics: Metrics,
        *,
        per_host: int,
        lease_seconds: float,
    ) -> None:
        self._database = database
        self._ring = ring
        self._metrics = metrics
        self._per_host = per_host
        self._lease_seconds = lease_seconds
        self._lines: dict[bytes, dict[_Wanted, _Line]] = {}

    @asynccontextmanager
    async def held(
        self, place: PartnerPlace, login: Login, *, insists: bool = False, patience_seconds: float = PATIENCE_SECONDS
    ) -> AsyncIterator["HeldSession"]:
        """Hold a session. Raises HostBusy, LoginRefused, StorageUnavailable."""
        task = asyncio.current_task()
        if task is not None and _holder.get() is task:
            # Two who each hold the last session of one host and want another would wait for each other.
            raise RuntimeError("a session is asked for by who holds one already")
        most = min(self._per_host, place.max_sessions or self._per_host)
        ticket = Ticket(uuid4(), _host_key(place), _login_key(self._ring, place, login), most)

        async def keep() -> None:
            await host_sessions.keep(self._database, ticket, self._lease_seconds)

        with self._in_line(ticket) as line:
            turn = await self._taken(ticket, line, place, patience_seconds, insists=insists)
            session = HeldSession(self._database, ticket, turn.succeeded_at)
            _holder.set(task)
            try:
                async with kept(keep, self._lease_seconds):
                    yield session
            except LoginRefused:
                await self._remember_refusal(ticket)
                raise
            except LoginCutOff as failure:
                if await self._is_refusal(ticket):
                    raise LoginRefused(f"{failure.detail} It did so twice when it had seen the password.") from failure
                raise
            finally:
                _holder.set(None)
                await self._given_back(ticket)
                for other in self._lines[ticket.host_key].values():
                    other.freed.set()

    @contextmanager
    def _in_line(self, ticket: Ticket) -> Iterator[_Line]:
        """Where those of this process wait who want the same; gone with the last of them."""
        lines = self._lines.setdefault(ticket.host_key, {})
        wanted = (ticket.most, ticket.login_key)
        line = lines.setdefault(wanted, _Line())
        line.wanted_by += 1
        try:
            yield line
        finally:
            line.wanted_by -= 1
            if not line.wanted_by:
                del lines[wanted]
            if not lines:
                self._lines.pop(ticket.host_key, None)

    async def _taken(
        self, ticket: Ticket, line: _Line, place: PartnerPlace, patience_seconds: float, *, insists: bool
    ) -> Turn:
        """Wait until the session is ours. Raises HostBusy, LoginRefused."""
        began, outcome, turn = time.monotonic(), "given_up", None
        try:
            async with asyncio.timeout(patience_seconds), line.turn:
                turn = await self._turn(ticket, line, insists=insists)
            outcome = "held" if turn.is_held else "barred"
        except TimeoutError as error:
            outcome = "busy"
            raise HostBusy(
                f"{ticket.most} sessions are the most for {_shown(place)}; none was free within "
                f"{patience_seconds:g} seconds."
            ) from error
        finally:
            self._metrics.session_wait_seconds.labels(outcome).observe(time.monotonic() - began)
            if turn is None or not turn.is_held:
                await self._given_back(ticket)
        if turn.refused_at is not None and turn.is_barred:
            again = (
                "It is tried again a minute later."
                if insists
                else "It is tried again when somebody verifies the connection, once a minute at most."
            )
            raise LoginRefused(
                f"Not tried: {_shown(place)} refused the same user and credential at "
                f"{turn.refused_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, for this or another connection. {again}",
                was_tried=False,
            )
        return turn

    async def _turn(self, ticket: Ticket, line: _Line, *, insists: bool) -> Turn:
        """Ask until the session is ours or is not to be had. Whoever calls limits the time."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            line.freed.clear()
            turn = await host_sessions.take(
                self._database,
                ticket,
                insists=insists,
                held_seconds=self._lease_seconds,
                waiting_seconds=WAITING_SECONDS,
            )
            if turn.is_held or turn.is_barred:
                return turn
            await first_of(line.freed.wait(), limit_seconds=pause * random.uniform(0.8, 1.2))  # noqa: S311 jitter
            pause = min(2 * pause, LONGEST_PAUSE_SECONDS)

    async def _given_back(self, ticket: Ticket) -> None:
        with suppress(StorageUnavailable):  # then it runs out
            await host_sessions.give_back(self._database, ticket)

    async def _remember_refusal(self, ticket: Ticket) -> None:
        with suppress(StorageUnavailable):  # the failure itself counts for more
            await host_sessions.refused(self._database, ticket.login_key)

    async def _is_refusal(self, ticket: Ticket) -> bool:
        try:
            return await host_sessions.cut_off(self._database, ticket.login_key)
        except StorageUnavailable as failure:
            log.warning("login.not_remembered", code=failure.code)
            return False


class HeldSession:
    """A session in hand."""

    def __init__(self, database: Database, ticket: Ticket, succeeded_at: datetime | None) -> None:
        self._database = database
        self._ticket = ticket
        self._succeeded_at = succeeded_at

    async def logged_in(self) -> None:
        """Note that the login is good, where that was not done lately."""
        if self._succeeded_at is not None and datetime.now(UTC) - self._succeeded_at < GOOD_FOR:
            return
        with suppress(StorageUnavailable):  # then it is noted next time
            await host_sessions.succeeded(self._database, self._ticket.login_key)

    async def let_in(self) -> None:
        """Keep nobody waiting or out who wants the same login: it is not being tried."""
        with suppress(StorageUnavailable):  # then they wait for this session's end
            await host_sessions.let_in(self._database, self._ticket)


def _host_key(place: PartnerPlace) -> bytes:
    host, port = place.server
    return hashlib.sha256(f"{host}:{port}".encode()).digest()


def _login_key(ring: KeyRing, place: PartnerPlace, login: Login) -> bytes:
    parts = (place.whom, login.password, login.private_key, login.passphrase, login.ssh_key)
    return ring.mark(json.dumps(parts))


def _shown(place: PartnerPlace) -> str:
    host, port = place.server
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
