"""Roads on which a run waits for somebody, is skipped, or is tried once more."""

from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.shop import content_of
from tests.eventually import eventually
from tests.faults.roads.imports import UnfitRoad
from tests.faults.roads.patience import END_SECONDS, accepted, persist
from tests.faults.roads.road import CONTENT, DONE, FILE, PEOPLE, ROWS, OneRunRoad

SECOND = "contacts_b.csv"
ASK = {"duplicate_content": "ask"}
STAYING = 10
FULL = {
    "full_file": True,
    "absent": {"then": "remove_from_list"},
    "mapping": [{"field": "points", "property": "points"}, {"field": "tags", "property": "tags", "rule": "add"}],
}


@dataclass(slots=True)
class SameContentRoad(OneRunRoad):
    """The bytes of an earlier file: nothing is imported."""

    second: bytes = CONTENT

    async def prepare(self) -> None:
        """The earlier file has been imported."""
        await OneRunRoad.prepare(self)
        await self.shop.drop(FILE, CONTENT)
        await self.shop.await_runs(FILE, DONE)
        await self.shop.await_settled()

    async def drive(self) -> None:
        """Under another name."""
        await persist(lambda: self.shop.drop(SECOND, self.second))

    @property
    def told(self) -> str:
        """That it was skipped."""
        return "skipped"

    def is_right(self, states: list[str]) -> bool:
        """The second run was skipped."""
        return sorted(states) == sorted([DONE, self.told])


@dataclass(slots=True)
class ApprovalRoad(SameContentRoad):
    """The same bytes where a person is asked: approved, they are imported."""

    goal: dict[str, Any] = field(default_factory=lambda: dict(ASK))
    points: int = 6
    decision: str = "approve"

    async def drive(self) -> None:
        """A person decides, and does so again until it is known to be done."""
        await SameContentRoad.drive(self)

        async def is_asked() -> bool:
            await self.go_on()
            return [each["waits_for"] for each in await self.shop.ledger.runs_of(SECOND)] == ["approval"]

        await eventually(is_asked, "the question", limit_seconds=END_SECONDS)
        (run,) = await self.shop.ledger.runs_of(SECOND)
        await persist(lambda: accepted(self.shop, f"/v1/runs/{run['run_id']}/{self.decision}"))

    @property
    def told(self) -> str:
        """That it was imported."""
        return DONE

    async def check(self) -> None:
        """Exact, and told once each."""
        assert await self.shop.points() == {each.email: self.points for each in ROWS}
        assert len(await self.shop.ledger.runs()) == 2
        abouts = [about for kind, about, _ in await self.shop.ledger.mails() if kind == "run"]
        assert len(abouts) == len(set(abouts))


@dataclass(slots=True)
class CancelRoad(ApprovalRoad):
    """The same where the person does not want it."""

    points: int = 3
    decision: str = "cancel"

    @property
    def told(self) -> str:
        """That it was cancelled."""
        return "cancelled"


@dataclass(slots=True)
class GuardRoad(ApprovalRoad):
    """A full file from which too many are absent: approved, they are taken off the list."""

    goal: dict[str, Any] = field(default_factory=lambda: dict(FULL))
    points: int = 3
    second: bytes = content_of(ROWS[:STAYING]) + b"person0@shop.example;Ann;x;seen\n"
    list_path: str = ""

    async def prepare(self) -> None:
        """Everybody is on the list."""
        made = await self.shop.ask("POST", "/v1/lists", 201, json={"name": self.name})
        self.list_path = f"/v1/lists/{made['id']}"
        self.goal["lists"] = {"add_to": [made["number"]]}
        await ApprovalRoad.prepare(self)
        assert (await self.shop.ask("GET", self.list_path, 200))["members"] == PEOPLE

    async def check(self) -> None:
        """Nobody is lost, and who stood in the file is on the list."""
        await ApprovalRoad.check(self)
        assert (await self.shop.ask("GET", self.list_path, 200))["members"] == STAYING


@dataclass(slots=True)
class RetryRoad(UnfitRoad):
    """The same, tried once more by a person."""

    async def drive(self) -> None:
        """Ask for the retry once it has failed."""
        await UnfitRoad.drive(self)
        await self.shop.await_runs(FILE, "failed")
        (run,) = await self.shop.ledger.runs()
        await persist(lambda: accepted(self.shop, f"/v1/runs/{run['run_id']}/retry"))

    async def has_ended(self) -> bool:
        """It has failed a second time, which is told as well."""
        abouts = {about for _, about, _ in await self.shop.ledger.mails()}
        return len(abouts) >= 2 and await UnfitRoad.has_ended(self)
