"""A thousand connections of which two hundred hang, at every stage at which a server can: do the healthy ones wait?

The delay of a look is how much later it ended than one interval after the one before, as a share of the interval.
"""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import asyncpg

from bench.crowd_server import HOST, WELL
from bench.goal import SMALLEST
from bench.memory import peak_of
from bench.report import MEGABYTE, Line, percentile
from bench.system import System
from bench.tenant import Client, client_of

CONNECTIONS = 1_000
HANGING = 200
INTERVAL_SECONDS = 60
INTERVALS = 4
LOOK_SECONDS = 1.0
AT_A_TIME = 8


async def measure(system: System) -> list[Line]:
    """p95 and worst delay of the healthy connections, and what the poller holds meanwhile."""
    with servers() as ports:
        stages = [stage for stage in ports if stage != WELL]
        async with client_of(system) as client:
            await client.post("/v1/properties", {"name": "email", "type": "email", "identifier": True})
            await client.post("/v1/properties", {"name": "first_name", "type": "text"})
            began = time.time()
            with peak_of(system.pids["poller"]) as peak:
                hanging = [ports[stages[number % len(stages)]] for number in range(HANGING)]
                healthy = [ports[WELL]] * (CONNECTIONS - HANGING)
                mixed = sorted(enumerate(hanging + healthy), key=lambda each: each[0] * 7 % CONNECTIONS)
                well = await _connect(client, [port for _, port in mixed], ports[WELL])
                delays = await _watched(system, well, began)
    told = f"{len(well)} healthy of {CONNECTIONS:,}, {HANGING} hanging at {len(stages)} stages, {INTERVALS} intervals"
    return [
        Line("delay of healthy connections, p95", percentile(delays, 95), "intervals", detail=told),
        Line("delay of healthy connections, worst", max(delays), "intervals", detail=f"{len(delays)} looks"),
        Line("poller's peak memory meanwhile", peak.bytes / MEGABYTE, "MB"),
    ]


async def _connect(client: Client, ports: list[int], well: int) -> set[UUID]:
    """Make a connection with a goal to each port; which of them are healthy."""
    turns = asyncio.Semaphore(AT_A_TIME)

    async def one(number: int, port: int) -> UUID | None:
        place = {"transport": "sftp", "host": HOST, "port": port, "username": "bench", "trust_on_first_use": True}
        settings = {"name": f"Partner {number}", "interval_seconds": INTERVAL_SECONDS, "place": place}
        async with turns:
            made = await client.post("/v1/connections", {**settings, "password": "of the benchmark"})
            await client.post(f"/v1/connections/{made['id']}/goals", SMALLEST)
        return UUID(made["id"]) if port == well else None

    found = await asyncio.gather(*(one(number, port) for number, port in enumerate(ports)))
    return {each for each in found if each is not None}


async def _watched(system: System, well: set[UUID], began: float) -> list[float]:
    """The delays of all looks that ended within the time."""
    ledger = await asyncpg.connect(system.superuser_dsn, timeout=10)
    query = (
        "SELECT connection_id, extract(epoch FROM looked_at)::float8 AS at, failures_in_a_row FROM tidegate.connections"
    )
    before: dict[UUID, float] = {}
    delays = []
    try:
        while time.time() < began + INTERVALS * INTERVAL_SECONDS:
            for row in await ledger.fetch(query):
                connection_id, at = row["connection_id"], row["at"]
                if connection_id not in well or at is None or before.get(connection_id) == at:
                    continue
                if row["failures_in_a_row"]:
                    raise RuntimeError("a look at a healthy server failed")
                if connection_id in before:
                    delays.append((at - before[connection_id]) / INTERVAL_SECONDS - 1)
                before[connection_id] = at
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        await ledger.close()
    if len(before) < len(well):
        raise RuntimeError(f"only {len(before)} of {len(well)} healthy connections were looked at")
    # Who waits for a look when the time is up has waited at least this long.
    return delays + [max(0.0, (time.time() - at) / INTERVAL_SECONDS - 1) for at in before.values()]


@contextmanager
def servers() -> Iterator[dict[str, int]]:
    """The partners' servers, by stage the port."""
    command = [sys.executable, "-m", "bench.crowd_server"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            ports: dict[str, int] = json.loads(child.stdout.readline())
            yield ports
        finally:
            child.stdin.close()
            child.kill()
