"""A thousand connections of which two hundred hang, at every stage of an import at which a server can: do the healthy
ones wait?

    python -m bench.crowd

shows at a small size that it works. The healthy ones are watched twice in one run, alone and then beside those that
hang. A look is on time when it ended no later than a quarter of an interval after it was due; what a file waited is the
time from when it was found to the end of its import. What servers saw of sessions at a time is compared with the
budget, and nobody may have been locked out. Altogether it takes ten intervals and a minute or two.
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
from bench.crowd_server import FTPS, GIVING, NEVER_MARKS, WEBDAV, WELL
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
ON_TIME = 0.25
"""So much later than it was due, in intervals, a look may end."""
_TAKEN = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "rename"}}
_LEFT = {"done": {"leave": True}, "failed": {"leave": True}}
BUDGET: int = Settings.model_fields["sessions_per_host"].default


@dataclass(frozen=True, slots=True)
class Size:
    """How large the crowd is, and how long it is watched, each time."""

    connections: int = 1_000
    hanging: int = 200
    giving: int = 40
    """Of the healthy ones, those that have files: another each interval."""
    hosts: int = 40
    """That the other healthy ones share."""
    interval_seconds: int = 60
    intervals: int = 4


SMALL = Size(connections=110, hanging=28, giving=8, hosts=4, interval_seconds=10, intervals=4)


@dataclass(slots=True)
class Servers:
    """The partners' servers: their ports by stage, and, once they have stopped, the most sessions each port had."""

    ports: dict[str, list[int]]
    peaks: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Seen:
    """What the healthy ones had while they were watched."""

    delays: list[float]
    """Of looks, in intervals."""
    waits: list[float]
    """Of files, in seconds."""

    @property
    def late(self) -> float:
        """The share of looks that were not on time, in percent."""
        return 100 * sum(each > ON_TIME for each in self.delays) / len(self.delays)


async def measure(system: System, size: Size = Size()) -> list[Line]:
    """Looks and files of healthy connections, alone and beside those that hang; sessions, logins, and memory."""
    with servers(size) as served:
        stages = [NEVER_RESOLVES, *(stage for stage in served.ports if stage not in (WELL, GIVING))]
        ledger = await asyncpg.connect(system.superuser_dsn, timeout=10)
        try:
            async with client_of(system) as client:
                await client.post("/v1/properties", {"name": "email", "type": "email", "identifier": True})
                await client.post("/v1/properties", {"name": "first_name", "type": "text"})
                with peak_of(system.pids["poller"]) as poller, peak_of(system.pids["importer"]) as importer:
                    alone, beside = await _both(ledger, client, served, stages, size)
            refused = await _locked_out(ledger)
        finally:
            await ledger.close()
    sessions = [served.peaks[port] for ports in served.ports.values() for port in ports if port in served.peaks]
    healthy = size.connections - size.hanging
    told = f"{healthy} healthy beside {size.hanging} that hang at {len(stages)} stages; {len(beside.delays)} looks"
    return [
        Line("looks at healthy connections that are late", beside.late, "%", 1, 5, f"{told}; alone {alone.late:.2f}"),
        _delay("p95", percentile(alone.delays, 95), percentile(beside.delays, 95), ON_TIME / 2),
        _delay("worst", max(alone.delays), max(beside.delays), 2 * ON_TIME),
        *(_wait(f"p{each}", percentile(alone.waits, each), percentile(beside.waits, each)) for each in (50, 95)),
        Line("files of healthy connections", len(beside.waits), "files", detail=f"alone {len(alone.waits)}"),
        Line("most sessions at a time on one host", max(sessions), "sessions", BUDGET, BUDGET),
        Line("logins that were refused or stopped", refused, "logins", 0, 0),
        Line("poller's peak memory meanwhile", poller.bytes / MEGABYTE, "MB"),
        Line("importer's peak memory meanwhile", importer.bytes / MEGABYTE, "MB"),
    ]


def _delay(which: str, alone: float, beside: float, aim: float) -> Line:
    return Line(f"delay of healthy connections, {which}", beside, "intervals", aim, 2 * aim, f"alone {alone:.3f}")


def _wait(which: str, alone: float, beside: float) -> Line:
    detail = f"{beside:.2f} s, alone {alone:.2f} s"
    return Line(f"wait of files of healthy connections, {which}, to alone", beside / alone, "x alone", 1.5, 3, detail)


async def _both(
    ledger: "asyncpg.Connection[Any]", client: Client, served: Servers, stages: Sequence[str], size: Size
) -> tuple[Seen, Seen]:
    """The healthy ones alone, and beside those that hang."""
    healthy = [GIVING] * size.giving + [WELL] * (size.connections - size.hanging - size.giving)
    well = await _connect(client, _placed(served, healthy), size, first=0)
    await asyncio.sleep(size.interval_seconds)
    alone = await _watched(ledger, well, size)
    hanging = [stages[number % len(stages)] for number in range(size.hanging)]
    await _connect(client, _placed(served, hanging), size, first=len(healthy))
    await asyncio.sleep(size.interval_seconds)
    return alone, await _watched(ledger, well, size)


def _placed(served: Servers, wanted: Sequence[str]) -> list[tuple[str, int]]:
    """Stage and port of each. All ports are one host's, or a host each."""
    ports = {**served.ports, NEVER_RESOLVES: [22]}
    return [(stage, ports[stage][number % len(ports[stage])]) for number, stage in enumerate(wanted)]


async def _connect(client: Client, chosen: Sequence[tuple[str, int]], size: Size, *, first: int) -> set[UUID]:
    """Make a connection with a goal to each, from that number on, none of them verified on the way."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int, stage: str, port: int) -> UUID:
        place = _place(stage, port, f"bench{number}")
        settings = {"name": f"Partner {number}", "interval_seconds": size.interval_seconds, "place": place}
        goal = {**SMALLEST, "source": _TAKEN if stage == NEVER_MARKS else {**_TAKEN, "afterwards": _LEFT}}
        async with turns:
            made = await client.post("/v1/connections?verify=false", {**settings, "password": "of the benchmark"})
            await client.post(f"/v1/connections/{made['id']}/goals", goal)
        return UUID(made["id"])

    return set(await asyncio.gather(*(one(number, *each) for number, each in enumerate(chosen, first))))


def _place(stage: str, port: int, username: str) -> dict[str, Any]:
    """Where the server of a stage is."""
    transport = stage.partition(":")[0]
    if transport == WEBDAV:
        return {"transport": "webdav", "url": f"https://{WELL_NAME}:{port}/", "username": username}
    host = SILENT_NAME if stage == NEVER_RESOLVES else WELL_NAME
    place = {"host": host, "port": port, "username": username}
    if transport == FTPS:
        return {"transport": "ftps", **place}
    return {"transport": "sftp", "trust_on_first_use": True, **place}


async def _watched(ledger: "asyncpg.Connection[Any]", well: set[UUID], size: Size) -> Seen:
    """The delays of all looks that ended within the time, and the waits of all files that were found in it."""
    query = (
        "SELECT connection_id, extract(epoch FROM looked_at)::float8 AS at, failures_in_a_row FROM tidegate.connections"
    )
    before: dict[UUID, float] = {}
    delays: list[float] = []
    began_at = time.time()
    while time.time() < began_at + size.intervals * size.interval_seconds:
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
    waits = await _waits(ledger, well, began_at)
    if len(before) < len(well):
        raise RuntimeError(f"only {len(before)} of {len(well)} healthy connections were looked at")
    if len(waits) < size.giving:
        raise RuntimeError(f"only {len(waits)} files of {size.giving} servers were found")
    # Who waits for a look when the time is up has waited at least this long.
    delays += [max(0.0, (time.time() - at) / size.interval_seconds - 1) for at in before.values()]
    return Seen(delays, waits)


async def _waits(ledger: "asyncpg.Connection[Any]", well: set[UUID], since: float) -> list[float]:
    """How long files of these that were found since then waited, or have waited by now, to be imported."""
    query = """
        SELECT extract(epoch FROM coalesce(finished_at, now()) - queued_at)::float8 AS waited
        FROM tidegate.runs WHERE connection_id = ANY($1) AND queued_at > to_timestamp($2)
    """
    return [row["waited"] for row in await ledger.fetch(query, list(well), since)]


async def _locked_out(ledger: "asyncpg.Connection[Any]") -> int:
    """How many logins and connections were given up because of what a server said to a login."""
    query = """
        SELECT (SELECT count(*) FROM tidegate.partner_logins WHERE refused_at IS NOT NULL OR cut_off_at IS NOT NULL)
            + (SELECT count(*) FROM tidegate.connections WHERE stopped_code IS NOT NULL)
    """
    return int(await ledger.fetchval(query))


@contextmanager
def servers(size: Size) -> Iterator[Servers]:
    """The partners' servers, of which so many are well and have no file."""
    command = [sys.executable, "-m", "bench.crowd_server", str(size.hosts), str(size.interval_seconds)]
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
    began_at = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, services(Path(directory), instead=IN_NAMES) as system:
        for line in asyncio.run(measure(system, SMALL)):
            print(f"{line.name}: {line.found:.2f} {line.unit} ({line.detail})")
    print(f"{time.monotonic() - began_at:.0f} seconds")


if __name__ == "__main__":
    main()
