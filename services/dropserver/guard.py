"""Slow and shut out those who guess passwords, together with the other replicas. Knows no credentials.

Scores of failures lie in the database, per address (IPv6: per /64) and per user name. An address that fails often
is refused; a user name that is guessed at from many addresses is refused too. Neither holds for a user name from
where it has logged in before: that is slowed by a score of its own and never shut out, so strangers cannot lock a
partner out, neither by trying its name nor from behind its address.

No login waits for a score to be written: failures and good logins are collected and told by one task, many at a
time; until they are, they count here.
"""

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from shared.domain.failures import Failure
from shared.domain.hosted_login import Transport
from shared.storage.login_scores import PATIENCE, Looked, Patience, Subject

log = structlog.get_logger()

SLOW_FROM = 2
SLOWEST_SECONDS = 4.0
LOOK_SECONDS = 5.0
"""How often it is asked which addresses are refused without a word."""
_MOST_UNTOLD = 20_000
_AGAIN_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Knock:
    """Somebody wants to log in: the name, from where, whose that is, and how the scores stand."""

    username: str
    network: str
    looked: Looked
    transport: Transport = "sftp"


@dataclass(frozen=True, slots=True)
class CameIn:
    """A good login."""

    account_id: UUID
    credential_id: UUID
    subject: Subject


class Scores(Protocol):
    """Where scores are kept. May raise a Failure; then it is tried again."""

    async def unwelcome(self) -> frozenset[str]:
        """Networks to refuse without a word."""

    async def note(self, failures: Counter[tuple[UUID | None, Subject]], came_in: set[CameIn]) -> None:
        """Failures by account (None: the operator's) and good logins. After a Failure some may be told twice."""


class Guard:
    """What one replica knows between two looks into the database."""

    def __init__(self, scores: Scores, patience: Patience = PATIENCE) -> None:
        self._scores = scores
        self._patience = patience
        self._failures: Counter[tuple[UUID | None, Subject]] = Counter()
        self._came_in: set[CameIn] = set()
        self._unwelcome: frozenset[str] = frozenset()
        self._has_news = asyncio.Event()

    def refuses(self, address: str) -> bool:
        """Whether to hang up without a word: nobody ever came in from there, and it is shut out."""
        return neighbourhood(address) in self._unwelcome

    def shuts_out(self, knock: Knock) -> bool:
        """Whether to refuse without comparing anything."""
        standing, ours = knock.looked.standing, self._patience
        if standing.is_known:
            return False
        address, user, _ = self._scored(knock)
        return (
            standing.address_is_banned
            or address >= ours.failures
            or standing.user_is_banned
            or user >= ours.user_failures
        )

    def delay_seconds(self, knock: Knock) -> float:
        """How long to wait before an answer is given; doubles with every failure.

        The score of the user name does not count here: a name that there is would be slower than one that is none.
        """
        address, _, pair = self._scored(knock)
        beyond = int(pair if knock.looked.standing.is_known else address) - SLOW_FROM
        return 0.0 if beyond < 0 else min(0.25 * 2.0 ** min(beyond, 10), SLOWEST_SECONDS)

    def failed(self, knock: Knock) -> None:
        """A login failed. Of user names that nobody has, the address alone is counted."""
        owner = knock.looked.account_id
        subjects: list[tuple[UUID | None, Subject]] = [(None, ("", knock.network))]
        if owner is not None:
            pair = knock.network if knock.looked.standing.is_known else ""
            subjects.append((owner, (knock.username, pair)))
        if len(self._failures) < _MOST_UNTOLD:
            self._failures.update(subjects)
        self._has_news.set()

    def succeeded(self, knock: Knock) -> None:
        """A login succeeded: that user name is known from there, and what it typed wrong there is forgiven."""
        account_id, credential_id = knock.looked.account_id, knock.looked.credential_id
        if account_id is None or credential_id is None or len(self._came_in) >= _MOST_UNTOLD:
            return
        self._came_in.add(CameIn(account_id, credential_id, (knock.username, knock.network)))
        self._has_news.set()

    async def tell_news(self) -> None:
        """Tell what has happened, until cancelled."""
        while True:
            await self._has_news.wait()
            self._has_news.clear()
            if not await self._attempt(self._note()):
                self._has_news.set()
                await asyncio.sleep(_AGAIN_SECONDS)

    async def tell_rest(self) -> None:
        """Tell what was not told yet; at the end."""
        await self._attempt(self._note())

    async def learn(self) -> None:
        """Learn what happened elsewhere, until cancelled."""
        while True:
            await self._attempt(self.look())
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Learn now which addresses are refused without a word. Raises what the scores raise."""
        self._unwelcome = await self._scores.unwelcome()

    async def _note(self) -> None:
        failures, came_in = Counter(self._failures), set(self._came_in)
        if not failures and not came_in:
            return
        await self._scores.note(failures, came_in)
        self._failures -= failures  # what was counted meanwhile stays
        self._came_in -= came_in

    async def _attempt(self, work: Awaitable[None]) -> bool:
        try:
            await work
        except Failure as failure:
            log.warning("guard.blind", code=failure.code)
            return False
        return True

    def _scored(self, knock: Knock) -> tuple[float, float, float]:
        """Of the address, the user name, and the one from the other; with what is not written down yet."""
        standing, owner = knock.looked.standing, knock.looked.account_id
        return (
            standing.address_score + self._failures[None, ("", knock.network)],
            standing.user_score + self._failures[owner, (knock.username, "")],
            standing.pair_score + self._failures[owner, (knock.username, knock.network)],
        )


def neighbourhood(address: str) -> str:
    """Who is counted as one: an IPv4 address, or the /64 that anybody with IPv6 has to himself."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))
