"""The floor that everything is compared with: `psql \\copy` of the raw file into an unlogged table of text columns."""

import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.entry.embedded_postgres import binaries

LIMIT_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Floor:
    """How the floor is measured: by which psql, or by asyncpg's raw copy where there is none."""

    dsn: str
    psql: Path | None
    how: str

    async def measure(self, file: Path) -> float:
        """Seconds to copy the file as it is, the client's start included. A checkpoint goes before."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            header = file.open(encoding="utf-8").readline().strip().split(",")
            await connection.execute("DROP TABLE IF EXISTS public.floor")
            await connection.execute(f"CREATE UNLOGGED TABLE public.floor ({', '.join(f'{c} text' for c in header)})")
            await connection.execute("CHECKPOINT")
            began = time.perf_counter()
            if self.psql is None:
                await connection.copy_to_table(
                    "floor", source=_chunks(file), schema_name="public", format="csv", header=True
                )
            else:
                self._copy(self.psql, file)
            seconds = time.perf_counter() - began
            await connection.execute("DROP TABLE public.floor")
        finally:
            await connection.close()
        return seconds

    def _copy(self, psql: Path, file: Path) -> None:
        path = str(file).replace("'", "''")
        command = [str(psql), "-q", "-X", "-v", "ON_ERROR_STOP=1", self.dsn]
        command += ["-c", f"\\copy public.floor FROM '{path}' CSV HEADER"]
        subprocess.run(command, check=True, capture_output=True, timeout=LIMIT_SECONDS)


def floor_of(dsn: str) -> Floor:
    """The floor of a server: the psql that came with it, else the machine's, else asyncpg."""
    installed = shutil.which("psql")
    for psql in (binaries() / "psql", Path(installed) if installed else None):
        if psql is not None and (version := _version(psql)) is not None:
            return Floor(dsn, psql, f"psql \\copy, {version}")
    return Floor(dsn, None, "asyncpg's raw copy, because this machine has no psql")


def _version(psql: Path) -> str | None:
    if not psql.is_file():
        return None
    done = subprocess.run([str(psql), "--version"], check=False, capture_output=True, text=True, timeout=30)
    return done.stdout.strip() if done.returncode == 0 else None


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(1 << 20):
            yield chunk
