"""Slow and shut out those who guess passwords. Counts only; it knows no credentials and keeps nothing on disk.

Failures are counted per address and per user name. An address that fails often is refused outright. A user name that
is guessed at from many addresses is refused as well, but not to addresses from which it has logged in before:
else a stranger could lock a partner out by trying its name. Counts fade, and the oldest are forgotten when there are
too many, so that memory is bounded whoever knocks.
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures are borne, and for how long they are remembered."""

    address_failures: int = 20
    user_failures: int = 50
    forget_after_seconds: float = 600
    slow_from: int = 2
    slowest_seconds: float = 4
    remembered: int = 20_000


class Guard:
    """Counts failed logins in one process. `clock` gives monotonic seconds."""

    def __init__(self, clock: Clock, patience: Patience | None = None) -> None:
        self._clock = clock
        self._patience = patience or Patience()
        self._by_address: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._by_user: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], float] = OrderedDict()

    def shuts_out(self, address: str, user: str | None = None) -> bool:
        """Whether to refuse without looking: the address, or the user name from an address it never came from."""
        place = _neighbourhood(address)
        if self._count(self._by_address, place) >= self._patience.address_failures:
            return True
        if user is None or (place, user) in self._known:
            return False
        return self._count(self._by_user, user) >= self._patience.user_failures

    def delay_seconds(self, address: str, user: str) -> float:
        """How long to wait before an answer is given; doubles with every failure."""
        failures = self._count(self._by_address, _neighbourhood(address))
        if (_neighbourhood(address), user) not in self._known:
            failures = max(failures, self._count(self._by_user, user))
        beyond = failures - self._patience.slow_from
        return 0.0 if beyond < 0 else min(0.25 * 2.0 ** min(beyond, 10), self._patience.slowest_seconds)

    def failed(self, address: str, user: str) -> None:
        """A login failed."""
        self._add(self._by_address, _neighbourhood(address))
        self._add(self._by_user, user)

    def succeeded(self, address: str, user: str) -> None:
        """A login succeeded: what was typed wrong before is forgiven, to this address and this user only."""
        place = _neighbourhood(address)
        self._by_address.pop(place, None)
        self._known[place, user] = self._clock()
        self._known.move_to_end((place, user))
        while len(self._known) > self._patience.remembered:
            self._known.popitem(last=False)

    def _count(self, counts: OrderedDict[str, tuple[int, float]], key: str) -> int:
        count, last = counts.get(key, (0, 0.0))
        return count if self._clock() - last < self._patience.forget_after_seconds else 0

    def _add(self, counts: OrderedDict[str, tuple[int, float]], key: str) -> None:
        counts[key] = (self._count(counts, key) + 1, self._clock())
        counts.move_to_end(key)
        while len(counts) > self._patience.remembered:
            counts.popitem(last=False)


def _neighbourhood(address: str) -> str:
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
