"""What the importer works with, built in wiring.py."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

from services.importer.doors import Doors
from shared.formats.openpgp.gpg import Programs
from shared.observe.metrics import Metrics
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from shared.transfer.open_folder import Places

MAKING = 4
"""So many returns are made at a time, of all that wait for their hosts."""


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that the importer's flows need."""

    database: Database
    metrics: Metrics
    places: Places
    keys: KeyRing
    work_directory: Path
    max_unpacked_bytes: int
    gpg: Programs | None
    """GnuPG, where it is installed."""
    lease_seconds: float
    doors: Doors = field(default_factory=Doors)
    """Of hosts where files are marked, and rejects put back."""
    making: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MAKING))
    """Held while files of rejects are made: that takes this machine's processor and disk, and nobody else's."""
