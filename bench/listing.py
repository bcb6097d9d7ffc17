"""A partner's folder of 100,000 files: what a look at it costs the poller, the first time and every time after."""

import asyncio
import time
from uuid import UUID

import asyncpg

from bench.goal import SMALLEST
from bench.memory import peak_of, resident_bytes
from bench.partner import partner_server
from bench.report import MEGABYTE, Line
from bench.system import System
from bench.tenant import client_of
from tests.real.openssh import PrivateOpenSSH

FILES = 100_000
LOOK_SECONDS = 0.1
LIMIT_SECONDS = 600.0


async def measure(system: System) -> list[Line]:
    """Seconds of two looks, and the poller's memory above what it had before."""
    with partner_server() as partner:
        for number in range(FILES):
            (partner.drop / f"other_{number:06}.txt").touch()
        ledger = await asyncpg.connect(system.superuser_dsn, timeout=10)
        try:
            return await _looks(system, partner, ledger)
        finally:
            await ledger.close()


async def _looks(system: System, partner: PrivateOpenSSH, ledger: "asyncpg.Connection[asyncpg.Record]") -> list[Line]:
    poller = system.pids["poller"]
    before = resident_bytes(poller)
    async with client_of(system) as client:
        await client.post("/v1/properties", {"name": "email", "type": "email", "identifier": True})
        await client.post("/v1/properties", {"name": "first_name", "type": "text"})
        place = {
            "transport": "sftp",
            "host": partner.host,
            "port": partner.port,
            "username": partner.username,
            "home_directory": str(partner.drop),
            "trust_on_first_use": True,
        }
        wanted = {"name": "Many files", "interval_seconds": 86_400, "place": place}
        key = {"private_key": partner.client_key.read_text(encoding="utf-8")}
        # A look would wait for the verification.
        connection = await client.post("/v1/connections?verify=false", wanted | key)
        with peak_of(poller) as peak:
            began = time.time()
            made = await client.post(f"/v1/connections/{connection['id']}/goals", SMALLEST)
            first = await _looked(ledger, connection["id"], began)
            again = time.time()
            await client.post(f"/v1/goals/{made['id']}/runs", {})
            second = await _looked(ledger, connection["id"], again)
    query = "SELECT count(*) FROM tidegate.arrivals WHERE connection_id = $1"
    known = await ledger.fetchval(query, UUID(connection["id"]))
    if known != FILES:
        raise RuntimeError(f"the ledger knows {known} files, expected {FILES}")
    told = f"{FILES:,} files that match no goal, each of them in the ledger afterwards"
    return [
        Line("first look at a large folder", first, "s", detail=told),
        Line("every later look", second, "s"),
        Line("poller's memory for it", (peak.bytes - before) / MEGABYTE, "MB", detail="above what it had before"),
    ]


async def _looked(ledger: "asyncpg.Connection[asyncpg.Record]", connection_id: str, since: float) -> float:
    deadline = time.monotonic() + LIMIT_SECONDS
    query = "SELECT extract(epoch FROM looked_at)::float8 FROM tidegate.connections WHERE connection_id = $1"
    while time.monotonic() < deadline:
        looked_at = await ledger.fetchval(query, UUID(connection_id))
        if looked_at is not None and looked_at > since:
            return float(looked_at - since)
        await asyncio.sleep(LOOK_SECONDS)
    raise RuntimeError(f"no look at the folder ended within {LIMIT_SECONDS:.0f} seconds")
