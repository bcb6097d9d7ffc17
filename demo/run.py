"""`make demo`: the whole road on real input, set up through the API, with every count checked.

Starts a system of its own, or goes to one that runs: `--against URL`.
The last line is `demo: ` and one JSON object; the exit status is 0 only if everything agreed.
"""

import argparse
import asyncio
import csv
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import AbstractContextManager, nullcontext
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncssh
from rich.console import Console

from demo.client import Client, Sheet
from demo.generate import DELIMITER, HEADER, Made, first, person, second
from demo.mailbox import MailCatcher
from demo.system import System, all_in_one, distributed

KEY_VARIABLE = "TIDEGATE_API_KEY"

console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Run the demonstration."""
    chosen = _arguments().parse_args()
    root = Path(".tidegate").resolve()
    root.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="demo-", dir=root))
    with _system(chosen, directory) as system:
        outcome, wrong = asyncio.run(demonstrate(system, directory))
    shutil.rmtree(directory / "data" / "postgres", ignore_errors=True)
    shutil.rmtree(directory / "postgres", ignore_errors=True)
    for each in wrong:
        console.print(f"[red]WRONG[/red] {each}")
    console.print(f"demo: {json.dumps(outcome)}", markup=False)
    sys.exit(1 if wrong else 0)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bus", choices=("in-process", "rabbitmq"), default="in-process")
    against = parser.add_argument_group(
        "a running system", f"makes an account of its own there; the operator's key is taken from {KEY_VARIABLE}"
    )
    against.add_argument("--against", metavar="URL", help="where the gateway is, instead of starting a system")
    against.add_argument("--mails", metavar="URL", help="where its mail catcher (maildev) shows the mails")
    return parser


def _system(chosen: argparse.Namespace, directory: Path) -> AbstractContextManager[System]:
    if chosen.against is None:
        return distributed(directory) if chosen.bus == "rabbitmq" else all_in_one(directory)
    key = os.environ.get(KEY_VARIABLE)
    if not key or not chosen.mails:
        sys.exit(f"--against needs --mails and, in {KEY_VARIABLE}, what `tidegate key create NAME --operator` printed")
    url = chosen.against.rstrip("/")
    return nullcontext(System(url, key, MailCatcher(chosen.mails.rstrip("/")), f"as it runs at {url}"))


async def demonstrate(system: System, directory: Path) -> tuple[dict[str, Any], list[str]]:
    """The whole road; what came out, and what was not as the generator knows it."""
    began = time.monotonic()
    console.rule(f"Tidegate, {system.how}")
    wrong: list[str] = []
    client = Client(system, console)
    sheet, key_sheet, identity = await _set_up(client, directory)
    receipts = []
    for made, login in ((first(), sheet), (second(), key_sheet)):
        receipts.append(await _import(client, made, login, identity, directory))
        wrong += _differences(made, receipts[-1])
        if made.rejected:
            await _show_rejects(client, receipts[-1], wrong)
        await _show_mail(system, receipts[-1], wrong)
        if len(receipts) == 1:
            await _read_back(client, wrong)
    expected = receipts[0]["created"] + receipts[1]["created"]
    exported = await _export(client, sheet, directory, expected, wrong)
    console.print(f"All of it took {time.monotonic() - began:.1f} seconds.")
    return {"receipts": receipts, "exported": exported}, wrong


async def _set_up(client: Client, directory: Path) -> tuple[Sheet, Sheet, Path]:
    console.rule("Set up through the API")
    await client.make_account()
    await client.make_properties()
    folder = await client.make_drop_folder()
    sheet = await client.make_credential(folder)
    identity = directory / "id_demo"
    key = asyncssh.generate_private_key("ssh-ed25519")
    key.write_private_key(identity)
    identity.chmod(0o600)
    key_sheet = await client.make_credential(folder, key.export_public_key().decode())
    await client.make_goals(folder)
    return sheet, key_sheet, identity


async def _import(client: Client, made: Made, sheet: Sheet, identity: Path, directory: Path) -> dict[str, Any]:
    console.rule(f"Upload {made.name}: {made.rows:,} rows, {made.rejected} of them bad")
    local = directory / made.name
    local.write_bytes(made.content)
    order = {**sheet.login(), "do": "put", "local": str(local), "remote": made.name}
    if sheet.password is None:
        order["identity"] = str(identity)
    by = await _transfer(order)
    console.print(f"uploaded by {by}")
    run = await client.follow(await client.run_of(made.name))
    receipt: dict[str, Any] = run["receipt"]
    counts = ("rows_read", "created", "updated", "unchanged", "skipped", "rejected", "profiles_affected")
    console.print(f"receipt: {run['state']}, " + ", ".join(f"{name} {receipt[name]:,}" for name in counts))
    console.print(f"rejects by code: {receipt['rejects_by_code']}; rows by path: {receipt['rows_by_path']}")
    return receipt


async def _transfer(order: dict[str, Any]) -> str:
    command = [sys.executable, "-m", "demo.upload"]
    text = json.dumps(order)
    done = await asyncio.to_thread(
        subprocess.run, command, input=text, text=True, capture_output=True, timeout=120, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the SFTP client failed: {done.stderr[-2000:]}")
    return done.stdout.strip()


def _differences(made: Made, receipt: dict[str, Any]) -> list[str]:
    expected = {
        "rows_read": made.rows,
        "created": made.created,
        "updated": made.updated,
        "unchanged": made.unchanged,
        "skipped": 0,
        "rejected": made.rejected,
        "rejects_by_code": made.rejects_by_code,
    }
    return [
        f"{made.name}: {name} is {receipt[name]}, expected {value}"
        for name, value in expected.items()
        if receipt[name] != value
    ]


async def _show_rejects(client: Client, receipt: dict[str, Any], wrong: list[str]) -> None:
    rejects = await client.rejects(receipt["run_id"])
    for each in rejects[:10]:
        console.print(f"  line {each['line_number']}: {each['code']} in {each['field']}", markup=False)
    file = (await client.rejects_csv(receipt["run_id"])).decode("utf-8-sig")
    rows = list(csv.reader(file.splitlines(), delimiter=DELIMITER))
    if rows[0] != [*HEADER, "_row", "_code", "_field", "_message", "_run"]:
        wrong.append(f"rejects.csv has the header {rows[0]}")
    if len(rows) - 1 != receipt["rejected"]:
        wrong.append(f"rejects.csv has {len(rows) - 1} rows, expected {receipt['rejected']}")


async def _show_mail(system: System, receipt: dict[str, Any], wrong: list[str]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := await asyncio.to_thread(system.mails.find, receipt["run_id"]):
            console.print(f"mail: {found}", markup=False)
            return
        await asyncio.sleep(0.2)
    wrong.append(f"no mail about the run {receipt['run_id']}")


async def _read_back(client: Client, wrong: list[str]) -> None:
    console.rule("Read three profiles back")
    for number in (0, 7, 4_242):
        row = person(number)
        profile = await client.profile(row[0])
        found = profile["properties"]
        console.print(f"  {found}", markup=False)
        day, month, year = row[7].split(".")
        expected = {
            "email": row[0],
            "first_name": row[1],
            "city": row[2],
            "points": row[3],
            "balance": Decimal(row[4].replace(",", ".")),
            "tags": row[5].split("|"),
            "member": row[6] == "yes",
            "birth_date": f"{year}-{month}-{day}",
        }
        for name, value in expected.items():
            if not _is_same(found[name], value):
                wrong.append(f"{row[0]}: {name} is {found[name]!r}, expected {value!r}")


def _is_same(found: Any, expected: Any) -> bool:
    if isinstance(expected, Decimal):
        return isinstance(found, str) and Decimal(found) == expected
    return bool(found == expected)


async def _export(client: Client, sheet: Sheet, directory: Path, expected: int, wrong: list[str]) -> int:
    console.rule("Export all profiles")
    run = await client.follow(await client.export())
    local = directory / "exported.csv"
    await _transfer({**sheet.login(), "do": "get", "local": str(local), "remote": run["receipt"]["file"]["name"]})
    with local.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    exported = len(rows) - 1
    console.print(f"{run['receipt']['file']['name']}: {exported:,} profiles; the first: {rows[1]}", markup=False)
    if run["state"] != "completed" or exported != expected or run["receipt"]["rows_exported"] != expected:
        wrong.append(f"exported {exported} profiles ({run['state']}), expected {expected}")
    return exported


if __name__ == "__main__":
    main()
