"""What the poller works with, built in wiring.py."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.bus.bus import Bus
from shared.observe.metrics import Metrics
from shared.runtime.looking import Looking
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from shared.transfer.open_folder import Places


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that the poller's flows need."""

    database: Database
    bus: Bus
    metrics: Metrics
    places: Places
    keys: KeyRing
    worker: str
    concurrency: int
    sweep_seconds: float
    lease_seconds: float
    retry_attempts: int
    looking: Looking
    max_sample_bytes: int
    max_kept_bytes: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    """What schedules go by."""
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when a look should not wait for the next tick."""
