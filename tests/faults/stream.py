"""A partner that uploads one file after the other, whatever happens to the server meanwhile, and knows the sums.

One SFTP session carries many files. Each is uploaded under a temporary name and renamed. Where a session is cut, or
nobody answers, the partner connects again and goes on: with the upload if that was not finished, with the renaming if
it was, and with the next file if the temporary name has gone. So each file is offered exactly once; who uploads under
the final name and repeats it after an answer that was lost has offered two files of the same content.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from tests.acceptance.shop import Person, Shop, content_of, import_goal
from tests.faults.roads.patience import persist

PEOPLE = 40
ROWS = 8
PATIENCE_SECONDS = 300.0
GOODBYE_SECONDS = 5.0
UNFIT_EVERY = 10
"""Every so many files have one row that is rejected."""


@dataclass(slots=True)
class Partner:
    """The files of one goal. No two of them have the same content."""

    shop: Shop
    name: str
    rng: random.Random
    sums: Counter[str] = field(default_factory=Counter)
    """Points that the files uploaded so far give to everybody."""
    files: list[str] = field(default_factory=list)
    begun: int = 0
    """How often an upload was begun: more than there are files, where sessions broke in the middle of one."""
    _session: AsyncExitStack = field(default_factory=AsyncExitStack)
    _sftp: asyncssh.SFTPClient | None = None

    async def agree(self) -> None:
        """The goal for its files."""
        await self.shop.add_goal(import_goal(f"{self.name}_*.csv", name=self.name))

    async def upload(self) -> None:
        """The next file, for as long as it takes."""
        number = len(self.files) + 1
        people = [f"person{each}@shop.example" for each in self.rng.sample(range(PEOPLE), ROWS)]
        # The first row's points make the content one of a kind.
        points = [number, *(self.rng.randint(-1000, 1000) for _ in people[1:])]
        rows = [Person(email, each) for email, each in zip(people, points, strict=True)]
        unfit = [] if number % UNFIT_EVERY else [Person("nobody", 1)]
        path = f"{self.name}_{number:04}.csv"
        await self._put(path, content_of([*rows, *unfit]))
        self.files.append(path)
        self.sums.update(dict(zip(people, points, strict=True)))

    async def leave(self) -> None:
        """Close the session."""
        await self._hang_up()

    async def _put(self, path: str, content: bytes) -> None:
        is_uploaded = False

        async def attempt() -> None:
            nonlocal is_uploaded
            try:
                sftp = await self._connected()
                if not is_uploaded:
                    self.begun += 1
                    await _upload(sftp, f"{path}.part", content)
                    is_uploaded = True
                if await sftp.exists(f"{path}.part"):
                    await sftp.rename(f"{path}.part", path)
            except (OSError, asyncssh.Error, asyncio.CancelledError):
                await self._hang_up()
                raise

        await persist(attempt, patience_seconds=PATIENCE_SECONDS)

    async def _connected(self) -> asyncssh.SFTPClient:
        if self._sftp is None:
            self._sftp = await self._session.enter_async_context(self.shop.folder())
        return self._sftp

    async def _hang_up(self) -> None:
        session, self._session, self._sftp = self._session, AsyncExitStack(), None
        try:
            async with asyncio.timeout(GOODBYE_SECONDS):
                await session.aclose()
        except (OSError, asyncssh.Error, TimeoutError):
            # The other side is gone, which is why we hang up.
            return


async def _upload(sftp: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    half = len(content) // 2
    async with sftp.open(path, "wb") as file:
        await file.write(content[:half])
        await file.write(content[half:], half)


@asynccontextmanager
async def streaming(*partners: Partner, pause_seconds: float) -> AsyncIterator[None]:
    """While inside, every partner uploads; what is being uploaded at the end is finished."""
    over = asyncio.Event()

    async def stream(partner: Partner) -> None:
        while not over.is_set():
            await partner.upload()
            await asyncio.sleep(pause_seconds)

    async with asyncio.TaskGroup() as group:
        for partner in partners:
            group.create_task(stream(partner))
        try:
            yield
        finally:
            over.set()
    for partner in partners:
        await partner.leave()


async def have_ended(partners: list[Partner]) -> bool:
    """Whether every file has one run that completed."""
    return all([not await unfinished(partner) for partner in partners])


async def unfinished(partner: Partner) -> list[str]:
    """The files that have no completed run."""
    done = {run["path"] for run in await partner.shop.ledger.runs() if run["state"].startswith("completed")}
    return [path for path in partner.files if path not in done]


async def assert_exact(shop: Shop, partners: list[Partner]) -> None:
    """Each file of an account was imported once, and everybody has exactly the points that all files together gave."""
    runs = [run for run in await shop.ledger.runs() if run["kind"] == "import"]
    completed = Counter(run["path"] for run in runs if run["state"].startswith("completed"))
    offered = Counter(path for partner in partners for path in partner.files)
    assert completed == offered, f"not imported {offered - completed}, too often {completed - offered}"
    assert len(runs) == completed.total(), [run for run in runs if not run["state"].startswith("completed")]
    sums: Counter[str] = Counter()
    for partner in partners:
        sums.update(partner.sums)
    found = await shop.points()
    assert found == dict(sums), {email: (found.get(email), sums[email]) for email in found.keys() | sums.keys()}
