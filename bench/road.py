"""The whole road: from a file that lies on the hosted SFTP server to its committed merge, and the importer's memory."""

from dataclasses import dataclass, field
from pathlib import Path

from bench.floor import Floor
from bench.generate import Made, small
from bench.memory import peak_of
from bench.system import System
from bench.tenant import Imported, tenant

LARGE_LOOK_SECONDS = 0.05
SMALL_LOOK_SECONDS = 0.01
SMALL_ROWS = 1_000


@dataclass(slots=True)
class Road:
    """Seconds of each round, floors beside them, and the largest memory that the importer took."""

    floors: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    peak_bytes: int = 0

    def add(self, floor: float, imported: Imported, peak_bytes: int) -> None:
        """Note a round."""
        self.floors.append(floor)
        self.seconds.append(imported.committed_at - imported.closed_at)
        self.steps.append(imported.seconds_by_step)
        self.peak_bytes = max(self.peak_bytes, peak_bytes)


async def one_round(system: System, floor: Floor, loads: dict[str, tuple[Made, Road]]) -> None:
    """Bring the files into a fresh account one after the other, each with its floor before it."""
    async with tenant(system) as account:
        for name, (made, road) in loads.items():
            floor_seconds = await floor.measure(made.path)
            with peak_of(system.importer_pid) as peak:
                imported = await account.bring(made, f"{name}.csv", look_seconds=LARGE_LOOK_SECONDS)
            road.add(floor_seconds, imported, peak.bytes)
            await account.rest()
        await account.empty()


async def latencies(system: System, directory: Path, files: int) -> list[float]:
    """Seconds from closing the upload to the commit, for small files one after the other."""
    found = []
    async with tenant(system) as account:
        for number in range(files):
            made = small(directory / "small.csv", number, SMALL_ROWS)
            imported = await account.bring(made, f"small_{number:04d}.csv", look_seconds=SMALL_LOOK_SECONDS)
            found.append(imported.committed_at - imported.closing_at)
    return found
