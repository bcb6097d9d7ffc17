"""The hands of a clock for goals that run by themselves: a test says what time it is, and a poller's clock ticks then.

The system's own poller goes by the real time, at which nothing of the day that a test tells is due yet.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from services.poller.clock import tick
from services.poller.tools import Tools
from services.poller.wiring import tools_of
from shared.bus.in_process import InProcessBus
from shared.observe.metrics import Metrics
from shared.runtime.service import base_of
from shared.runtime.settings import read_settings
from shared.runtime.start import open_database
from tests.acceptance.shop import Shop
from tests.acceptance.system import System
from tests.eventually import eventually


@dataclass(frozen=True, slots=True)
class Clock:
    """A poller's clock that shows what it is told to."""

    tools: Tools

    async def shows(self, moment: datetime) -> None:
        """It is that time: what is due has its run when this returns."""
        await tick(replace(self.tools, now=lambda: moment))


@asynccontextmanager
async def open_clock(system: System, directory: Path) -> AsyncIterator[Clock]:
    """A clock on a system's database; the runs that come of it are rung by the system."""
    settings = read_settings(
        secret_key=system.secret_key,
        database_url=system.place.database_url,
        watch_database_url=system.place.watch_database_url,
        drop_directory=directory / "drop",
        work_directory=directory / "work",
    )
    async with open_database(settings) as database:
        base = await base_of(settings, database, InProcessBus(), Metrics())
        yield Clock(tools_of(base, directory))


async def runs_of(shop: Shop, **only: str) -> list[dict[str, Any]]:
    """Runs of a goal or a kind, newest first."""
    found: list[dict[str, Any]] = (await shop.ask("GET", "/v1/runs", 200, params=only))["items"]
    return found


async def delivered(shop: Shop, goal_id: str, times: int) -> list[str]:
    """The lines of an export's file in the hosted folder, sorted behind the header, once it came so many times."""
    newest: list[dict[str, Any]] = []

    async def came() -> bool:
        newest[:] = await runs_of(shop, goal_id=goal_id)
        return len(newest) == times and newest[0]["state"] not in ("queued", "running")

    await eventually(came, f"{times} runs of an export", every_seconds=0.1)
    assert newest[0]["state"] == "completed", newest[0]
    async with shop.folder() as sftp, sftp.open(newest[0]["receipt"]["file"]["name"], "rb") as file:
        header, *lines = bytes(await file.read()).decode().splitlines()
    return [header, *sorted(lines)]
