"""`make demo`: the whole road on real input, set up through the API, with every count checked.

Starts a system of its own, or goes to one that runs: `--against URL`. With `--file` it is anyone's file instead of the
generated ones (demo/anyones.py). The last line is `demo: ` and one JSON object; the exit status is 0 only if everything
agreed, and 3 where a file leaves questions open.
"""

import argparse
import asyncio
import csv
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncssh
from rich.console import Console

from demo import anyones, partner, sealed, segment
from demo.client import PROPERTIES, Client, Sheet, export_goal, import_goal
from demo.generate import DELIMITER, HEADER, Made, first, person, second, third
from demo.mailbox import MailCatcher
from demo.steps import bring, fetch, find_mail
from demo.system import System, all_in_one, distributed

KEY_VARIABLE = "TIDEGATE_API_KEY"

console = Console(highlight=False, soft_wrap=True)


def main() -> None:
    """Run the demonstration."""
    chosen = _arguments().parse_args()
    if chosen.file is not None and not chosen.file.is_file():
        sys.exit(f"found no file {chosen.file}")
    with _desk(keep_only="exported.csv" if chosen.file else None) as directory, _system(chosen, directory) as system:
        if chosen.file is None:
            outcome, wrong = asyncio.run(demonstrate(system, directory))
            status = 1 if wrong else 0
        else:
            said = anyones.Said(chosen.id, chosen.answer)
            try:
                shown = asyncio.run(anyones.demonstrate(system, directory, chosen.file, said, console))
            except RuntimeError as error:  # told by the client, in a sentence
                sys.exit(str(error))
            outcome, wrong, status = shown.outcome, shown.wrong, shown.status
    for each in wrong:
        console.print(f"[red]WRONG[/red] {each}")
    console.print(f"demo: {json.dumps(outcome)}", markup=False)
    if chosen.file is not None:
        console.print(f"exit status {status}: {_MEANINGS[status]}")
    sys.exit(status)


_MEANINGS = {0: "nothing is open, and all agreed", 1: "see above", 3: "questions are open, and nothing was imported"}


@contextmanager
def _desk(keep_only: str | None) -> Iterator[Path]:
    """A directory for all that is written; its databases go, and of anyone's file everything but what is kept."""
    root = Path(".tidegate").resolve()
    root.mkdir(exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix="demo-", dir=root))
    try:
        yield directory
    finally:
        rest = [directory / "data" / "postgres", directory / "postgres"]
        if keep_only is not None:
            rest = [each for each in directory.iterdir() if each.name != keep_only]
        for each in rest:
            if each.is_dir() and not each.is_symlink():
                shutil.rmtree(each, ignore_errors=True)
            else:
                each.unlink(missing_ok=True)
        if not any(directory.iterdir()):
            directory.rmdir()


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bus", choices=("in-process", "rabbitmq"), default="in-process")
    parser.add_argument("--file", type=Path, help="anyone's file, to be imported as a sample of it proposes")
    parser.add_argument("--id", metavar="COLUMN", help="the column of --file that names a profile")
    parser.add_argument(
        "--answer", action="append", default=[], metavar="CODE[:POINTER]=VALUE", help="an answer to what --file asks"
    )
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
    shop = await _set_up(client, directory)
    receipts = []
    for made, login in ((first(), shop.sheet), (second(), shop.key_sheet)):
        receipts.append(await _import(client, made, _written(made, directory), shop, login, wrong))
        if made.rejected:
            await _show_rejects(client, receipts[-1], wrong)
        await _show_mail(system, receipts[-1], wrong)
        if len(receipts) == 1:
            await _read_back(client, wrong)
    receipts.append(await _import_sealed(client, third(), shop, directory, wrong))
    await _show_mail(system, receipts[-1], wrong)
    expected = sum(receipt["created"] for receipt in receipts)
    exported = await _export(client, shop, directory, expected, wrong)
    sent = await _send_segment(system, client, shop, directory, wrong)
    console.print(f"All of it took {time.monotonic() - began:.1f} seconds.")
    return {"receipts": receipts, "exported": exported, "sent": sent}, wrong


@dataclass(frozen=True, slots=True)
class Shop:
    """What was set up."""

    sheet: Sheet
    key_sheet: Sheet
    identity: Path
    connection: str
    imports: str
    exports: str


async def _set_up(client: Client, directory: Path) -> Shop:
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
    connection = await client.make_connection(folder)
    imports = await client.make_goal(connection, import_goal())
    exports = await client.make_goal(connection, export_goal([name for name, _, _ in PROPERTIES]))
    return Shop(sheet, key_sheet, identity, connection, imports["id"], exports["id"])


async def _import(
    client: Client, made: Made, local: Path, shop: Shop, login: Sheet, wrong: list[str], goal: str = ""
) -> dict[str, Any]:
    console.rule(f"Upload {local.name}: {made.rows:,} rows, {made.rejected} of them bad")
    run = await bring(client, goal or shop.imports, local, login, console, identity=shop.identity)
    wrong += _differences(made, run["receipt"])
    receipt: dict[str, Any] = run["receipt"]
    return receipt


def _written(made: Made, directory: Path) -> Path:
    local = directory / made.name
    local.write_bytes(made.content)
    return local


async def _import_sealed(client: Client, made: Made, shop: Shop, directory: Path, wrong: list[str]) -> dict[str, Any]:
    console.rule("A goal from a sample: zipped, encrypted, with choices and opt-ins")
    local = await sealed.seal(client, made, directory)
    goal = await client.make_goal(shop.connection, await sealed.goal_from_sample(client, local, console))
    receipt = await _import(client, made, local, shop, shop.sheet, wrong, goal["id"])
    if not receipt["file"]["was_encrypted"]:
        wrong.append(f"{local.name} was not encrypted")
    wrong += [each async for each in sealed.differences(client)]
    return receipt


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
        where = "" if each["field"] is None else f" in {each['field']}"
        console.print(f"  line {each['line_number']}: {each['code']}{where}", markup=False)
    file = (await client.rejects_csv(receipt["run_id"])).decode("utf-8-sig")
    rows = list(csv.reader(file.splitlines(), delimiter=DELIMITER))
    if rows[0] != [*HEADER, "_row", "_code", "_field", "_message", "_run"]:
        wrong.append(f"rejects.csv has the header {rows[0]}")
    if len(rows) - 1 != receipt["rejected"]:
        wrong.append(f"rejects.csv has {len(rows) - 1} rows, expected {receipt['rejected']}")


async def _show_mail(system: System, receipt: dict[str, Any], wrong: list[str]) -> None:
    if found := await find_mail(system.mails, receipt, wrong):
        console.print(f"mail: {found}", markup=False)


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


async def _export(client: Client, shop: Shop, directory: Path, expected: int, wrong: list[str]) -> int:
    console.rule("Export all profiles")
    local = directory / "exported.csv"
    run = await fetch(client, shop.exports, local, shop.sheet)
    with local.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    exported = len(rows) - 1
    console.print(f"{run['receipt']['file']['name']}: {exported:,} profiles; the first: {rows[1]}", markup=False)
    if run["state"] != "completed" or exported != expected or run["receipt"]["rows_exported"] != expected:
        wrong.append(f"exported {exported} profiles ({run['state']}), expected {expected}")
    return exported


async def _send_segment(system: System, client: Client, shop: Shop, directory: Path, wrong: list[str]) -> int:
    console.rule("Send a segment to a partner: gzipped, encrypted, over SFTP")
    found, count = await client.make_segment(segment.NAME, segment.CONDITION)
    place = await client.make_partner(shop.sheet) if system.reaches_itself else shop.connection
    received = await partner.send(client, place, shop.sheet, segment.goal(found), directory)
    written = segment.as_written(received.rows(segment.DELIMITER))
    agrees = written == await segment.as_stored(client) and len(written) == count
    verdict = "each as the database has it" if agrees else "not as the database has them"
    shown = f"{received.name}: {len(written):,} profiles, opened by {received.opened_by}"
    console.print(f"{shown}; {verdict}", markup=False)
    if not agrees:
        wrong.append(f"{received.name} does not have the segment's {count} profiles as the database does")
    return len(written)


if __name__ == "__main__":
    main()
