"""What the servers of the hosted folders share, whatever they speak: who is let in, uploads under way, how it ends.

A wrong password counts for all of them, a file has one writer among all of them, and they stop together.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol

import structlog

from services.dropserver.guard import Guard, Knock, neighbourhood
from services.dropserver.tenant import Gate, Limits, Tenant, Uploads
from services.dropserver.uploads import Register
from shared.bus.alongside import alongside
from shared.domain.failures import Failure, IntegrationOff
from shared.domain.hosted_login import Transport
from shared.storage.login_scores import PATIENCE, Patience
from shared.transfer.tree import Tree

Asked = Callable[[Knock], Awaitable[Tenant | None]]
"""Asks the Gate about a proof."""

log = structlog.get_logger()


class Guest(Protocol):
    """Somebody who is in with a login, by whatever protocol."""

    address: str

    @property
    def tenant(self) -> Tenant | None:
        """Whose login it is; None where it opens nothing any more."""

    @tenant.setter
    def tenant(self, tenant: Tenant | None) -> None:
        """The login was changed: what it allows now holds at once."""

    def rest(self, *, is_resting: bool) -> None:
        """The account has hosted folders paused, or not: then no upload begins."""

    def send_away(self) -> None:
        """End it."""


class House:
    """The servers' common ground."""

    def __init__(self, gate: Gate, uploads: Uploads, limits: Limits, guard: Guard) -> None:
        self.gate = gate
        self.uploads = uploads
        self.limits = limits
        self.guard = guard
        self.register = Register()
        self.is_closing = False
        self._addresses: Counter[str] = Counter()
        self._carried: set[asyncio.Task[None]] = set()
        self._ends_at: float | None = None

    @classmethod
    @asynccontextmanager
    async def open(
        cls, gate: Gate, uploads: Uploads, limits: Limits | None = None, patience: Patience = PATIENCE
    ) -> AsyncIterator["House"]:
        """Until the block ends; what was begun and has to be told is told to its end then."""
        guard = Guard(gate, patience)
        house = cls(gate, uploads, limits or Limits(), guard)
        try:
            async with alongside(guard.tell_news(), guard.learn(), house.let_go()):
                yield house
        finally:
            await house.all_carried()
            await guard.tell_rest()

    @property
    def sessions(self) -> int:
        """How many there are, of all addresses."""
        return self._addresses.total()

    def carry_on(self, work: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Do something to its end, whatever becomes of the connection that wanted it."""
        task = asyncio.create_task(work)
        self._carried.add(task)
        task.add_done_callback(self._carried.discard)
        return asyncio.shield(task)

    async def all_carried(self) -> None:
        """Wait until nothing is carried on any more."""
        while self._carried:
            await asyncio.wait(self._carried)

    def admits(self, address: str) -> bool:
        """Whether another session from that address is welcome; counts it if it is."""
        network = neighbourhood(address)
        if (
            self.is_closing
            or self.sessions >= self.limits.sessions
            or self._addresses[network] >= self.limits.sessions_per_address
            or self.guard.refuses(address)
        ):
            return False
        self._addresses[network] += 1
        return True

    def parts_with(self, address: str) -> None:
        """A session that was counted is over."""
        self._addresses[neighbourhood(address)] -= 1
        self._addresses += Counter()  # drops the zeros

    async def judged(
        self, username: str, address: str, asked: Asked, transport: Transport = "sftp"
    ) -> tuple[Knock, Tenant | None]:
        """Ask the Gate, slowly where there were failures. Raises the Gate's Failure, IntegrationOff."""
        network = neighbourhood(address)
        try:
            knock = Knock(username, network, await self.gate.look(username, network), transport)
            if self.guard.shuts_out(knock):
                return knock, None
            await asyncio.sleep(self.guard.delay_seconds(knock))
            return knock, await asked(knock)
        except IntegrationOff:
            raise
        except Failure as failure:
            log.warning("login.undecided", code=failure.code)
            raise

    def let_in(self, knock: Knock, tenant: Tenant) -> None:
        """Somebody has proved who it is: that is noted, and its directory made where it may be."""
        self.guard.succeeded(knock)
        _make_home(tenant)

    async def attend(self, guests: Iterable[Guest]) -> None:
        """See that what was changed of logins meanwhile holds for those who are in with them."""
        inside = {guest: guest.tenant for guest in guests if guest.tenant is not None}
        if not inside:
            return
        try:
            found = await self.gate.in_use(frozenset(tenant.credential_id for tenant in inside.values()))
            for guest, tenant in inside.items():
                now = found.get(tenant.credential_id)
                if now is not None and now.version != tenant.version:
                    guest.tenant = await self.gate.again(tenant, guest.address)
                if now is None or guest.tenant is None or guest.tenant.has_expired:
                    guest.send_away()
                else:
                    guest.rest(is_resting=now.is_resting)
        except Failure as failure:
            log.warning("dropserver.blind", code=failure.code)

    async def let_go(self) -> None:
        """Hold no file for uploads whose name another has meanwhile, at whichever replica, until cancelled."""
        while True:
            await asyncio.sleep(self.limits.attend_seconds)
            self.register.let_go_removed()
            here = {each.begun.id: each for each in self.register.under_way() if each.begun is not None}
            try:
                for upload_id in await self.uploads.superseded(frozenset(here)) if here else ():
                    self.register.supersede(here[upload_id])
            except Failure as failure:
                log.warning("dropserver.blind", code=failure.code)

    async def uploads_ended(self) -> None:
        """Begin nothing new, and wait until no upload runs, for `closing_seconds` from the first call at most."""
        self.is_closing = True
        if self._ends_at is None:
            self._ends_at = asyncio.get_running_loop().time() + self.limits.closing_seconds
        try:
            async with asyncio.timeout_at(self._ends_at):
                await self.register.emptied()
        except TimeoutError:
            log.warning("dropserver.uploads_cut", uploads=self.register.count)


def _make_home(tenant: Tenant) -> None:
    """The folder's directory and the credential's in it, made at the first login.

    Whoever has proved who it is comes in, also where they cannot be made: what it asks for then says why.
    """
    tree = Tree(tenant.root)
    parts = tenant.base.split("/") if tenant.base else []
    try:
        if tenant.makes_root:
            tenant.root.mkdir(mode=0o750, parents=True, exist_ok=True)
        for depth in range(1, len(parts) + 1):
            with suppress(FileExistsError):
                tree.make_directory("/".join(parts[:depth]))
    except OSError as error:
        log.warning("login.without_directory", drop_folder_id=str(tenant.drop_folder_id), errno=error.errno)
