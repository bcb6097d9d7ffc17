"""What the notifier works with. Built in wiring.py, given to everything else as an argument."""

import asyncio
import random
from dataclasses import dataclass, field
from email.headerregistry import Address

from services.notifier.mail import Stationery
from services.notifier.sender import Sender
from shared.observe.metrics import Metrics
from shared.storage.database import Database


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a mail is tried, and how often. Seconds."""

    first_pause_seconds: float = 5.0
    longest_pause_seconds: float = 900.0
    give_up_seconds: float = 3 * 86_400.0
    least_tries: int = 5
    """A notifier that was itself away for days does not give up at its first try."""
    lease_seconds: float = 30.0
    """How long a notifier that gives no sign of life keeps a mail; one that is at it keeps it until its try is over."""
    look_seconds: float = 5.0
    """How often to look for due mails without having been rung."""
    shutdown_seconds: float = 20.0
    """How long mails in hand may still take when the service stops."""

    def pause_seconds(self, tries: int, rng: random.Random) -> float:
        """How long to wait after so many tries (1 or more): doubled each time, with jitter, bounded."""
        whole = min(self.longest_pause_seconds, self.first_pause_seconds * 2 ** min(tries - 1, 30))
        return float(whole * rng.uniform(0.5, 1.0))

    def is_exhausted(self, tries: int, age_seconds: float) -> bool:
        """Whether a mail that failed again is given up."""
        return age_seconds >= self.give_up_seconds and tries >= self.least_tries


@dataclass(frozen=True, slots=True)
class Tools:
    """What the notifier works with."""

    database: Database
    metrics: Metrics
    sender: Sender
    mail_from: Address
    rng: random.Random
    stationery: Stationery = field(default_factory=Stationery)
    patience: Patience = Patience()
    at_a_time: int = 4
    """Mails that are sent at the same time."""
    planned: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this process has planned a mail."""
