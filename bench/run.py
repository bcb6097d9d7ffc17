"""`make bench`: throughput, memory and latency, side by side with the floor, part by part.

Everything is a ratio to the floor measured right before it, because machines differ and so do their hours. The counts
of every import are compared with what the generator knows; no timing is asserted. A part's figures are written as soon
as they are measured, with what they were measured on.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from bench.parts import LARGE, ON_RABBITMQ, ONLY_LARGE, PARTS, Bench
from bench.report import Line, table
from tests.real.rabbitmq import SERVER

DATA = Path(__file__).parent / "data"
RESULTS = Path(__file__).parent / "results.json"
WIDTH = 120
"""Of the table where the output is no terminal."""


def main() -> None:
    """Measure and tell."""
    chosen = _arguments()
    console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)
    DATA.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=DATA))
    bench = Bench(
        rows=chosen.rows,
        rounds=chosen.rounds,
        files=chosen.files,
        seconds=chosen.seconds,
        is_large=chosen.large,
        data=DATA,
        directory=directory,
        console=console,
    )
    try:
        lines = [line for name in _wanted(chosen, console) for line in _measured(name, bench, chosen)]
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    console.print(table(lines, f"Tidegate: {chosen.rows:,} rows x 12 columns, medians of {chosen.rounds} rounds"))
    for name, value in bench.facts.items():
        console.print(f"{name}: {value}", markup=False)


def _wanted(chosen: argparse.Namespace, console: Console) -> list[str]:
    """The parts that are asked for and can be measured here."""
    if chosen.only is not None:
        return [chosen.only]
    wanted = [name for name in PARTS if chosen.large or name not in ONLY_LARGE]
    if SERVER.exists():
        return wanted
    left = [name for name in wanted if name in ON_RABBITMQ]
    console.print(f"not measured, because this machine has no RabbitMQ: {', '.join(left)}")
    return [name for name in wanted if name not in ON_RABBITMQ]


def _measured(name: str, bench: Bench, chosen: argparse.Namespace) -> list[Line]:
    """One part, and its figures in the results."""
    bench.console.print(f"{name}: {PARTS[name].__doc__}")
    began_at, load_before = datetime.now(UTC), os.getloadavg()[0]
    lines = PARTS[name](bench)
    bench.console.print(f"load average before: {load_before:.1f}")
    if not chosen.no_results:
        measured = {
            "measured_on": began_at.date().isoformat(),
            "load_before": round(load_before, 1),
            "rows": bench.rows,
            "rounds": bench.rounds,
            **bench.facts,
            "figures": [{"what": line.name, **line.facts(), "detail": line.detail} for line in lines],
        }
        _keep(name, measured)
    return lines


def _keep(name: str, measured: dict[str, Any]) -> None:
    """Put a part's figures in the place of its former ones."""
    known = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    ordered = {each: (known | {name: measured})[each] for each in PARTS if each in known or each == name}
    RESULTS.write_text(json.dumps(ordered, indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each file; a multiple of ten")
    parser.add_argument("--rounds", type=int, default=3, help="of floor, first load, floor, delta")
    parser.add_argument("--files", type=int, default=60, help="small ones, for the latency")
    parser.add_argument(
        "--large", action="store_true", help=f"also what takes {LARGE} times as many profiles: memory, growth"
    )
    parser.add_argument("--seconds", type=float, default=60, help="of steady load")
    parser.add_argument("--only", choices=tuple(PARTS), help="one part alone")
    parser.add_argument("--no-results", action="store_true", help="leave bench/results.json as it is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
