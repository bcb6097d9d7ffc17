"""Token buckets by name: how often something may happen in the long run, and how often at once.

Memory is bounded: the bucket that was not asked for longest is forgotten first, which fills it.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

CAPACITY = 10_000


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: float


class Buckets:
    """Buckets that all fill at one rate, up to one burst."""

    def __init__(
        self, per_second: float, burst: float, *, clock: Callable[[], float] = time.monotonic, capacity: int = CAPACITY
    ) -> None:
        self._per_second = per_second
        self._burst = burst
        self._clock = clock
        self._capacity = capacity
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def __contains__(self, name: Hashable) -> bool:
        """Whether there is a bucket of that name."""
        return name in self._buckets

    def __len__(self) -> int:
        """How many buckets are remembered."""
        return len(self._buckets)

    def take(self, name: Hashable) -> float:
        """Take a token: 0.0 where there was one, else the seconds until there is one."""
        now = self._clock()
        bucket = self._buckets.setdefault(name, _Bucket(self._burst, now))
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._capacity:
            self._buckets.popitem(last=False)
        bucket.tokens = min(self._burst, bucket.tokens + (now - bucket.at) * self._per_second)
        bucket.at = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._per_second
        bucket.tokens -= 1
        return 0.0

    def give_back(self, name: Hashable) -> None:
        """What a token was taken for did not happen."""
        bucket = self._buckets.get(name)
        if bucket is not None:
            bucket.tokens = min(self._burst, bucket.tokens + 1)

    def forget(self, name: Hashable) -> None:
        """There is no bucket of that name any more."""
        self._buckets.pop(name, None)
