"""Gauges that describe the whole ledger, shown by the one process that reads it just now.

Many replicas could measure; one does, under a lease. A replica that has lost the lease must show nothing: an old figure
beside the fresh one would be taken for the truth by whoever adds them up. Ordinary gauges cannot be unset, hence a
collector of our own.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector


@dataclass(frozen=True, slots=True)
class LedgerReading:
    """What the ledger says at one moment. Kinds, states, codes and queues are from closed lists."""

    runs_open: Mapping[tuple[str, str], int]
    """How many runs have not ended, by kind and state."""
    queued_seconds: Mapping[str, float]
    """How long the run that was queued first waits for a worker, by kind."""
    succeeded_at: Mapping[str, float]
    """Unix time at which a run completed last, by kind."""
    connections_stopped: Mapping[str, int]
    """Connections that wait for a person, by code."""
    outbox_messages: int
    outbox_age_seconds: float
    parked_messages: Mapping[str, int]
    """Messages that a service gave up, by its queue; empty where the broker did not say."""
    measured_at: float
    """Unix time."""
    openpgp_keys: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many OpenPGP keys there are, by kind (own, partner) and state (valid, expiring, expired, revoked)."""


class LedgerGauges(Collector):
    """Shows the last reading, or nothing."""

    def __init__(self) -> None:
        self._reading: LedgerReading | None = None

    def show(self, reading: LedgerReading) -> None:
        """Show this from now on."""
        self._reading = reading

    def forget(self) -> None:
        """Another process measures now."""
        self._reading = None

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The families of the last reading."""
        reading = self._reading
        if reading is None:
            return
        runs = GaugeMetricFamily(
            "tidegate_runs_open", "Runs in the ledger that have not ended.", labels=["kind", "state"]
        )
        for (kind, state), count in reading.runs_open.items():
            runs.add_metric([kind, state], count)
        yield runs
        yield _by(
            "tidegate_run_queued_seconds",
            "How long the run queued first has waited.",
            "kind",
            reading.queued_seconds,
        )
        yield _by("tidegate_run_success_timestamp_seconds", "When a run completed last.", "kind", reading.succeeded_at)
        yield _by(
            "tidegate_connections_stopped",
            "Connections that wait for a person, by reason.",
            "code",
            reading.connections_stopped,
        )
        keys = GaugeMetricFamily(
            "tidegate_openpgp_keys",
            "OpenPGP keys, by whether they expire within 30 days or have expired.",
            labels=["kind", "state"],
        )
        for (kind, state), count in reading.openpgp_keys.items():
            keys.add_metric([kind, state], count)
        yield keys
        yield _by("tidegate_parked_messages", "Messages that a service gave up.", "queue", reading.parked_messages)
        yield GaugeMetricFamily("tidegate_outbox_messages", "Messages not sent yet.", reading.outbox_messages)
        yield GaugeMetricFamily(
            "tidegate_outbox_age_seconds", "Age of the oldest message not sent.", reading.outbox_age_seconds
        )
        yield GaugeMetricFamily(
            "tidegate_ledger_measured_timestamp_seconds", "When the ledger was measured last.", reading.measured_at
        )


def _by(name: str, documentation: str, label: str, values: Mapping[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, documentation, labels=[label])
    for key, value in values.items():
        family.add_metric([key], value)
    return family
