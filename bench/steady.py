"""How long files take from the closing of their upload to their commit, while they keep coming for twenty goals."""

import asyncio
import time
from pathlib import Path

from bench.generate import small
from bench.goal import GOAL
from bench.report import Line, percentile
from bench.system import System
from bench.tenant import Tenant, tenant

GOALS = 20
FILES_A_SECOND = 4.0
ROWS = 1_000
LOOK_SECONDS = 0.02
LIMIT_SECONDS = 600.0


async def measure(system: System, directory: Path, seconds: float) -> list[Line]:
    """p50 and p95 over all files."""
    goals = [
        GOAL | {"name": f"Goal {number}", "source": GOAL["source"] | {"pattern": {"wildcard": f"g{number:02}_*.csv"}}}
        for number in range(GOALS)
    ]
    files = int(seconds * FILES_A_SECOND)
    # Every second one of the series: no two of them name the same person, and none repeats another's bytes.
    made = [small(directory / f"steady_{number}.csv", 2 * number, ROWS) for number in range(files)]
    closed_at: dict[str, float] = {}
    async with tenant(system, goals) as account, asyncio.TaskGroup() as group:
        watching = group.create_task(_latencies(account, closed_at, files))
        began = time.monotonic()
        for number in range(files):
            # By the clock, not by the last file: a system that falls behind gets no pity.
            await asyncio.sleep(began + number / FILES_A_SECOND - time.monotonic())
            name = f"g{number % GOALS:02}_{number:06}.csv"
            closed_at[name] = await account.upload(made[number].path, name)
        found = await watching
    told = f"{files} files of {ROWS:,} rows, {FILES_A_SECOND:g} a second for {GOALS} goals"
    return [
        Line(f"steady load, closed to committed, p{percent}", percentile(found, percent), "s", detail=told)
        for percent in (50, 95)
    ]


async def _latencies(account: Tenant, closed_at: dict[str, float], files: int) -> list[float]:
    """Seconds from each file's closing to when its commit was seen. A file seen before its closing returned waits."""
    found: dict[str, float] = {}
    deadline = time.monotonic() + LIMIT_SECONDS
    while len(found) < files:
        completed, now = await account.completed(), time.time()
        found |= {name: now - closed_at[name] for name in completed & closed_at.keys() - found.keys()}
        if time.monotonic() > deadline:
            raise RuntimeError(f"{files - len(found)} of {files} files were not committed in {LIMIT_SECONDS:.0f} s")
        await asyncio.sleep(LOOK_SECONDS)
    return list(found.values())
