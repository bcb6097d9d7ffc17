"""What it costs that a file is packed, encrypted, a workbook, read exactly or processed, beside the plain file.

The same rows by the same goal into fresh accounts, every way once in every round. The time is that of the whole road,
from the upload's close to the commit; since the merge is the same for all, each line also tells the ratio without it.
Making the files is not measured.
"""

import asyncio
import gzip
import statistics
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from bench.generate import Made
from bench.goal import GOAL
from bench.report import Line
from bench.system import System
from bench.tenant import Imported, tenant
from bench.workbook import write_workbook
from shared.domain.openpgp_key import OwnKey
from shared.formats.openpgp import keys
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.message import encrypt

ROWS = 200_000
LOOK_SECONDS = 0.02
PLAIN = "plain"
TEN_PROCESSORS: tuple[dict[str, Any], ...] = (
    {"kind": "trim", "collapse": True},
    {"kind": "normalize_email", "field": "email"},
    {"kind": "change_case", "field": "last_name", "to": "title"},
    {"kind": "replace", "field": "city", "find": "Köln", "with": "Cologne"},
    {"kind": "replace_matching", "field": "phone", "expression": "[^0-9+]+", "with": ""},
    {"kind": "value_map", "field": "country", "values": {"NL": "Netherlands", "BE": "Belgium"}, "on_failure": "keep"},
    {"kind": "reformat_number", "field": "revenue"},
    {"kind": "fill", "field": "first_name", "value": "unknown"},
    {"kind": "join", "fields": ["first_name", "last_name"], "into": "whole_name"},
    {"kind": "drop_rows", "where": {"field": "email", "empty": True}},
)
"""Ten of different kinds; none of them changes what comes of a row."""


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which the rows come."""

    name: str
    make: Callable[[Path, Path], None]
    """Writes the file that is sent, from the plain one."""
    goal: dict[str, Any] = field(default_factory=dict)
    """What the goal says besides."""
    path: str = "fast"


@dataclass(slots=True)
class Took:
    """Seconds of each round: of the whole road, and of the same without the merge."""

    whole: list[float] = field(default_factory=list)
    before_merge: list[float] = field(default_factory=list)

    def add(self, imported: Imported) -> None:
        """Note a round."""
        self.whole.append(imported.committed_at - imported.closed_at)
        self.before_merge.append(sum(imported.seconds_by_step.values()) - imported.seconds_by_step["merge"])


def measure(system: System, directory: Path, made: Made, rounds: int) -> list[Line]:
    """Each way as a ratio to the plain one, medians of interleaved rounds."""
    key = keys.generated("Benchmark <bench@shop.example>", "curve25519", None, "of the benchmark")
    files = {}
    for way in _ways(key):
        path = directory / f"{way.name.replace(' ', '_')}.csv"
        way.make(made.path, path)
        files[way.name] = replace(made, path=path)
    took = {way.name: Took() for way in _ways(key)}
    # The first import after a start takes longer, whatever its format.
    asyncio.run(_one(system, _ways(key)[0], files[PLAIN], key))
    for _ in range(rounds):
        for way in _ways(key):
            took[way.name].add(asyncio.run(_one(system, way, files[way.name], key)))
    return [_line(name, each, took[PLAIN], files[name]) for name, each in took.items() if name != PLAIN]


def _ways(key: OwnKey) -> list[Way]:
    return [
        Way(PLAIN, lambda plain, target: target.symlink_to(plain)),
        Way("gzip", _gzip),
        Way("zip", _zip),
        Way("OpenPGP and gzip", lambda plain, target: _seal(plain, target, key), {"unpack": {"decrypt": "required"}}),
        Way("XLSX", write_workbook, {"format": "xlsx"}, "exact"),
        # No character of the files: it only keeps the reader from its fast way.
        Way("exact path", lambda plain, target: target.symlink_to(plain), {"dialect": {"escapeChar": "¤"}}, "exact"),
        Way("ten processors", lambda plain, target: target.symlink_to(plain), {"processors": TEN_PROCESSORS}),
    ]


async def _one(system: System, way: Way, made: Made, key: OwnKey) -> Imported:
    given = {"name": "bench", "key": key.material, "passphrase": key.passphrase}
    async with tenant(system, (GOAL | way.goal,), openpgp_keys=(given,)) as account:
        imported = await account.bring(made, "contacts.csv", look_seconds=LOOK_SECONDS, path=way.path)
        await account.empty()
    return imported


def _line(name: str, took: Took, plain: Took, made: Made) -> Line:
    whole, beside = statistics.median(took.whole), statistics.median(plain.whole)
    without = statistics.median(took.before_merge) / statistics.median(plain.before_merge)
    rounds = [each / other for each, other in zip(took.whole, plain.whole, strict=True)]
    detail = (
        f"{whole:.2f} s over {beside:.2f} s for {made.rows:,} rows; {without:.2f} without the merge; "
        f"rounds {min(rounds):.2f} to {max(rounds):.2f}"
    )
    return Line(f"whole road, {name}, to the plain file", whole / beside, "x plain", detail=detail)


def _gzip(plain: Path, target: Path) -> None:
    target.write_bytes(gzip.compress(plain.read_bytes()))


def _zip(plain: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(plain, "contacts.csv")


def _seal(plain: Path, target: Path, key: OwnKey) -> None:
    packed = target.with_suffix(".gz")
    _gzip(plain, packed)
    asyncio.run(encrypt(packed, target, (key,), gpg=find_programs()))
    packed.unlink()
