"""`make demo FILE=...`: the whole road for anyone's file, set up from what a sample of it shows.

Everything goes through the API: the file is sent as a sample, its proposal becomes properties and a goal, the file is
uploaded, imported, counted and exported again. Nothing is chosen in silence: where the file leaves something open that
nobody has answered, the questions are shown and it ends there. What stays on this machine is the export alone.
"""

import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.console import Console

from demo import partner
from demo.client import Client, Sheet, export_goal
from demo.steps import bring, fetch, find_mail
from demo.system import System
from services.entry.inspect import FAILED, OPEN, SETTLED, show
from services.entry.terminal import harmless
from shared.domain.findings import Findings
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.limits import Limits

COUNTED = 20_000
"""Profiles are counted one by one up to so many; of more the export tells."""
_TEMPORARY = (".part", ".tmp", ".filepart", ".done", ".failed")


@dataclass(slots=True)
class Shown:
    """How it went."""

    status: int
    """The exit status: 0 all agreed, 1 the file cannot be read or something did not agree, 3 questions are open."""
    outcome: dict[str, Any]
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Said:
    """What the person who has the file says of it."""

    identifier: str | None = None
    """The name of the column that names a profile."""
    answers: Sequence[str] = ()
    """`CODE=VALUE` or `CODE:POINTER=VALUE`: what to answer all such questions, or the one. JSON, or else a text."""


async def demonstrate(system: System, directory: Path, file: Path, said: Said, console: Console) -> Shown:
    """Take a file as far as it goes. Raises RuntimeError with the gateway's answer where it refuses."""
    console.rule(f"Tidegate, {system.how}: {harmless(file.name)}")
    client = Client(system, console)
    await client.make_account()
    sample = await _answered(client, await client.take_sample(file), said.answers)
    if said.identifier is not None:
        # What was answered says which columns there are; of the same file with the property it is asked again.
        sample = await _with_identifier(client, sample, file, said.identifier)
        sample = await _answered(client, sample, said.answers)
    findings = Findings.model_validate(sample["findings"])
    show(findings, console)
    if sample["goal"] is None:
        return _stopped(findings, console)
    console.rule("Set up through the API, from the sample")
    folder = await client.make_drop_folder()
    sheet = await client.make_credential(folder)
    name = _name(file)
    way = await _set_up(client, folder, sample["id"], name, console)
    console.rule(f"Upload {harmless(name)}")
    run = await bring(client, way.imports, file, sheet, console, name=name)
    receipt = run["receipt"]
    if run["state"] not in ("completed", "completed_with_rejects"):
        console.print(f"{run['state']}: {run['reason']}", markup=False)
        return Shown(FAILED, {"state": run["state"], "reason": run["reason"]})
    for each in (await client.rejects(receipt["run_id"]))[:10]:
        where = "" if each["field"] is None else f" in {harmless(each['field'])}"
        console.print(f"  line {each['line_number']}: {each['code']}{where}", markup=False)
    wrong: list[str] = []
    if await find_mail(system.mails, receipt, wrong):
        console.print("the receipt was mailed")
    exported = await _exported(client, way, directory, sheet, receipt, wrong, console)
    partners = await client.make_partner(sheet) if system.reaches_itself else way.connection
    sent = await _sent(client, way, partners, directory, sheet, wrong, console)
    outcome = {"state": run["state"], "receipt": receipt, "exported": exported, "sent": sent}
    return Shown(FAILED if wrong else SETTLED, outcome, wrong)


async def _answered(client: Client, sample: dict[str, Any], answers: Sequence[str]) -> dict[str, Any]:
    """The sample with these answers given; new questions that come of them are answered as well."""
    known: set[tuple[str, str]] = set()
    while True:
        asked = [(each["code"], each["pointer"]) for each in sample["findings"]["questions"]]
        wanted = {key: value for key in asked if key not in known for value in [_answer_to(*key, answers)] if value}
        if not wanted:
            return sample
        known |= wanted.keys()
        given = [{"code": code, "pointer": pointer, "value": _value(text)} for (code, pointer), text in wanted.items()]
        sample = await client.answer(sample, given)


def _answer_to(code: str, pointer: str, answers: Sequence[str]) -> str | None:
    for name in (f"{code}:{pointer}=", f"{code}="):
        for each in answers:
            if each.startswith(name):
                return each.removeprefix(name)
    return None


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


async def _with_identifier(client: Client, sample: dict[str, Any], file: Path, name: str) -> dict[str, Any]:
    """The sample again, with a property that names profiles for that column."""
    findings = Findings.model_validate(sample["findings"])
    if findings.trouble is not None:
        return sample
    found = [each for each in findings.columns if (each.name or "").casefold() == name.casefold()]
    if len(found) != 1:
        names = ", ".join(each.shown for each in findings.columns)
        raise RuntimeError(f"ID={name} is the name of {len(found)} columns; there are {harmless(names, 500)}")
    (column,) = found
    target = next(entry.property.value for entry in findings.mapping if entry.position == column.position)
    if target is None:
        raise RuntimeError(f"ID={name} is a column that is not imported")
    await client.make_property({"name": target, "type": column.type.value.value, "identifier": True})
    return await client.take_sample(file)


def _stopped(findings: Findings, console: Console) -> Shown:
    """The file cannot be taken as it is: told, and not guessed at."""
    if findings.questions:
        console.print("Tidegate does not guess. Answers go to `POST /v1/samples/{id}/answers`; here, for example:")
        first = findings.questions[0]
        value = json.dumps(first.choices[0].value) if first.choices else "VALUE"
        console.print(f"    ARGS='--answer {first.code.value}:{first.pointer}={value}'", markup=False)
        questions = [{"code": each.code.value, "pointer": each.pointer} for each in findings.questions]
        return Shown(OPEN, {"questions": questions})
    trouble = findings.trouble
    return Shown(FAILED, {"trouble": trouble.code if trouble else "no_identifier"})


def _name(file: Path) -> str:
    """A name under which the file can lie in a drop folder: none that is hidden, temporary, or marked as done."""
    name = re.sub(r"[^\w.() -]+", "_", file.name).strip(". ") or "contacts"
    return f"{name}.file" if name.endswith(_TEMPORARY) else name


@dataclass(frozen=True, slots=True)
class _Way:
    """What was set up for the file."""

    connection: str
    imports: str
    exports: str
    properties: Sequence[str]


async def _set_up(client: Client, folder: str, sample_id: str, name: str, console: Console) -> _Way:
    """Make an import of the sample that takes this file, with the properties that it needs, and an export of them."""
    place = await client.make_connection(folder)
    wanted = {
        "kind": "import_profiles",
        "from_sample": sample_id,
        "create_properties": True,
        "name": "Anyone's file",
        "source": {"pattern": {"wildcard": name}, "readiness": {"strategy": "closed"}},
        "opt_in": {"declaration": "undefined"},
        "feedback": {"emails": ["crm@shop.example"], "when": "always"},
    }
    made = await client.make_goal(place, wanted)
    properties = [each["property"] for each in (*made["identifiers"], *made["mapping"])]
    types = {each["name"]: each["type"] for each in await client.properties()}
    console.print("properties: " + ", ".join(f"{each} ({types[each]})" for each in properties), markup=False)
    exports = await client.make_goal(place, export_goal(properties))
    return _Way(place, made["id"], exports["id"], properties)


async def _exported(
    client: Client,
    way: _Way,
    directory: Path,
    sheet: Sheet,
    receipt: dict[str, Any],
    wrong: list[str],
    console: Console,
) -> int:
    console.rule("Count the profiles and export them")
    counts = (receipt[name] for name in ("created", "updated", "unchanged", "skipped", "rejected"))
    if receipt["rows_read"] != sum(counts):
        wrong.append(f"rows_read is {receipt['rows_read']}, which is not the sum of what became of them")
    local = directory / "exported.csv"
    run = await fetch(client, way.exports, local, sheet)
    with local.open(newline="", encoding="utf-8") as file:
        exported = sum(1 for _ in csv.reader(file)) - 1
    if exported != receipt["profiles_affected"] or exported != run["receipt"]["rows_exported"]:
        wrong.append(f"exported {exported} profiles, expected {receipt['profiles_affected']}")
    if exported <= COUNTED:
        counted = len([each async for each in client.profiles()])
        console.print(f"profiles: {counted:,}")
        if counted != exported:
            wrong.append(f"found {counted} profiles, exported {exported}")
    console.print(f"exported {exported:,} profiles: {local}", markup=False)
    return exported


async def _sent(
    client: Client, way: _Way, place: str, directory: Path, sheet: Sheet, wrong: list[str], console: Console
) -> int | None:
    """Send a partner who has something in the last column; how many, or None where that wants a gpg."""
    console.rule("Send a segment to a partner: gzipped, encrypted, over SFTP")
    everybody = directory / "exported.csv"
    if find_programs() is None and everybody.stat().st_size > Limits().without_gpg_bytes:
        console.print("Files of such a size are encrypted by gpg alone, which is not installed here.")
        return None
    name = way.properties[-1]
    segment, _ = await client.make_segment(f"With {name}", {"not": {"property": name, "empty": True}})
    target = {"directory": "out", "file_name": "segment_{requested_at:YYYYMMDDHHmmss}.csv"}
    goal = export_goal(way.properties) | {"name": "A segment", "segment": segment, "target": target}
    received = await partner.send(client, place, sheet, goal, directory)
    sent = received.run["receipt"]["rows_exported"]
    pairs = zip_longest(received.rows(), _with_the_last(everybody))
    agrees = all(theirs == ours for theirs, ours in pairs)
    verdict = f"each as in {everybody.name}" if agrees else f"not as in {everybody.name}"
    shown = f"{received.name}: {sent:,} profiles, opened by {received.opened_by}"
    console.print(f"{shown}; {verdict}", markup=False)
    if not agrees:
        wrong.append(f"{received.name} does not have those rows of {everybody.name} that have something in {name}")
    return int(sent)


def _with_the_last(exported: Path) -> Iterator[list[str]]:
    with exported.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows)
        yield from (row for row in rows if row[-1].strip())
