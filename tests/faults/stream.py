"""A partner that uploads one file after the other, whatever happens to the server meanwhile, and knows the sums.

One SFTP session carries many files. Where it is cut, or nobody answers, the partner connects again and begins the
file it was at anew, under the same name: as usual clients do.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from tests.acceptance.shop import Person, Shop, content_of, import_goal

PEOPLE = 40
ROWS = 8
PATIENCE_SECONDS = 10.0
PAUSE_SECONDS = 0.5
TRIES = 100
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
    cuts: int = 0
    """How often a session broke in the middle of a file, so that it was uploaded again."""
    _session: AsyncExitStack = field(default_factory=AsyncExitStack)
    _sftp: asyncssh.SFTPClient | None = None

    async def agree(self) -> None:
        """The goal for its files. The same bytes again, after an answer that was lost, are not taken twice."""
        await self.shop.add_goal(import_goal(f"{self.name}_*.csv", name=self.name, duplicate_content="skip"))

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
        for tries_left in range(TRIES, 0, -1):
            try:
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await self._try_to_put(path, content)
                return
            except (OSError, asyncssh.Error, TimeoutError):
                await self._hang_up()
                if tries_left == 1:
                    raise
            self.cuts += 1
            await asyncio.sleep(PAUSE_SECONDS)

    async def _try_to_put(self, path: str, content: bytes) -> None:
        if self._sftp is None:
            self._sftp = await self._session.enter_async_context(self.shop.folder())
        half = len(content) // 2
        async with self._sftp.open(path, "wb") as file:
            await file.write(content[:half])
            await file.write(content[half:], half)

    async def _hang_up(self) -> None:
        session, self._session, self._sftp = self._session, AsyncExitStack(), None
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await session.aclose()
        except (OSError, asyncssh.Error, TimeoutError):
            # The other side is gone, which is why we hang up.
            return


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
    assert completed == Counter(path for partner in partners for path in partner.files)
    for run in runs:
        assert run["state"].startswith("completed") or run["reason_code"] in ("duplicate_content", "file_changed"), run
    sums: Counter[str] = Counter()
    for partner in partners:
        sums.update(partner.sums)
    assert await shop.points() == dict(sums)
