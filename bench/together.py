"""Ten exports at once, one of them of millions of profiles: how long do the nine small ones take beside it?

Four of the nine are of a list in the large account, five of a small account of their own. All are asked for at once,
the large one first. The profiles are written by SQL, not imported: only what reads them is measured.
"""

import asyncio
import json
import statistics
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

from bench.goal import GOAL, PROPERTIES
from bench.memory import peak_of
from bench.report import Line, memory_line
from bench.system import System
from bench.tenant import Tenant, tenant

SMALL_ROWS = 20_000
IN_LARGE, IN_SMALL = 4, 5
LOOK_SECONDS = 0.05
LARGE = "Everybody"

_FILL = """
INSERT INTO {profiles} (domain_group, p_email, k_email, p_first_name, p_last_name, p_phone, p_city, p_country,
    p_birth_date, p_points, p_revenue, p_active, p_tags, p_seen_at)
SELECT 1, made.email, made.email, 'First ' || n % 5000, 'Last ' || n % 90000, '+4930' || n, 'City ' || n % 300,
    (ARRAY['NL', 'DE', 'FR', 'IT'])[n % 4 + 1], date '1950-01-01' + (n % 20000)::integer, n % 1000,
    (n % 100000) / 100.0, n % 2 = 0, ARRAY['t' || n % 10, 'u' || n % 7],
    timestamptz '2024-01-01 00:00:00Z' + n % 10000000 * interval '1 second'
FROM generate_series(1, $1::bigint) AS each (n),
    LATERAL (SELECT 'person' || lpad(n::text, 8, '0') || '@shop.example' AS email) made
"""
_PUT = "INSERT INTO {members} (list_number, profile_id) SELECT $1, id FROM {profiles} ORDER BY id LIMIT $2::bigint"


@dataclass(slots=True)
class Took:
    """What each round took, in seconds."""

    nine_alone: list[float] = field(default_factory=list)
    nine_beside: list[float] = field(default_factory=list)
    large: list[float] = field(default_factory=list)
    peak_bytes: int = 0


async def measure(system: System, rows: int, rounds: int) -> Took:
    """The nine alone and the ten at once, in turn."""
    took = Took()
    async with AsyncExitStack() as stack:
        large = await stack.enter_async_context(tenant(system, (GOAL, _export(LARGE))))
        small = await stack.enter_async_context(tenant(system, (GOAL,)))
        members = await large.ask("/v1/lists", {"name": "Some"})
        segment = await large.ask("/v1/segments", {"name": "Some", "condition": {"list": members["number"]}})
        await large.fill(_FILL, rows)
        await large.fill(_PUT, members["number"], SMALL_ROWS)
        await small.fill(_FILL, SMALL_ROWS)
        nine = [(large, f"Some {number}", {"segment": segment["id"]}) for number in range(IN_LARGE)]
        nine += [(small, f"All {number}", {}) for number in range(IN_SMALL)]
        for account, name, changes in nine:
            await account.save(_export(name) | changes)
        await _nine(nine)
        for _ in range(rounds):
            took.nine_alone.append(await _nine(nine))
            with peak_of(system.pids["exporter"]) as peak:
                await _ten(large, nine, rows, took)
            took.peak_bytes = max(took.peak_bytes, peak.bytes)
        await large.empty()
    return took


async def _ten(large: Tenant, nine: list[Any], rows: int, took: Took) -> None:
    began = time.time()
    async with asyncio.TaskGroup() as group:
        whole = group.create_task(_done(large, LARGE, rows))
        beside = group.create_task(_nine(nine))
    took.nine_beside.append(beside.result())
    took.large.append(whole.result() - began)
    if took.large[-1] < took.nine_beside[-1]:
        raise RuntimeError("the large export ended before the small ones: it is too small to be in anybody's way")


async def _nine(nine: list[Any]) -> float:
    """Seconds from asking for all of them to the end of the last."""
    began = time.time()
    return max(await asyncio.gather(*(_done(account, name, SMALL_ROWS) for account, name, _ in nine))) - began


async def _done(account: Tenant, name: str, rows: int) -> float:
    """When an export had ended, in seconds since 1970. Raises RuntimeError where it is not whole."""
    run = await account.export(name, look_seconds=LOOK_SECONDS)
    exported = json.loads(run["receipt"])["rows_exported"]
    if exported != rows:
        raise RuntimeError(f"{exported} rows exported, expected {rows}")
    return float(run["finished_at"].timestamp())


def _export(name: str) -> dict[str, Any]:
    return {
        "kind": "export_profiles",
        "name": name,
        "target": {"directory": "out", "file_name": f"{name}.csv"},
        "columns": [{"property": each.name} for each in PROPERTIES],
        "feedback": {"when": "never"},
    }


def lines_of(took: Took, rows: int) -> list[Line]:
    """The figures."""
    alone, beside = statistics.median(took.nine_alone), statistics.median(took.nine_beside)
    rounds = [each / other for each, other in zip(took.nine_beside, took.nine_alone, strict=True)]
    detail = f"{beside:.2f} s over {alone:.2f} s; rounds {min(rounds):.2f} to {max(rounds):.2f}"
    detail += f"; the large one {statistics.median(took.large):.1f} s"
    name = f"nine exports of {SMALL_ROWS:,} beside one of {rows:,}, to without it"
    return [
        Line(name, beside / alone, "x alone", 2, 2, detail),
        memory_line("exporter's peak memory", took.peak_bytes, f"ten exports at once, one of {rows:,} rows"),
    ]
