"""Who asks, by Basic authentication: proved against the Gate, and taken as proved for a few seconds after.

Every request brings the password. What was proved is remembered under a keyed hash of what was sent, for so short a
time that nobody is told of it: a login that is rotated, revoked or allowed less is asked for anew at the next turn.
"""

import hashlib
import hmac
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.dropserver.guard import Knock
from services.dropserver.house import House
from services.dropserver.tenant import Tenant
from services.dropserver.webdav.answers import NotDone
from services.dropserver.webdav.asked import Login
from services.dropserver.writing import Writing
from shared.domain.failures import IntegrationOff
from shared.domain.hosted_login import Right
from shared.transfer.tree import Tree

PROVED_SECONDS = 10.0
_KEPT_SECONDS = 300.0
"""How long it is remembered which uploads a client finished, so that the time it gives them then is told."""
_MOST = 2_000
_MOST_PLACES = 256
_MAX_PASSWORD_CHARACTERS = 1_024

CHALLENGE = {"WWW-Authenticate": 'Basic realm="Tidegate", charset="UTF-8"'}
WHO = (
    "Log in with the user name and the password that were handed out for this folder. "
    "A login with an SSH key has no password: it opens by SFTP alone."
)


@dataclass(eq=False, slots=True)
class Visit:
    """A login that is in. `tenant` None: it opens nothing any more."""

    tenant: Tenant | None
    address: str
    tree: Tree
    writing: Writing
    proved_at: float
    places: dict[str, int] = field(default_factory=dict)
    """Empty files that were put or locked to be filled, by their paths in the folder: their inodes."""

    def keep_place(self, path: str, inode: int) -> None:
        """Such a file was made; of too many the oldest is forgotten."""
        self.places[path] = inode
        if len(self.places) > _MOST_PLACES:
            del self.places[next(iter(self.places))]

    def require(self, right: Right | None = None) -> Tenant:
        """Whose it is; raises NotDone, 403, where the login does not allow that now."""
        tenant = self.tenant
        if tenant is None or tenant.has_expired:
            raise NotDone(403, "The login has ended; ask who gave it to you for another.")
        if right is not None and not tenant.may(right):
            raise NotDone(403, f"The login does not have the right to {right.value}.")
        return tenant

    def rest(self, *, is_resting: bool) -> None:
        """The account has hosted folders paused: the next request is judged anew, what is under way goes on."""
        if is_resting:
            self.proved_at = float("-inf")

    def send_away(self) -> None:
        """It opens nothing any more."""
        self.tenant = None


class Visits:
    """Those that are in."""

    def __init__(self, house: House, clock: Callable[[], float] = time.monotonic) -> None:
        self._house = house
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._visits: dict[bytes, Visit] = {}
        self._busy: Counter[Visit] = Counter()

    async def of(self, login: Login | None, address: str) -> Visit:
        """Who that is. Raises NotDone: 401, 503; and the Gate's Failure."""
        if login is None:
            raise NotDone(401, WHO, CHALLENGE)
        name = self._name(login, address)
        known = self._visits.get(name)
        if known is not None and known.tenant is not None and self._clock() - known.proved_at < PROVED_SECONDS:
            return known
        tenant = await self._proved(login, address)
        return self._remembered(name, tenant, address)

    async def attend(self) -> None:
        """See that changes of logins hold for requests that are under way, and forget who came no more."""
        horizon = self._clock() - _KEPT_SECONDS
        for name, visit in list(self._visits.items()):
            if visit.tenant is None or visit.proved_at < horizon:
                del self._visits[name]
        await self._house.attend({*self._visits.values(), *self._busy})

    @contextmanager
    def under_way(self, visit: Visit) -> Iterator[None]:
        """A request of it is under way while inside."""
        self._busy[visit] += 1
        try:
            yield
        finally:
            self._busy[visit] -= 1
            if not self._busy[visit]:
                del self._busy[visit]

    async def _proved(self, login: Login, address: str) -> Tenant:
        given = login.password[:_MAX_PASSWORD_CHARACTERS]

        async def ask(knock: Knock) -> Tenant | None:
            return await self._house.gate.password(knock, given, address)

        try:
            knock, tenant = await self._house.judged(login.username, address, ask, "webdav")
        except IntegrationOff as failure:
            raise NotDone(503, "Hosted folders are paused here; try again later.", {"Retry-After": "300"}) from failure
        if tenant is None:
            self._house.guard.failed(knock)
            raise NotDone(401, WHO, CHALLENGE)
        self._house.let_in(knock, tenant)
        return tenant

    def _remembered(self, name: bytes, tenant: Tenant, address: str) -> Visit:
        visit = self._visits.pop(name, None)
        if visit is None or visit.tenant != tenant:
            tree = Tree(tenant.root)
            visit = Visit(tenant, address, tree, Writing(self._house, tenant, tree), self._clock())
        visit.proved_at = self._clock()
        if len(self._visits) >= _MOST:
            del self._visits[next(iter(self._visits))]
        self._visits[name] = visit
        return visit

    def _name(self, login: Login, address: str) -> bytes:
        said = "\0".join((address, login.username, login.password)).encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, said, hashlib.sha256)
