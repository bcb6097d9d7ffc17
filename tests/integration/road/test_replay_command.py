"""`tidegate replay` as a person types it: it says what it comes to, asks, and makes the runs that were agreed to."""

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.entry.watch_runs import Gateway
from tests.integration.road.gateway import gateway_at_a_port
from tests.integration.road.place import Tenant, goal

NAMES = ("a.csv", "b.csv")
HERE = ZoneInfo("Pacific/Auckland")
"""Where whoever types sits: far from where servers' clocks are."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How the command ended, and what it said."""

    status: int
    told: str


async def typed(place: Gateway, *words: str, answer: str = "") -> Ended:
    """The command in front of a gateway, and what was answered when it asked."""
    variables = {"TZ": HERE.key, "TIDEGATE_API_URL": place.url, "TIDEGATE_API_KEY": place.key, "COLUMNS": "200"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.entry", "replay", *words),
        env={**os.environ, **variables},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(90):
        told, _ = await process.communicate(answer.encode())
    assert process.returncode is not None
    return Ended(process.returncode, told.decode())


def local(**ago: float) -> str:
    """A moment by the clock on the wall."""
    return f"{datetime.now(HERE) - timedelta(**ago):%Y-%m-%dT%H:%M:%S}"


async def replays(tenant: Tenant) -> list[tuple[str, int]]:
    """The files that were run again, and as which replay."""
    return sorted((run["path"], run["replay"]) for run in await tenant.runs() if run["replay"])


async def have_ended(tenant: Tenant, number: int) -> None:
    """The replays of that number have."""
    for name in NAMES:
        await tenant.ended(lambda run, name=name: (run["path"], run["replay"]) == (name, number))


async def test_it_says_how_many_and_makes_them_once_they_are_agreed_to(tenant: Tenant) -> None:
    goal_id = await tenant.save(goal())
    for number, name in enumerate(NAMES):
        await tenant.imported(name, f"email,name\nann{number}@shop.example,Ann\n")
        await tenant.settled(name)
    hour = ("--since", local(hours=1))
    async with gateway_at_a_port(tenant) as place:
        refused = await typed(place, *hour, answer="n\n")
        assert "2 to be run again, 0 passed over" in refused.told
        assert "Run 2 files again? [y/N]: " in refused.told
        assert (refused.status, await replays(tenant)) == (0, [])

        agreed = await typed(place, *hour, "--connection", str(tenant.connection_id), answer="y\n")
        assert (agreed.status, agreed.told.partition("[y/N]: ")[2].split(";")[0]) == (0, "2 runs were made")
        await have_ended(tenant, 1)

        # Of the time when clocks still went by the sun, to the second.
        unasked = await typed(place, "--since", "1850-01-01", "--goal", str(goal_id), "--yes")
        assert unasked.status == 0
        assert "2 to be run again, 0 passed over\n2 runs were made" in unasked.told
        await have_ended(tenant, 2)

        mistaken = await typed(place, *hour, "--until", local(hours=2), "--yes")
        assert mistaken.status == 2
        assert mistaken.told == "The gateway answered 422 (invalid_request): Expected until to be later than since.\n"
    assert await replays(tenant) == [(name, number) for name in NAMES for number in (1, 2)]
