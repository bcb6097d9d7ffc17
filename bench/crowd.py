"""A thousand connections of which two hundred hang, at every stage at which a server can: do the healthy ones wait?

    python -m bench.crowd

shows at a small size that it works. The delay of a look is how much later it ended than one interval after the one
before, as a share of the interval; that of a run is how long its file waited to be imported. What the servers saw of
sessions at a time is compared with the budget.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg

from bench.crowd_names import SILENT_NAME, WELL_NAME
from bench.crowd_server import GIVING, WELL
from bench.goal import SMALLEST
from bench.memory import peak_of
from bench.report import MEGABYTE, Line, percentile
from bench.system import System, services
from bench.tenant import Client, client_of
from shared.runtime.settings import Settings

NEVER_RESOLVES = "never resolves"
IN_NAMES = {"poller": "bench.crowd_names", "importer": "bench.crowd_names"}
"""Who contacts partners runs where their names are known."""
LOOK_SECONDS = 1.0
AT_A_TIME = 8
_TAKEN = {
    "source": {
        "pattern": {"wildcard": "*.csv"},
        "readiness": {"strategy": "rename"},
        "afterwards": {"done": {"leave": True}, "failed": {"leave": True}},
    }
}
BUDGET: int = Settings.model_fields["sessions_per_host"].default


@dataclass(frozen=True, slots=True)
class Size:
    """How large the crowd is, and how long it is watched."""

    connections: int = 1_000
    hanging: int = 200
    giving: int = 20
    """Of the healthy ones, those that have a file."""
    hosts: int = 40
    """That the other healthy ones share."""
    interval_seconds: int = 60
    intervals: int = 4


SMALL = Size(connections=110, hanging=22, giving=4, hosts=4, interval_seconds=10, intervals=6)


@dataclass(slots=True)
class Servers:
    """The partners' servers: their ports by stage, and, once they have stopped, the most sessions each port had."""

    ports: dict[str, list[int]]
    peaks: dict[int, int] = field(default_factory=dict)


async def measure(system: System, size: Size = Size()) -> list[Line]:
    """p95 and worst delays of the healthy connections, sessions per host, and what the poller holds meanwhile."""
    with servers(size.hosts) as served:
        stages = [NEVER_RESOLVES, *(stage for stage in served.ports if stage not in (WELL, GIVING))]
        async with client_of(system) as client:
            await client.post("/v1/properties", {"name": "email", "type": "email", "identifier": True})
            await client.post("/v1/properties", {"name": "first_name", "type": "text"})
            with peak_of(system.pids["poller"]) as peak:
                well = await _connect(client, _mixed(served, stages, size), interval_seconds=size.interval_seconds)
                delays, waited = await _watched(system, well, size)
    sessions = [served.peaks[port] for ports in served.ports.values() for port in ports if port in served.peaks]
    told = f"{len(well)} healthy of {size.connections:,}, {size.hanging} hanging at {len(stages)} stages"
    return [
        Line("delay of healthy connections, p95", percentile(delays, 95), "intervals", detail=told),
        Line("delay of healthy connections, worst", max(delays), "intervals", detail=f"{len(delays)} looks"),
        Line("wait of files of healthy connections, worst", max(waited), "s", detail=f"{len(waited)} imports"),
        Line("most sessions at a time on one host", max(sessions), "sessions", detail=f"budget {BUDGET}"),
        Line("poller's peak memory meanwhile", peak.bytes / MEGABYTE, "MB"),
    ]


def _mixed(served: Servers, stages: Sequence[str], size: Size) -> list[tuple[str, int]]:
    """(stage, port) of each connection, those that hang among the others. All ports are one host's, or a host each."""
    hanging = [stages[number % len(stages)] for number in range(size.hanging)]
    healthy = [GIVING] * size.giving + [WELL] * (size.connections - size.hanging - size.giving)
    ports = {**served.ports, NEVER_RESOLVES: [22]}
    found = [(stage, ports[stage][number % len(ports[stage])]) for number, stage in enumerate(hanging + healthy)]
    return [each for _, each in sorted(enumerate(found), key=lambda each: each[0] * 7 % size.connections)]


async def _connect(client: Client, chosen: list[tuple[str, int]], *, interval_seconds: int) -> set[UUID]:
    """Make a connection with a goal to each; which of them are healthy."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int, stage: str, port: int) -> UUID | None:
        host = SILENT_NAME if stage == NEVER_RESOLVES else WELL_NAME
        place = {"transport": "sftp", "host": host, "port": port, "username": "bench", "trust_on_first_use": True}
        settings = {"name": f"Partner {number}", "interval_seconds": interval_seconds, "place": place}
        async with turns:
            made = await client.post("/v1/connections", {**settings, "password": "of the benchmark"})
            await client.post(f"/v1/connections/{made['id']}/goals", {**SMALLEST, **_TAKEN})
        return UUID(made["id"]) if stage in (WELL, GIVING) else None

    found = await asyncio.gather(*(one(number, *each) for number, each in enumerate(chosen)))
    return {each for each in found if each is not None}


async def _watched(system: System, well: set[UUID], size: Size) -> tuple[list[float], list[float]]:
    """The delays of all looks that ended within the time (intervals), and the waits of all files (seconds)."""
    ledger = await asyncpg.connect(system.superuser_dsn, timeout=10)
    query = (
        "SELECT connection_id, extract(epoch FROM looked_at)::float8 AS at, failures_in_a_row FROM tidegate.connections"
    )
    before: dict[UUID, float] = {}
    delays: list[float] = []
    ends_at = time.time() + size.intervals * size.interval_seconds
    try:
        while time.time() < ends_at:
            for row in await ledger.fetch(query):
                connection_id, at = row["connection_id"], row["at"]
                if connection_id not in well or at is None or before.get(connection_id) == at:
                    continue
                if row["failures_in_a_row"]:
                    raise RuntimeError("a look at a healthy server failed")
                if connection_id in before:
                    delays.append((at - before[connection_id]) / size.interval_seconds - 1)
                before[connection_id] = at
            await asyncio.sleep(LOOK_SECONDS)
        waited = await _waits(ledger, well)
    finally:
        await ledger.close()
    if len(before) < len(well):
        raise RuntimeError(f"only {len(before)} of {len(well)} healthy connections were looked at")
    if len(waited) < size.giving:
        raise RuntimeError(f"only {len(waited)} of {size.giving} files were found")
    # Who waits for a look when the time is up has waited at least this long.
    return delays + [max(0.0, (time.time() - at) / size.interval_seconds - 1) for at in before.values()], waited


async def _waits(ledger: "asyncpg.Connection[Any]", well: set[UUID]) -> list[float]:
    """How long the files of healthy connections waited, or have waited by now, to be imported."""
    query = """
        SELECT extract(epoch FROM coalesce(finished_at, now()) - queued_at)::float8 AS waited
        FROM tidegate.runs WHERE connection_id = ANY($1)
    """
    return [row["waited"] for row in await ledger.fetch(query, list(well))]


@contextmanager
def servers(well: int) -> Iterator[Servers]:
    """The partners' servers, of which so many are well and have no file."""
    command = [sys.executable, "-m", "bench.crowd_server", str(well)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            served = Servers(json.loads(child.stdout.readline()))
            yield served
            child.stdin.close()
            served.peaks = {int(port): peak for port, peak in json.loads(child.stdout.readline()).items()}
        finally:
            child.kill()


def main() -> None:
    """Measure a small crowd."""
    with tempfile.TemporaryDirectory() as directory, services(Path(directory), instead=IN_NAMES) as system:
        for line in asyncio.run(measure(system, SMALL)):
            print(f"{line.name}: {line.found:.2f} {line.unit} ({line.detail})")


if __name__ == "__main__":
    main()
