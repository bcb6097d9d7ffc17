"""Where a partner's own programs run, beside a hosted server on a real ledger."""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from tests.integration.dropserver.conftest import Ended
from tests.integration.dropserver.replicas import Replicas

CONTENT = os.urandom(700_000)
HALF = CONTENT[:300_000]


@dataclass(frozen=True, slots=True)
class Desk:
    """A home directory, and a login with a password."""

    house: Replicas
    home: Path
    username: str
    password: str

    async def start(self, *command: str) -> asyncio.subprocess.Process:
        """Start a program."""
        return await asyncio.create_subprocess_exec(
            *command,
            cwd=self.home,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
        )

    async def run(self, *command: str, said: str = "") -> Ended:
        """Run a program to its end, with so much to read."""
        process = await self.start(*command)
        async with asyncio.timeout(30):
            told, _ = await process.communicate(said.encode())
        return Ended(process.returncode or 0, told.decode(errors="replace"))

    async def rung(self) -> list[tuple[str, int]]:
        """Paths and sizes of the uploads that were complete, in the order in which they were; not under `*.part`."""
        query = (
            "SELECT path, size_bytes FROM tidegate.uploads "
            "WHERE closed_at IS NOT NULL AND path NOT LIKE '%.part' ORDER BY closed_at"
        )
        async with self.house.database.account(self.house.account_id, read_only=True) as tx:
            return [(row[0], row[1]) for row in await tx.connection.fetch(query)]
