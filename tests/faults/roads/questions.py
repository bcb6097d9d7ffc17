"""Roads of what is asked of a place through the ledger."""

from dataclasses import dataclass
from typing import Any

from tests.faults.roads.road import CONTENT, Road

SAMPLE = "sample.txt"


@dataclass(slots=True)
class QuestionRoad(Road):
    """A question to a place, asked through the ledger and answered by a poller."""

    inquiry: str = ""

    async def drive(self) -> None:
        """Ask, and do not wait for the answer here."""
        path = f"/v1/connections/{self.shop.connection_id}/verify"
        answer = await self.shop.client.post(path)
        assert answer.status_code in (200, 202), answer.text
        self.inquiry = answer.json()["id"]

    async def has_ended(self) -> bool:
        """It is answered."""
        return bool(self.inquiry) and (await self._answer()) is not None

    async def check(self) -> None:
        """Answered rightly, and the connection goes on."""
        answer = await self._answer()
        assert answer is not None
        assert answer["ok"] is True

    async def _answer(self) -> dict[str, Any] | None:
        found: dict[str, Any] = await self.shop.ask("GET", f"/v1/inquiries/{self.inquiry}", 200)
        return found["answer"]


@dataclass(slots=True)
class SampleRoad(Road):
    """A sample that lies in a place, asked for through the ledger, and fetched and looked at by a poller."""

    sample: str = ""

    async def prepare(self) -> None:
        """A file that no goal takes."""
        await Road.prepare(self)
        await self.shop.drop(SAMPLE, CONTENT)

    async def drive(self) -> None:
        """Ask, and do not wait for the answer here."""
        asked = {"connection_id": self.shop.connection_id, "path": SAMPLE}
        self.sample = (await self.shop.ask("POST", "/v1/samples", 202, json=asked))["id"]

    async def has_ended(self) -> bool:
        """It is there, or has failed."""
        return bool(self.sample) and (await self._shown())["state"] != "fetching"

    async def check(self) -> None:
        """It was found what it is, and the file stays."""
        shown = await self._shown()
        assert (shown["state"], shown["size_bytes"]) == ("ready", len(CONTENT)), shown["reason"]
        assert len(shown["findings"]["columns"]) == len(CONTENT.splitlines()[0].split(b";"))
        assert SAMPLE in await self.shop.names()

    async def _shown(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.shop.ask("GET", f"/v1/samples/{self.sample}", 200)
        return found
