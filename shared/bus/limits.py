"""How much a bus holds, how often it repeats itself and how long it waits. The same for both buses."""

from dataclasses import dataclass

from shared.bus.topology import DELIVERY_LIMIT, QUEUE_LENGTH_LIMIT


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are messages, times are seconds."""

    queue_length: int = QUEUE_LENGTH_LIMIT
    deliveries: int = DELIVERY_LIMIT
    """How often a message is handed out before it is parked."""

    first_pause_seconds: float = 0.1
    """Before the first repetition; doubled for each further one."""

    longest_pause_seconds: float = 30.0
    publish_timeout_seconds: float = 10.0
    """A broker without quorum, or with a memory alarm, does not refuse a publish: it says nothing."""

    connect_timeout_seconds: float = 10.0
    reconnect_seconds: float = 1.0
    heartbeat_seconds: int = 10
    """A broker that says nothing for about three of these is taken for dead."""

    def pause_seconds(self, deliveries: int) -> float:
        """How long to wait before a message that failed `deliveries` times (1 or more) is handed out again."""
        return float(min(self.longest_pause_seconds, self.first_pause_seconds * 2 ** min(deliveries - 1, 30)))
