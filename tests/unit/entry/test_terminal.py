"""Names of partners on a terminal: shown letter by letter, neither read as markup nor obeyed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any
from uuid import UUID

import httpx
from rich.console import Console

from services.entry.replay import replay
from services.entry.watch_runs import Gateway, show

NAMES = ("[bold]1.csv", "[link=http://partner.example]2[/link].csv", "x[/3].csv", "4\\", "5\\[red].csv", "6\x1b[2J.csv")


@dataclass(frozen=True, slots=True)
class Answering(Gateway):
    """A gateway that answers everything with the same."""

    body: dict[str, Any]

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        transport = httpx.MockTransport(lambda _: httpx.Response(200, json=self.body))
        async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
            yield client


async def test_names_are_no_markup() -> None:
    told = StringIO()
    console = Console(file=told, width=200)
    now = datetime.now(UTC)
    files = [{"path": name, "lies_at": name, "goal_id": "g", "passed_over": None, "number": 1} for name in NAMES]
    place = Answering("", "", {"items": files, "runs": len(files), "next_cursor": None})
    assert await replay(place, {"goal_id": UUID(int=0)}, now, now, agrees=lambda _: False, console=console) == []
    nothing = {"reason": None, "delivered_name": None, "queued_at": "2026-01-01T00:00:00Z", "state": "queued"}
    await show(
        Answering("", "", {"items": [{"id": "r", "path": name, **nothing} for name in NAMES]}), 10, console=console
    )
    shown = {name: told.getvalue().count(name.replace("\x1b", "\\x1b")) for name in NAMES}
    assert shown == dict.fromkeys(NAMES, 3)
