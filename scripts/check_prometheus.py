"""Let Prometheus's own tool read the rules, try each of them on made-up series, and judge the metrics' names.

Needs promtool (Debian's package prometheus); nothing is started.
"""

import shutil
import subprocess
import sys
import time
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from shared.observe.ledger_gauges import LedgerReading
from shared.observe.metrics import Metrics

RULES = "deploy/prometheus/rules.yml"
TESTS = "deploy/prometheus/rules_test.yml"


def main() -> int:
    """Run the three checks; 0 where all pass."""
    promtool = shutil.which("promtool")
    if promtool is None:
        print("promtool is not installed; run scripts/install_servers.sh prometheus")
        return 1
    asked: list[tuple[list[str], bytes]] = [
        (["check", "rules", RULES], b""),
        (["test", "rules", TESTS], b""),
        (["check", "metrics"], every_metric()),
    ]
    failed = 0
    for words, standard_input in asked:
        done = subprocess.run([promtool, *words], input=standard_input, capture_output=True, timeout=120, check=False)
        # `check metrics` ends with 3 for what it only dislikes: here that counts as well.
        if done.returncode != 0:
            failed += 1
            print(f"promtool {' '.join(words)}:\n{done.stdout.decode()}{done.stderr.decode()}")
    if not failed:
        print(f"promtool is content with {RULES}, {TESTS} and every metric")
    return 1 if failed else 0


def every_metric() -> bytes:
    """The exposition of a process in which everything has happened once."""
    metrics = Metrics()
    for collector in vars(metrics).values():
        if isinstance(collector, MetricWrapperBase):
            _touch(collector)
    metrics.ledger.show(
        LedgerReading(
            runs_open={("import", "queued"): 1},
            queued_seconds={"import": 1.0},
            succeeded_at={"import": time.time()},
            connections_stopped={"host_key_changed": 1},
            outbox_messages=1,
            outbox_age_seconds=1.0,
            parked_messages={"tidegate.importer": 1},
            measured_at=time.time(),
        )
    )
    return metrics.text()


def _touch(collector: Any) -> None:
    names = collector._labelnames
    child = collector.labels(*("example" for _ in names)) if names else collector
    for verb in ("observe", "inc", "set"):
        if hasattr(child, verb):
            getattr(child, verb)(1)
            return


if __name__ == "__main__":
    sys.exit(main())
