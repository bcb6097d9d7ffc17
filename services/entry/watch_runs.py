"""Runs on the terminal, read from the gateway like any client would."""

import asyncio
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.entry.terminal import whole

LOOK_SECONDS = 0.25
_OPEN = ("queued", "running")


class NoAnswer(Exception):
    """The gateway could not be asked."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where the gateway is and what opens it."""

    url: str
    key: str

    def client(self) -> httpx.AsyncClient:
        """A client that carries the key."""
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)


def gateway(data_directory: Path) -> Gateway:
    """From TIDEGATE_API_URL and TIDEGATE_API_KEY, else from a running all in one's directory. Raises NoAnswer."""
    url, key = os.environ.get("TIDEGATE_API_URL"), os.environ.get("TIDEGATE_API_KEY")
    if url and key:
        return Gateway(url, key)
    path = data_directory / "access.json"
    if not path.exists():
        raise NoAnswer(
            f"Found no {path}. Set TIDEGATE_API_URL and TIDEGATE_API_KEY, or name the directory of a running "
            "`tidegate up` with --data-dir."
        )
    access = json.loads(path.read_text())
    return Gateway(access["api_url"], access["account_key"])


async def show(place: Gateway, limit: int, *, console: Console | None = None) -> None:
    """Print the latest runs as a table."""
    async with place.client() as client:
        page = await ask(client, "GET", f"/v1/runs?limit={limit}")
    table = Table("run", "state", "file", "rows", "queued at", box=None, pad_edge=False)
    table.columns[0].no_wrap = True
    for run in page["items"]:
        state = run["state"] if run["reason"] is None else f"{run['state']}: {run['reason']['code']}"
        name = whole(run["path"] or run["delivered_name"] or "")
        table.add_row(run["id"], whole(state), name, _rows(run), run["queued_at"][:19])
    (console or Console()).print(table)


def _rows(run: dict[str, Any]) -> str:
    """`10,000: 9,900 created, 100 rejected`: only what there was."""
    receipt = run.get("receipt") or {}
    if receipt.get("rows_exported") is not None:
        return f"{receipt['rows_exported']:,} exported"
    outcomes = ("created", "updated", "unchanged", "skipped", "rejected")
    parts = [f"{receipt[name]:,} {name}" for name in outcomes if receipt.get(name)]
    return f"{receipt['rows_read']:,}: {', '.join(parts)}" if parts else ""


async def watch(place: Gateway, run_id: UUID, *, console: Console | None = None) -> dict[str, Any]:
    """Follow a run with a progress bar until it has ended or waits; what the gateway says of it then."""
    columns = (
        TextColumn("{task.description:<28}"),
        BarColumn(),
        TextColumn("{task.fields[rows]}"),
        TimeElapsedColumn(),
    )
    async with place.client() as client:
        with Progress(*columns, console=console or Console()) as bar:
            task = bar.add_task("queued", total=None, rows="")
            while True:
                run = await ask(client, "GET", f"/v1/runs/{run_id}")
                _draw(bar, task, run)
                if run["state"] not in _OPEN:
                    return run
                await asyncio.sleep(LOOK_SECONDS)


def _draw(bar: Progress, task: Any, run: dict[str, Any]) -> None:
    progress = run.get("progress") or {}
    step = f"{run['state']}: {progress['step']}" if progress.get("step") else run["state"]
    rows = f"{progress['rows_done']:,} rows" if progress.get("rows_done") else ""
    total = progress.get("bytes_total") or None
    if run["state"] in _OPEN:
        bar.update(task, description=step, total=total, completed=progress.get("bytes_done", 0), rows=rows)
    else:
        receipt = run.get("receipt") or {}
        exported = receipt.get("rows_exported")
        done = receipt.get("rows_read", 0) if exported is None else exported
        bar.update(task, description=step, total=1, completed=1, rows=f"{done:,} rows")


async def ask(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> dict[str, Any]:
    """What the gateway answers. Raises NoAnswer."""
    try:
        answer = await client.request(method, path, json=body)
    except httpx.HTTPError as error:
        raise NoAnswer(f"The gateway at {client.base_url} does not answer ({type(error).__name__}).") from error
    if not answer.is_success:
        problem = answer.json()
        # What is wrong with a body as a whole points nowhere.
        errors = "; ".join(f"{each['pointer']}: {each['detail']}".lstrip(": ") for each in problem.get("errors", []))
        detail = problem.get("detail") or errors or problem.get("title")
        raise NoAnswer(f"The gateway answered {answer.status_code} ({problem.get('code')}): {detail}")
    told: dict[str, Any] = answer.json()
    return told
