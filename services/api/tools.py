"""What the gateway works with. Built in wiring.py and nowhere else."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.api.limits import Limits
from services.api.streams import Streams
from shared.observe.metrics import Metrics
from shared.runtime.looking import Looking
from shared.storage.database import Database
from shared.storage.secrets import KeyRing


@dataclass(frozen=True, slots=True)
class HostedServer:
    """What partners are told of the hosted SFTP server."""

    host: str
    port: int
    fingerprints: Callable[[], Awaitable[tuple[str, ...]]]
    """SHA-256 fingerprints of its host keys; empty while the server has not said."""
    webdav_url: str | None = None
    """Where the same folders are served by WebDAV; None where they are not."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The gateway's tools."""

    database: Database
    keys: KeyRing
    metrics: Metrics
    hosted: HostedServer
    bus_is_ready: Callable[[], bool]
    looking: Looking
    local_directories: frozenset[str] = frozenset()
    """What the operator offers, by name; where they lie is not the gateway's business."""
    allows_legacy_keys: bool = False
    """Whether SSH keys and signatures of SHA-1 may be used."""
    limits: Limits = field(default_factory=Limits)
    streams: Streams = field(default_factory=Streams)
    one_shot_unique_property: str = ""
    """What `unique_id` means to one-shot imports: the name of a property, where the operator names one."""
    verify_seconds: float = 5.0
    """How long `verify` waits for the poller's answer before it says where to find it."""
