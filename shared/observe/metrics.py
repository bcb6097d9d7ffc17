"""Every metric that Tidegate has, declared in one place; those that describe the ledger as a whole in `ledger_gauges`.

Labels come from closed lists, never from customers.
"""

from collections.abc import Callable, Mapping
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from shared.observe.ledger_gauges import LedgerGauges

_STEP_SECONDS = (0.01, 0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200)
_FAST_SECONDS = (0.005, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15, 60)


def _at(counts: Callable[[], Mapping[str, int]], name: str) -> int:
    return counts()[name]


class Metrics:
    """The metrics of one process, in a registry of their own."""

    def __init__(self) -> None:
        registry = CollectorRegistry()
        self.registry = registry
        self.arrivals = Counter(
            "tidegate_arrivals_total",
            "Files seen in drop folders, by what became of the sighting.",
            ["outcome"],
            registry=registry,
        )
        self.looks = Counter(
            "tidegate_looks_total", "Looks at connections.", ["transport", "outcome"], registry=registry
        )
        self.connection_failures = Counter(
            "tidegate_connection_failures_total",
            "Connections to places that failed, by reason.",
            ["code"],
            registry=registry,
        )
        self.session_wait_seconds = Histogram(
            "tidegate_session_wait_seconds",
            "Waiting for one of the sessions that a partner's host may have, by what came of it.",
            ["outcome"],
            buckets=_FAST_SECONDS,
            registry=registry,
        )
        self.runs = Counter(
            "tidegate_runs_total", "Runs that ended or were put aside.", ["kind", "outcome"], registry=registry
        )
        self._runs_in_hand = Gauge(
            "tidegate_runs_in_hand",
            "Runs that this process carries out, by where they are: working in a place, lasting without one, at a "
            "partner's without one, or waiting for a place again.",
            ["kind", "where"],
            registry=registry,
        )
        self.rows = Counter(
            "tidegate_rows_total", "Rows of imported files, by outcome.", ["outcome"], registry=registry
        )
        self.rejects = Counter(
            "tidegate_rejects_total", "Rows that were not imported, by code.", ["code"], registry=registry
        )
        self.value_rejects = Counter(
            "tidegate_value_rejects_total",
            "Values that were not imported, of rows that were, by code.",
            ["code"],
            registry=registry,
        )
        self.opt_ins_withheld = Counter(
            "tidegate_opt_ins_withheld_total",
            "Profiles that a file opted in and that stayed suppressed, by what suppresses them.",
            ["suppression"],
            registry=registry,
        )
        self.rows_by_path = Counter(
            "tidegate_rows_read_total", "Rows read, by the fast or the exact path.", ["path"], registry=registry
        )
        self.returns = Counter(
            "tidegate_returns_total",
            "What ended runs owe their senders in drop folders (rejects, acknowledgements), by what became of it.",
            ["outcome"],
            registry=registry,
        )
        self.step_seconds = Histogram(
            "tidegate_step_seconds",
            "Seconds by step of a run.",
            ["kind", "step"],
            buckets=_STEP_SECONDS,
            registry=registry,
        )
        self.arrival_to_commit_seconds = Histogram(
            "tidegate_arrival_to_commit_seconds",
            "From the arrival of a file to its committed merge.",
            buckets=_STEP_SECONDS,
            registry=registry,
        )
        self.ledger = LedgerGauges()
        registry.register(self.ledger)
        self.messages = Counter(
            "tidegate_messages_total", "Messages by what became of them here.", ["name", "outcome"], registry=registry
        )
        self.mails = Counter("tidegate_mails_total", "Mails by what became of them.", ["outcome"], registry=registry)
        self.swept = Counter("tidegate_swept_total", "What the sweeper had to mend.", ["what"], registry=registry)
        self.expectations = Counter(
            "tidegate_expectations_total",
            "Files that did not come as goals expect them, by what was found.",
            ["finding"],
            registry=registry,
        )
        for finding in ("missing", "late", "small", "large", "unexpected"):
            # Known from the start: the first one must show as a rise.
            self.expectations.labels(finding)
        self.uploads = Counter(
            "tidegate_uploads_total",
            "Uploads to hosted folders, by how they ended.",
            ["outcome", "transport"],
            registry=registry,
        )
        self.logins = Counter(
            "tidegate_logins_total",
            "Logins to hosted folders; by WebDAV one that goes on asking is proved, and counted, every ten seconds.",
            ["outcome", "transport"],
            registry=registry,
        )
        self.files_expired = Counter(
            "tidegate_files_expired_total",
            "Files that hosted folders kept no longer, by what they were.",
            ["kind"],
            registry=registry,
        )
        for kind in ("imported", "unmatched", "delivered", "left_over", "companion"):
            self.files_expired.labels(kind)
        self.request_seconds = Histogram(
            "tidegate_request_seconds",
            "Requests to the gateway.",
            ["method", "route", "status"],
            buckets=_FAST_SECONDS,
            registry=registry,
        )

        self.requests_refused = Counter(
            "tidegate_requests_refused_total",
            "Requests that the gateway refused before it knew or read them, by code.",
            ["code"],
            registry=registry,
        )

    def watch_runs(self, kind: str, in_hand: Callable[[], Mapping[str, int]]) -> None:
        """Show how many runs of a kind are where, as it is whenever somebody asks."""
        for where in in_hand():
            self._runs_in_hand.labels(kind, where).set_function(partial(_at, in_hand, where))

    def text(self) -> bytes:
        """The exposition in Prometheus's text format."""
        return generate_latest(self.registry)
