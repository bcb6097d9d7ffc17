"""The same small delta into a small and into a large account: what a merge costs must not grow with the table."""

import statistics
from pathlib import Path

from bench.generate import delta, first_load
from bench.report import Line
from bench.system import System
from bench.tenant import tenant

ROWS = 100_000
LOOK_SECONDS = 0.02


async def measure(system: System, data: Path, sizes: tuple[int, int], rounds: int) -> list[Line]:
    """Seconds from the upload's close to the commit, the larger account's as a ratio to the smaller's."""
    medians = []
    for size in sizes:
        seconds = await _into(system, data, size, rounds)
        medians.append(statistics.median(seconds))
    small, large = medians
    detail = f"{large:.2f} s over {small:.2f} s, medians of {rounds}"
    name = f"{ROWS:,} rows into {sizes[1]:,} profiles, to into {sizes[0]:,}"
    return [Line(name, large / small, "x", detail=detail)]


async def _into(system: System, data: Path, size: int, rounds: int) -> list[float]:
    found = []
    async with tenant(system) as account:
        load = first_load(data / f"growth_{size}.csv", size)
        await account.bring(load, "first.csv", look_seconds=0.5)
        load.path.unlink()
        await account.rest()
        for number in range(rounds):
            made = delta(data / "growth.csv", ROWS, of=size, number=number)
            imported = await account.bring(made, f"delta_{number}.csv", look_seconds=LOOK_SECONDS)
            found.append(imported.committed_at - imported.closed_at)
        await account.empty()
    return found
