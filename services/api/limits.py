"""How much and how fast a gateway takes. Each holds for one process: replicas do not know of each other."""

from dataclasses import dataclass

from shared.runtime.clients import Network


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of single requests, and of how many there may be."""

    body_bytes: int = 1024 * 1024
    body_seconds: float = 30.0
    """For a whole body; a file that streams has so long from the start, and one second more for each
    `least_bytes_per_second`."""
    least_bytes_per_second: int = 16 * 1024
    sample_bytes: int = 64 * 1024**2
    upload_bytes: int = 1024**3
    kept_bytes: int = 20 * 1024**3
    """Of samples and uploads that one account keeps at a time."""
    address_bytes: int = 8192
    """Path and query."""
    parameters: int = 100
    """Of a query."""
    headers: int = 100
    header_bytes: int = 16 * 1024
    """Names and values of all headers."""

    concurrent_requests: int = 200
    """Under way at a time; a stream of events counts until it begins."""
    requests_per_second: float = 50.0
    """Of one key, in the long run."""
    request_burst: int = 200
    """Of one key, at once."""
    wrong_keys_per_minute: float = 30.0
    """Requests without a valid key from one address; as many at once."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""
