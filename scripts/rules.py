"""Render the PrometheusRule of deploy/k8s from deploy/prometheus/rules.yml, or say whether it is still fresh.

One file is what people edit and what promtool tests; the operator wants the same groups inside an object of its own.
"""

import argparse
import sys
from pathlib import Path

import yaml

SOURCE = Path("deploy/prometheus/rules.yml")
RENDERED = Path("deploy/k8s/components/monitoring/rules.yaml")


def main() -> int:
    """Render or check; 0 where it is, or has become, fresh."""
    parser = argparse.ArgumentParser(description="Render or check the PrometheusRule.")
    parser.add_argument("--check", action="store_true", help="only say whether it is fresh")
    expected = rendered(SOURCE.read_text(encoding="utf-8"))
    if not parser.parse_args().check:
        RENDERED.write_text(expected, encoding="utf-8")
    if RENDERED.read_text(encoding="utf-8") != expected:
        print(f"{RENDERED} does not belong to {SOURCE} any more; run 'make contract' and commit both")
        return 1
    print(f"{RENDERED} is fresh")
    return 0


def rendered(rules: str) -> str:
    """The object around the groups."""
    document = {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "tidegate"},
        "spec": yaml.safe_load(rules),
    }
    told = f"# Rendered from {SOURCE} by `make contract`.\n"
    return told + yaml.safe_dump(document, sort_keys=False, width=120, allow_unicode=True)


if __name__ == "__main__":
    sys.exit(main())
