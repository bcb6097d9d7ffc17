"""Two importers against one, on two accounts: does another replica help where there is work for it?

Both files lie there under a temporary name, and the importers wait for work, before the files get their own names:
neither uploads nor starts are counted, and no importer begins before another is up. The time is from the renaming to
the last commit that is seen.
"""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench.generate import Made
from bench.report import Line
from bench.system import SERVICES, System, services
from bench.tenant import Tenant, tenant

LOOK_SECONDS = 0.05
ARRANGEMENTS = {
    "one importer, one run at a time": (1, 1),
    "one importer, two at a time": (1, 2),
    "two importers": (2, 1),
}


def measure(directory: Path, made: Made, rounds: int) -> list[Line]:
    """Rows a second of each arrangement as a ratio to the first."""
    with services(directory, *(name for name in SERVICES if name != "importer")) as system:
        seconds: dict[str, list[float]] = {name: [] for name in ARRANGEMENTS}
        for _ in range(rounds):
            for name, (count, workers) in ARRANGEMENTS.items():
                seconds[name].append(asyncio.run(_one(system, made, count, workers)))
    first, *others = (sorted(each)[len(each) // 2] for each in seconds.values())
    told = f"two files of {made.rows:,} rows for two accounts; {first:.1f} s by one importer, one run at a time"
    names = list(ARRANGEMENTS)[1:]
    return [
        Line(f"throughput of {name}", first / each, "x one", detail=f"{each:.1f} s; {told}")
        for name, each in zip(names, others, strict=True)
    ]


async def _one(system: System, made: Made, count: int, workers: int) -> float:
    async with AsyncExitStack() as stack:
        tenants = [await stack.enter_async_context(tenant(system)) for _ in range(2)]
        for account in tenants:
            await account.upload(made.path, "first.csv.part")
        with system.importers(count, workers=workers):
            began = time.monotonic()
            await asyncio.gather(*(account.rename("first.csv.part", "first.csv") for account in tenants))
            await asyncio.gather(*(_completed(account) for account in tenants))
            seconds = time.monotonic() - began
        for account in tenants:
            await account.empty()
    return seconds


async def _completed(account: Tenant) -> None:
    row = await account.seen("first.csv", LOOK_SECONDS)
    if row["state"] != "completed":
        raise RuntimeError(f"the run is {row['state']}: {row['reason_code']} {row['reason_detail']}")
