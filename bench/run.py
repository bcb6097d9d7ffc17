"""`make bench`: throughput, memory and latency, side by side with the floor, in one run.

Everything is a ratio to the floor measured right before it, because machines differ and so do their hours. The counts
of every import are compared with what the generator knows; no timing is asserted.
"""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import copy_and_merge as alone
from bench import crowd, fetching, growth, importers, listing, steady
from bench.floor import Floor, floor_of
from bench.generate import Made, delta, first_load
from bench.machine import machine
from bench.report import Line, memory_line, percentile, ratio_line, table
from bench.road import Road, latencies, one_round
from bench.system import RABBITMQ, Cluster, System, cluster, services
from shared.storage.database import Database, DatabaseAddress

DATA = Path(__file__).parent / "data"
RESULTS = Path(__file__).parent / "results.json"
LARGE = 5
PARTS = ("alone", "road", "latency", "steady", "growth", "importers", "fetching", "listing", "crowd")
WIDTH = 120
"""Of the table where the output is no terminal."""

console = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH)


@dataclass(slots=True)
class Alone:
    """Copy and merge of one file, round by round."""

    floors: list[float] = field(default_factory=list)
    took: list[alone.Took] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """All that one run of the benchmark measured."""

    floor: str = ""
    how: str = ""
    machine: dict[str, Any] = field(default_factory=dict)
    alone: dict[str, Alone] = field(default_factory=lambda: {"first": Alone(), "delta": Alone()})
    road: dict[str, Road] = field(default_factory=lambda: {"first": Road(), "delta": Road()})
    large: Road | None = None
    latencies: list[float] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    """Of the parts that tell their own."""


def main() -> None:
    """Measure and tell."""
    chosen = _arguments()
    DATA.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="run-", dir=DATA))
    try:
        findings = _measure(chosen, directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
    lines = _lines(findings, chosen.rows)
    console.print(table(lines, f"Tidegate: {chosen.rows:,} rows x 12 columns, medians of {chosen.rounds} rounds"))
    console.print(f"floor: {findings.floor}; the road: {findings.how}", markup=False)
    console.print(f"load average before: {findings.machine['load_before']:.1f} on {findings.machine['cores']} cores")
    if not chosen.no_results:
        RESULTS.write_text(json.dumps(_facts(findings, lines, chosen), indent=2) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each file; a multiple of ten")
    parser.add_argument("--rounds", type=int, default=3, help="of floor, first load, floor, delta")
    parser.add_argument("--files", type=int, default=60, help="small ones, for the latency")
    parser.add_argument(
        "--large", action="store_true", help=f"also what takes {LARGE} times as many profiles: memory, growth"
    )
    parser.add_argument("--seconds", type=float, default=60, help="of steady load")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--no-results", action="store_true", help="leave bench/results.json as it is")
    return parser.parse_args()


def _measure(chosen: argparse.Namespace, directory: Path) -> Findings:
    findings = Findings()
    load_before = os.getloadavg()[0]
    files = {"first": _made("first", chosen.rows), "delta": _made("delta", chosen.rows)}
    if chosen.only in (None, "alone"):
        with cluster(directory) as found:
            findings.floor = floor_of(found.superuser_dsn).how
            asyncio.run(_alone(found, files, chosen.rounds, directory, findings))
    with services(directory) as system:
        findings.how = system.how
        findings.floor = floor_of(system.superuser_dsn).how
        findings.machine = asyncio.run(machine(system.superuser_dsn))
        if chosen.only in (None, "road"):
            asyncio.run(_road(system, files, chosen, findings))
        if chosen.only in (None, "latency"):
            console.print(f"{chosen.files} small files ...")
            findings.latencies = asyncio.run(latencies(system, directory, chosen.files))
        if chosen.only in (None, "steady"):
            console.print(f"{chosen.seconds:.0f} seconds of steady load ...")
            findings.lines += asyncio.run(steady.measure(system, directory, chosen.seconds))
        if chosen.large and chosen.only in (None, "growth"):
            sizes = (chosen.rows, LARGE * chosen.rows)
            console.print(f"{growth.ROWS:,} rows into {sizes[0]:,} and into {sizes[1]:,} profiles ...")
            findings.lines += asyncio.run(growth.measure(system, DATA, sizes, chosen.rounds))
    findings.lines += _apart(chosen, directory, files["first"])
    findings.machine["load_before"] = load_before
    return findings


def _apart(chosen: argparse.Namespace, directory: Path, made: Made) -> list[Line]:
    """What wants another arrangement of the services, or none."""
    lines = []
    if chosen.only in (None, "fetching"):
        console.print("fetching from OpenSSH ...")
        lines += fetching.measure(chosen.rounds)
    if not RABBITMQ.exists():
        console.print("not measured, because this machine has no RabbitMQ: importers, listing, crowd")
        return lines
    if chosen.only in (None, "importers"):
        console.print("one importer and two ...")
        lines += importers.measure(directory, made, chosen.rounds)
    for name, part in (("listing", listing), ("crowd", crowd)):
        if chosen.only in (None, name):
            console.print(f"{(part.__doc__ or '').splitlines()[0]} ...")
            with services(directory) as system:
                lines += asyncio.run(part.measure(system))
    return lines


def _made(kind: str, rows: int) -> Made:
    """The file, written anew each time: that takes seconds, and none is ever stale."""
    make = first_load if kind == "first" else delta
    console.print(f"{kind}: {rows:,} rows ...")
    return make(DATA / f"{kind}_{rows}.csv", rows)


async def _alone(found: Cluster, files: dict[str, Made], rounds: int, directory: Path, findings: Findings) -> None:
    floor = floor_of(found.superuser_dsn)
    parsed = {name: alone.parse(made.path, directory / f"{name}.parsed") for name, made in files.items()}
    async with Database.open(DatabaseAddress(found.service_url, found.watch_url)) as database:
        for number in range(rounds):
            account_id = await alone.make_account(database)
            for name, made in files.items():
                floor_seconds = await floor.measure(made.path)
                took = await alone.copy_and_merge(database, found.superuser_dsn, account_id, parsed[name], made)
                findings.alone[name].floors.append(floor_seconds)
                findings.alone[name].took.append(took)
                console.print(f"alone, round {number + 1}, {name}: {_told(asdict(took))}, floor {floor_seconds:.2f}")
                await alone.rest(found.superuser_dsn, account_id)
            await alone.empty(found.superuser_dsn, account_id)


async def _road(system: System, files: dict[str, Made], chosen: argparse.Namespace, findings: Findings) -> None:
    floor: Floor = floor_of(system.superuser_dsn)
    for number in range(chosen.rounds):
        await one_round(system, floor, {name: (made, findings.road[name]) for name, made in files.items()})
        for name, road in findings.road.items():
            told = f"{road.seconds[-1]:.2f} s, floor {road.floors[-1]:.2f}, {_told(road.steps[-1])}"
            console.print(f"road, round {number + 1}, {name}: {told}")
    if chosen.large:
        findings.large = Road()
        large = _made("first", LARGE * chosen.rows)
        await one_round(system, floor, {"large": (large, findings.large)})


def _lines(findings: Findings, rows: int) -> list[Line]:
    lines = []
    shown = {"first": ("first load", 5, 9, 7, 11), "delta": ("delta", 9, 13, 11, 15)}
    for name, (title, aim, limit, _, _) in shown.items():
        if (found := findings.alone[name]).took:
            seconds = [took.total for took in found.took]
            lines.append(ratio_line(f"copy and merge alone, {title}", seconds, found.floors, aim=aim, limit=limit))
    for name, (title, _, _, aim, limit) in shown.items():
        if (road := findings.road[name]).seconds:
            lines.append(ratio_line(f"whole road, {title}", road.seconds, road.floors, aim=aim, limit=limit))
    if findings.road["first"].seconds:
        peak = max(road.peak_bytes for road in findings.road.values())
        lines.append(memory_line("importer's peak memory", peak, f"{rows:,} rows"))
    if findings.large is not None:
        detail = f"{LARGE * rows:,} rows in {findings.large.seconds[0]:.1f} s"
        lines.append(memory_line("importer's peak memory", findings.large.peak_bytes, detail))
    if found_latencies := findings.latencies:
        detail = f"{len(found_latencies)} files of 1,000 rows, one after the other"
        median = percentile(found_latencies, 50)
        lines.append(Line("upload closed to committed, p50", median, "s", detail=detail))
        lines.append(Line("upload closed to committed, p95", percentile(found_latencies, 95), "s", 2, 2))
    return lines + findings.lines


def _facts(findings: Findings, lines: list[Line], chosen: argparse.Namespace) -> dict[str, Any]:
    return {
        "rows": chosen.rows,
        "rounds": chosen.rounds,
        "floor": findings.floor,
        "road": findings.how,
        "machine": findings.machine,
        "figures": [{"what": line.name, **line.facts(), "detail": line.detail} for line in lines],
        "rounds_alone": {name: [asdict(took) for took in each.took] for name, each in findings.alone.items()},
        "rounds_road": {name: each.steps for name, each in findings.road.items()},
        "seconds": {
            "floors": {name: findings.alone[name].floors + findings.road[name].floors for name in findings.alone},
            "road": {name: each.seconds for name, each in findings.road.items()},
            "latency_median": statistics.median(findings.latencies) if findings.latencies else None,
        },
    }


def _told(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())


if __name__ == "__main__":
    main()
