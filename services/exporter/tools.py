"""What the exporter works with, built in wiring.py."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from shared.formats.openpgp.gpg import Programs
from shared.observe.metrics import Metrics
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from shared.transfer.open_folder import Places


@dataclass(frozen=True, slots=True)
class Tools:
    """Everything that the exporter's flow needs."""

    database: Database
    metrics: Metrics
    places: Places
    keys: KeyRing
    work_directory: Path
    gpg: Programs | None
    """GnuPG of this machine; None where it is not installed."""
    finishing: asyncio.Semaphore
    """So many runs end at a time: many may have left their places to deliver, and each needs a connection for that."""
