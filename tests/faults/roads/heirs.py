"""Roads that another must take to their end: who was on them is gone, or nobody heard."""

from dataclasses import dataclass

from tests.faults.roads.imports import ReturnRoad
from tests.faults.roads.questions import QuestionRoad
from tests.faults.roads.road import OneRunRoad


@dataclass(slots=True)
class LostWorkerRoad(OneRunRoad):
    """An importer dies in the middle of its COPY, so that the run must be taken over."""

    async def drive(self) -> None:
        """Kill the importer on the way."""
        self.fleet.arm("importer.copying", "kill")
        await OneRunRoad.drive(self)


@dataclass(slots=True)
class LostMarkRoad(OneRunRoad):
    """An importer dies before it marks the file, so that it must be rung for again."""

    async def drive(self) -> None:
        """Kill the importer on the way."""
        self.fleet.arm("settle.begun", "kill")
        await OneRunRoad.drive(self)


@dataclass(slots=True)
class LostReturnRoad(ReturnRoad):
    """An importer dies before it puts the reject back, so that it must be rung for again."""

    async def drive(self) -> None:
        """Kill the importer on the way."""
        self.fleet.arm("return.begun", "kill")
        await ReturnRoad.drive(self)


@dataclass(slots=True)
class LostRingRoad(OneRunRoad):
    """No importer hears the doorbell, so that it must be rung again."""

    async def drive(self) -> None:
        """Importers that are deaf until the sweeper has come to the run."""
        deaf = self.shop.system.running("importer")
        for each in deaf:
            each.freeze()
        await OneRunRoad.drive(self)
        await self.fleet.struck("sweep.ringing_run")
        for each in deaf:
            each.thaw()


@dataclass(slots=True)
class LostQuestionRoad(QuestionRoad):
    """A poller dies before it has answered, so that it must be rung for again."""

    async def drive(self) -> None:
        """Kill the poller on the way."""
        self.fleet.arm("inquiry.taken", "kill")
        await QuestionRoad.drive(self)
