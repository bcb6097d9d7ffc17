"""What every demonstration does with a file: upload it, follow its run, show receipt and mail, fetch an export."""

import asyncio
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console

from demo.client import Client, Sheet
from demo.mailbox import Mailbox

MAIL_SECONDS = 30
COUNTS = ("rows_read", "created", "updated", "unchanged", "skipped", "rejected", "profiles_affected")


async def bring(
    client: Client,
    goal: str,
    local: Path,
    sheet: Sheet,
    console: Console,
    *,
    identity: Path | None = None,
    name: str = "",
) -> dict[str, Any]:
    """Put a file into the folder, under its own name by default, follow its run, and show the receipt; the run."""
    remote = name or local.name
    order = {**sheet.login(), "do": "put", "local": str(local), "remote": remote}
    if sheet.password is None:
        order["identity"] = str(identity)
    by = await transfer(order)
    console.print(f"uploaded by {by}")
    run = await client.follow(await client.run_of(goal, remote))
    receipt = run["receipt"]
    console.print(f"receipt: {run['state']}, " + ", ".join(f"{name} {receipt[name]:,}" for name in COUNTS))
    console.print(f"rejects by code: {receipt['rejects_by_code']}; rows by path: {receipt['rows_by_path']}")
    return run


async def fetch(client: Client, goal: str, local: Path, sheet: Sheet) -> dict[str, Any]:
    """Run an export now and get the file that it puts into the folder; the run. Raises RuntimeError where it fails."""
    run = await client.follow(await client.run_now(goal))
    if run["state"] != "completed":
        raise RuntimeError(f"the export ended as {run['state']}: {run['reason']}")
    await transfer({**sheet.login(), "do": "get", "local": str(local), "remote": run["receipt"]["file"]["name"]})
    return run


async def find_mail(mails: Mailbox, receipt: dict[str, Any], wrong: list[str]) -> str | None:
    """Where the receipt's mail is; None, with a note in `wrong`, where there is none."""
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        if found := await asyncio.to_thread(mails.find, receipt["run_id"]):
            return found
        await asyncio.sleep(0.2)
    wrong.append(f"no mail about the run {receipt['run_id']}")
    return None


async def transfer(order: dict[str, Any]) -> str:
    """Have a real SFTP client carry out an order, in a process of its own; which one it was."""
    command = [sys.executable, "-m", "demo.upload"]
    text = json.dumps(order)
    done = await asyncio.to_thread(
        subprocess.run, command, input=text, text=True, capture_output=True, timeout=600, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the SFTP client failed: {done.stderr[-2000:]}")
    return done.stdout.strip()
