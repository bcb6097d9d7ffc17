"""The parts of the benchmark: each makes its own arrangement of services, measures, and tells its lines.

A part stands alone, so that one can be measured in a quiet minute and none takes another's figures along when it fails.
"""

import asyncio
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import copy_and_merge as alone
from bench import crowd, exports, expressions, fetching, formats, growth, importers, listing, sessions, steady, together
from bench.floor import Floor, floor_of
from bench.generate import Made, delta, first_load
from bench.machine import machine
from bench.report import Line, memory_line, percentile, ratio_line
from bench.road import Road, latencies, one_round
from bench.system import SERVICES, Cluster, System, cluster, services
from shared.storage.database import Database, DatabaseAddress

LARGE = 5


@dataclass(slots=True)
class Bench:
    """What is asked for, where there is room, and what is learned on the way."""

    rows: int
    rounds: int
    files: int
    seconds: float
    is_large: bool
    data: Path
    directory: Path
    console: Console
    facts: dict[str, Any] = field(default_factory=dict)
    """Of the machine and the road that the last part was measured on."""
    _made: dict[str, Made] = field(default_factory=dict)

    def load(self, kind: str, rows: int) -> Made:
        """A generated file of that many rows, written once a run of the benchmark, so that none is ever stale."""
        name = f"{kind}_{rows}"
        if name not in self._made:
            self.console.print(f"{kind}: {rows:,} rows ...")
            self._made[name] = (first_load if kind == "first" else delta)(self.data / f"{name}.csv", rows)
        return self._made[name]

    def loads(self) -> dict[str, Made]:
        """The two files that most parts read."""
        return {kind: self.load(kind, self.rows) for kind in ("first", "delta")}

    def learn(self, found: Cluster | System) -> None:
        """Note what the part is measured on."""
        self.facts = asyncio.run(machine(found.superuser_dsn)) | {"floor": floor_of(found.superuser_dsn).how}
        if isinstance(found, System):
            self.facts["road"] = found.how


def _alone(bench: Bench) -> list[Line]:
    """Copy and merge of a file that was parsed before, by the importer's own staging and merge."""
    loads = bench.loads()
    with cluster(bench.directory) as found:
        bench.learn(found)
        rounds = asyncio.run(_alone_rounds(found, loads, bench))
    titles = {"first": ("first load", 5, 9), "delta": ("delta", 9, 13)}
    return [
        ratio_line(f"copy and merge alone, {title}", *zip(*rounds[kind], strict=True), aim=aim, limit=limit)
        for kind, (title, aim, limit) in titles.items()
    ]


async def _alone_rounds(found: Cluster, loads: dict[str, Made], bench: Bench) -> dict[str, list[tuple[float, float]]]:
    floor = floor_of(found.superuser_dsn)
    parsed = {kind: alone.parse(made.path, bench.directory / f"{kind}.parsed") for kind, made in loads.items()}
    rounds: dict[str, list[tuple[float, float]]] = {kind: [] for kind in loads}
    async with Database.open(DatabaseAddress(found.service_url, found.watch_url)) as database:
        for number in range(bench.rounds):
            account_id = await alone.make_account(database)
            for kind, made in loads.items():
                floor_seconds = await floor.measure(made.path)
                took = await alone.copy_and_merge(database, found.superuser_dsn, account_id, parsed[kind], made)
                rounds[kind].append((took.total, floor_seconds))
                bench.console.print(f"round {number + 1}, {kind}: {_told(asdict(took))}, floor {floor_seconds:.2f}")
                await alone.rest(found.superuser_dsn, account_id)
            await alone.empty(found.superuser_dsn, account_id)
    return rounds


def _road(bench: Bench) -> list[Line]:
    """The whole road, from the upload's close to the commit, and what memory the importer takes for it."""
    loads = bench.loads()
    roads = {kind: Road() for kind in loads}
    large = Road()
    with services(bench.directory) as system:
        bench.learn(system)
        floor: Floor = floor_of(system.superuser_dsn)
        for number in range(bench.rounds):
            asyncio.run(one_round(system, floor, {kind: (made, roads[kind]) for kind, made in loads.items()}))
            for kind, road in roads.items():
                told = f"{road.seconds[-1]:.2f} s, floor {road.floors[-1]:.2f}, {_told(road.steps[-1])}"
                bench.console.print(f"round {number + 1}, {kind}: {told}")
        if bench.is_large:
            asyncio.run(one_round(system, floor, {"large": (bench.load("first", LARGE * bench.rows), large)}))
    titles = {"first": ("first load", 7, 11), "delta": ("delta", 11, 15)}
    lines = [
        ratio_line(f"whole road, {title}", roads[kind].seconds, roads[kind].floors, aim=aim, limit=limit)
        for kind, (title, aim, limit) in titles.items()
    ]
    peak = max(road.peak_bytes for road in roads.values())
    lines.append(memory_line("importer's peak memory", peak, f"{bench.rows:,} rows"))
    if bench.is_large:
        detail = f"{LARGE * bench.rows:,} rows in {large.seconds[0]:.1f} s"
        lines.append(memory_line("importer's peak memory", large.peak_bytes, detail))
    return lines


def _formats(bench: Bench) -> list[Line]:
    """Packed, encrypted, as a workbook, read exactly, processed: the same rows, beside the plain file."""
    made = bench.load("first", min(bench.rows, formats.ROWS))
    with services(bench.directory) as system:
        bench.learn(system)
        return [*formats.measure(system, bench.directory, made, bench.rounds), *expressions.measure()]


def _exports(bench: Bench) -> list[Line]:
    """The way back: all profiles to one file, and what memory the exporter takes for it."""
    with services(bench.directory, *SERVICES, "exporter") as system:
        bench.learn(system)
        floor = floor_of(system.superuser_dsn)
        took = asyncio.run(
            exports.measure(system, floor, bench.load("first", bench.rows), bench.rounds, bench.directory)
        )
        for name, each in took.items():
            bench.console.print(f"{name}: {_told(each.steps[-1])}")
        lines = exports.lines_of(took, bench.rows)
        if bench.is_large:
            made = bench.load("first", LARGE * bench.rows)
            large = asyncio.run(exports.measure(system, floor, made, 1, bench.directory))
            lines += exports.lines_of(large, made.rows)
    return lines


def _together(bench: Bench) -> list[Line]:
    """Nine small exports beside a large one, in an exporter as it comes."""
    rows = LARGE * bench.rows
    with services(bench.directory, *SERVICES, "exporter") as system:
        bench.learn(system)
        took = asyncio.run(together.measure(system, rows, bench.rounds))
    return together.lines_of(took, rows)


def _latency(bench: Bench) -> list[Line]:
    """Small files one after the other, from the upload's close to the commit."""
    with services(bench.directory) as system:
        bench.learn(system)
        found = asyncio.run(latencies(system, bench.directory, bench.files))
    detail = f"{len(found)} files of 1,000 rows, one after the other"
    return [
        Line("upload closed to committed, p50", percentile(found, 50), "s", detail=detail),
        Line("upload closed to committed, p95", percentile(found, 95), "s", 2, 2),
    ]


def _steady(bench: Bench) -> list[Line]:
    """Small files over many goals, at a steady pace."""
    with services(bench.directory) as system:
        bench.learn(system)
        return asyncio.run(steady.measure(system, bench.directory, bench.seconds))


def _growth(bench: Bench) -> list[Line]:
    """The same small delta into a small and into a large account."""
    with services(bench.directory) as system:
        bench.learn(system)
        return asyncio.run(growth.measure(system, bench.data, (bench.rows, LARGE * bench.rows), bench.rounds))


def _importers(bench: Bench) -> list[Line]:
    """One importer and two."""
    return importers.measure(bench.directory, bench.load("first", bench.rows), bench.rounds)


def _fetching(bench: Bench) -> list[Line]:
    """A fetch from OpenSSH, beside OpenSSH's own client."""
    return fetching.measure(bench.rounds)


def _listing(bench: Bench) -> list[Line]:
    """A folder with very many files."""
    with services(bench.directory) as system:
        bench.learn(system)
        return asyncio.run(listing.measure(system))


def _sessions(bench: Bench) -> list[Line]:
    """Many sessions at the hosted server, idle beside an upload, and logging in at once."""
    with services(bench.directory) as system:
        bench.learn(system)
        return asyncio.run(sessions.measure(system, bench.rounds))


def _crowd(bench: Bench) -> list[Line]:
    """Very many connections, of which some hang."""
    with services(bench.directory, instead=crowd.IN_NAMES) as system:
        bench.learn(system)
        return asyncio.run(crowd.measure(system))


PARTS: dict[str, Callable[[Bench], list[Line]]] = {
    "alone": _alone,
    "road": _road,
    "formats": _formats,
    "exports": _exports,
    "together": _together,
    "latency": _latency,
    "steady": _steady,
    "growth": _growth,
    "fetching": _fetching,
    "importers": _importers,
    "listing": _listing,
    "sessions": _sessions,
    "crowd": _crowd,
}
ONLY_LARGE = frozenset({"together", "growth"})
"""What takes so long that it is measured where large files are asked for."""
ON_RABBITMQ = frozenset({"importers", "listing", "crowd"})
"""What wants services in processes of their own."""


def _told(parts: dict[str, float]) -> str:
    return ", ".join(f"{name} {seconds:.2f}" for name, seconds in parts.items())
