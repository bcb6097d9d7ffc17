"""`tidegate replay`: files of a period run again; first what it would come to, then, once a person agrees, the runs."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from services.entry.terminal import whole
from services.entry.watch_runs import Gateway, ask

_SHOWN = 50


async def replay(
    place: Gateway,
    chosen: dict[str, UUID],
    since: datetime,
    until: datetime,
    *,
    agrees: Callable[[int], bool],
    console: Console | None = None,
) -> list[dict[str, Any]]:
    """Run files again of what was chosen (a goal or a connection), or of all connections; the items that were run.

    Raises NoAnswer. `agrees` is asked with how many there are, if there are any.
    """
    console = console or Console()
    period = {"since": since.isoformat(), "until": until.isoformat()}
    async with place.client() as client:
        wanted = [{name: str(value) for name, value in chosen.items()}] if chosen else await _connections(client)
        planned = [(each, await _asked(client, each, period, dry_run=True)) for each in wanted]
        items = [item for _, plan in planned for item in plan["items"]]
        _show(items, console)
        count = sum(plan["runs"] for _, plan in planned)
        if not count or not agrees(count):
            return []
        done = [await _asked(client, each, period, dry_run=False) for each, plan in planned if plan["runs"]]
    started = [item for each in done for item in each["items"] if item["run_id"]]
    console.print(f"{len(started):,} runs were made; `tidegate runs` shows them.")
    return started


async def _connections(client: Any) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    cursor = ""
    while True:
        page = await ask(client, "GET", f"/v1/connections?limit=1000{cursor}")
        found += [{"connection_id": each["id"]} for each in page["items"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


async def _asked(client: Any, chosen: dict[str, str], period: dict[str, str], *, dry_run: bool) -> dict[str, Any]:
    return await ask(client, "POST", "/v1/replays", {**chosen, **period, "dry_run": dry_run})


def _show(items: list[dict[str, Any]], console: Console) -> None:
    table = Table("file", "lies at", "goal", "replay", box=None, pad_edge=False)
    for item in items[:_SHOWN]:
        state = f"passed over: {item['passed_over']}" if item["passed_over"] else str(item["number"])
        table.add_row(whole(item["path"]), whole(item["lies_at"]), item["goal_id"], whole(state))
    console.print(table)
    if len(items) > _SHOWN:
        console.print(f"and {len(items) - _SHOWN:,} more")
    again = sum(item["passed_over"] is None for item in items)
    console.print(f"{again:,} to be run again, {len(items) - again:,} passed over")


def in_utc(moment: datetime | None) -> datetime | None:
    """A moment that somebody typed; without a zone it is by the clock of this machine. Raises BadParameter."""
    try:
        # Zones of long ago are seconds off the minute, which the gateway's notation of times does not know.
        return None if moment is None else moment.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise typer.BadParameter("expected a time between the years 1 and 9999, in UTC") from error


def confirmed(count: int) -> bool:
    """Ask whoever sits there."""
    return typer.confirm(f"Run {count:,} files again?")
