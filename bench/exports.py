"""What an export costs: rows of twelve columns into one file in a hosted folder, and the exporter's memory.

The floor is `psql \\copy (select the same columns) to` a local file, in no order and in no dialect but CSV's. An export
is timed from its claim to its end: order, select, format, spool, hash, deliver, receipt.
"""

import asyncio
import json
import statistics
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.floor import LIMIT_SECONDS, Floor
from bench.generate import Made
from bench.goal import GOAL, PROPERTIES
from bench.memory import peak_of
from bench.report import Line, memory_line, ratio_line
from bench.system import System
from bench.tenant import Tenant, tenant
from shared.formats.openpgp import keys

LOOK_SECONDS = 0.05
EXPORT: dict[str, Any] = {
    "kind": "export_profiles",
    "name": "Everybody",
    "columns": [{"property": each.name} for each in PROPERTIES],
    "feedback": {"when": "never"},
}
PLAIN = "as it comes"
WAYS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    "in another dialect and zone": {
        "dialect": {
            "delimiter": ";",
            "decimalChar": ",",
            "dateFormat": "DD/MM/YYYY HH:mm:ss",
            "timezone": "Europe/Amsterdam",
            "encoding": "cp1252",
            "nullSequence": "-",
        },
        "processors": [{"kind": "replace", "field": "city", "find": "Łódź", "with": "Lodz"}],
    },
}
"""The same rows under each of these goals."""
GZIP: dict[str, Any] = {"packing": {"compression": "gzip"}}
PACKED = ("gzip", "OpenPGP", "gzip and OpenPGP")
"""And so, beside the plain file."""


@dataclass(slots=True)
class Took:
    """Seconds of each round with the floor beside it, and the largest memory."""

    seconds: list[float] = field(default_factory=list)
    floors: list[float] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    peak_bytes: int = 0


async def measure(system: System, floor: Floor, made: Made, rounds: int, directory: Path) -> dict[str, Took]:
    """Each way once in every round, in one account with all profiles."""
    took = {name: Took() for name in (*WAYS, *PACKED)}
    key = keys.generated("Benchmark <bench@shop.example>", "curve25519", None, "of the benchmark")
    given = {"name": "bench", "key": key.material, "passphrase": key.passphrase}
    sealed = {"encrypt_to": [key.facts.fingerprint]}
    ways = {**WAYS, **dict(zip(PACKED, (GZIP, sealed, GZIP | sealed), strict=True))}
    goals = [
        EXPORT | {"name": name, "target": {"directory": "out", "file_name": f"{number}.csv"}} | changes
        for number, (name, changes) in enumerate(ways.items())
    ]
    async with tenant(system, (GOAL, *goals), openpgp_keys=(given,)) as account:
        await account.bring(made, "contacts.csv", look_seconds=LOOK_SECONDS)
        await account.rest()
        # The first export after a start takes longer.
        await _export(system, account, next(iter(took)), made, Took())
        for _ in range(rounds):
            for name, each in took.items():
                if name in WAYS:
                    each.floors.append(await asyncio.to_thread(_floor, floor, account, directory / "floor.csv"))
                await _export(system, account, name, made, each)
        await account.empty()
    return took


async def _export(system: System, account: Tenant, name: str, made: Made, took: Took) -> None:
    with peak_of(system.pids["exporter"]) as peak:
        run = await account.export(name, look_seconds=LOOK_SECONDS)
    receipt = json.loads(run["receipt"])
    if receipt["rows_exported"] != made.rows:
        raise RuntimeError(f"{receipt['rows_exported']} rows exported, expected {made.rows}")
    took.seconds.append((run["finished_at"] - run["started_at"]).total_seconds())
    took.steps.append(receipt["seconds_by_step"])
    took.peak_bytes = max(took.peak_bytes, peak.bytes)


def _floor(floor: Floor, account: Tenant, target: Path) -> float:
    """Seconds to copy the same columns to a file, the client's start included."""
    if floor.psql is None:
        raise RuntimeError("an export has no floor on a machine without psql")
    columns = ", ".join(f"p_{each.name}" for each in PROPERTIES)
    path = str(target).replace("'", "''")
    command = [str(floor.psql), "-q", "-X", "-v", "ON_ERROR_STOP=1", floor.dsn]
    command += ["-c", f"\\copy (SELECT {columns} FROM {account.profiles}) TO '{path}' CSV HEADER"]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_SECONDS)
    seconds = time.perf_counter() - began
    target.unlink()
    return seconds


def lines_of(took: dict[str, Took], rows: int) -> list[Line]:
    """The figures: half of psql's rate is a ratio of two."""
    lines = [
        ratio_line(f"export, {name}", each.seconds, each.floors, aim=2, limit=4)
        for name, each in took.items()
        if name in WAYS
    ]
    lines += [_beside(name, took[name], took[PLAIN]) for name in PACKED]
    peak = max(each.peak_bytes for each in took.values())
    return [*lines, memory_line("exporter's peak memory", peak, f"{rows:,} rows")]


def _beside(name: str, took: Took, plain: Took) -> Line:
    whole, beside = statistics.median(took.seconds), statistics.median(plain.seconds)
    rounds = [each / other for each, other in zip(took.seconds, plain.seconds, strict=True)]
    detail = f"{whole:.2f} s over {beside:.2f} s; rounds {min(rounds):.2f} to {max(rounds):.2f}"
    return Line(f"export, {name}, to the plain one", whole / beside, "x plain", detail=detail)
