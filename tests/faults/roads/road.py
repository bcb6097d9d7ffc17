"""A road from a file that is dropped to its receipt, which all other roads vary."""

from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.shop import Person, Shop, content_of, import_goal
from tests.eventually import eventually
from tests.faults.fleet import Fleet
from tests.faults.roads.patience import END_SECONDS, accepted, persist

PEOPLE = 300
FILE = "contacts_a.csv"
ROWS = [Person(f"person{number}@shop.example", 3) for number in range(PEOPLE)]
CONTENT = content_of([*ROWS, Person("nobody", 3)])
"""With one row that is rejected."""
SKIP = {"duplicate_content": "skip"}
DONE = "completed_with_rejects"


@dataclass(slots=True)
class Road:
    """From a file that is dropped to its receipt. Others differ in what they override."""

    shop: Shop
    fleet: Fleet
    goal: dict[str, Any] = field(default_factory=lambda: dict(SKIP))
    points: int = 3
    """What everybody has in the end."""

    async def prepare(self) -> None:
        """All that is done before the failpoint is armed."""
        await self.shop.add_goal(import_goal(name=self.name, **self.goal))

    async def drive(self) -> None:
        """What a client does; it does it again until it has worked."""
        await persist(lambda: self.shop.drop(FILE, CONTENT))

    async def go_on(self) -> None:
        """What a person does who finds that a run failed by a mistake of ours."""
        for run in await self.shop.ledger.runs():
            if run["state"] == "failed" and run["reason_code"] == "internal_error":
                await persist(lambda run=run: accepted(self.shop, f"/v1/runs/{run['run_id']}/retry"))

    async def has_ended(self) -> bool:
        """Whether everything has its end: runs, marks and mails."""
        runs, arrivals = await self.shop.ledger.runs(), await self.shop.ledger.arrivals()
        return (
            self.is_right([each["state"] for each in runs])
            and all(each["state"] in ("settled", "vanished") for each in arrivals)
            and all(state in ("sent", "given_up") for _, _, state in await self.shop.ledger.mails())
            and any(about.startswith(self.told) for _, about, _ in await self.shop.ledger.mails())
        )

    @property
    def told(self) -> str:
        """The state that people are told of in the end."""
        return DONE

    def is_right(self, states: list[str]) -> bool:
        """Whether runs in these states are the end. One completed; an upload that was repeated adds nothing."""
        others = [each for each in states if each != DONE]
        return states.count(DONE) == 1 and all(each in ("skipped", "failed") for each in others)

    async def check(self) -> None:
        """What must be exact."""
        assert await self.shop.points() == {each.email: self.points for each in ROWS}
        assert {each["tags"][0] for each in (await self.shop.profiles()).values()} == {"seen"}
        # Where a run failed and was retried, the file had been put among the failed ones, and is marked there.
        place = self.shop.system.place.directory / "drop" / str(self.shop.account_id)

        def is_marked() -> bool:
            names = [file.name for file in place.rglob(f"{FILE}*") if file.is_file()]
            return f"{FILE}.done" in names and FILE not in names

        # An upload that was sent again after a lost answer may not have been seen when all others had their end.
        await eventually(is_marked, "every upload to be marked", limit_seconds=END_SECONDS)
        abouts = [about for kind, about, _ in await self.shop.ledger.mails() if kind == "run"]
        assert sum(about.startswith(f"{self.told}:") for about in abouts) == 1, abouts

    @property
    def name(self) -> str:
        """The goal's name, which mails have in their subject."""
        return f"Road {self.shop.account_id.hex[:12]}"

    async def await_end(self) -> None:
        """Return when everything has its end."""

        async def ended() -> bool:
            await self.go_on()
            return await self.has_ended()

        await eventually(ended, "the end of the road", limit_seconds=END_SECONDS, every_seconds=0.2)


@dataclass(slots=True)
class OneRunRoad(Road):
    """The same where nothing is uploaded twice: one run, whatever happens."""

    def is_right(self, states: list[str]) -> bool:
        """One run."""
        return states == [DONE]
