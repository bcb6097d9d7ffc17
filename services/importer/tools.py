"""What the importer works with, built in wiring.py."""

from dataclasses import dataclass
from pathlib import Path

from shared.formats.openpgp.gpg import Programs
from shared.observe.metrics import Metrics
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from shared.transfer.open_folder import Places


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
