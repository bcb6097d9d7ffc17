"""Roads of exports, whatever begins them and whatever they come to."""

import gzip
import hashlib
import json
from dataclasses import dataclass

from tests.eventually import eventually
from tests.faults.roads.patience import END_SECONDS, accepted, persist
from tests.faults.roads.road import CONTENT, DONE, FILE, PEOPLE, ROWS, OneRunRoad

EXPORT = {
    "kind": "export_profiles",
    "target": {"directory": "out", "file_name": "everybody.csv"},
    "dialect": {"delimiter": ";"},
    "columns": [{"property": "email"}, {"property": "points"}],
}


@dataclass(slots=True)
class ExportRoad(OneRunRoad):
    """All profiles into a file that a partner picks up."""

    goal_id: str = ""

    async def prepare(self) -> None:
        """Somebody to export."""
        await OneRunRoad.prepare(self)
        await self.shop.drop(FILE, CONTENT)
        await self.shop.await_runs(FILE, DONE)
        await self.shop.await_settled()
        self.goal_id = await self.shop.add_goal(EXPORT | {"name": self.name})

    async def drive(self) -> None:
        """One request, however often it must be made."""
        key = {"Idempotency-Key": self.name}
        await persist(lambda: accepted(self.shop, f"/v1/goals/{self.goal_id}/runs", headers=key))

    @property
    def told(self) -> str:
        """That it was exported."""
        return "completed:"

    def is_right(self, states: list[str]) -> bool:
        """The import before, and one export."""
        return sorted(states) == ["completed", DONE]

    async def check(self) -> None:
        """One file, whole, under its own name, and no half one beside it."""
        (run,) = [each for each in await self.shop.ledger.runs() if each["kind"] == "export"]
        async with self.shop.folder() as sftp:
            names = [str(name) for name in await sftp.listdir("out") if name not in (".", "..")]
            assert names == [run["delivered_name"]]
            async with sftp.open(f"out/{names[0]}", "r", encoding="utf-8") as file:
                lines = str(await file.read()).splitlines()
        assert lines[0] == "email;points"
        assert sorted(lines[1:]) == sorted(f"{each.email};3" for each in ROWS)
        assert run["receipt"]["rows_exported"] == PEOPLE


@dataclass(slots=True)
class ChangesRoad(ExportRoad):
    """The same of what changed alone: whatever strikes, nobody is missing, and nobody comes twice afterwards."""

    async def prepare(self) -> None:
        """Nothing was told before."""
        await OneRunRoad.prepare(self)
        await self.shop.drop(FILE, CONTENT)
        await self.shop.await_runs(FILE, DONE)
        await self.shop.await_settled()
        self.goal_id = await self.shop.add_goal(EXPORT | {"name": self.name, "changed_only": True})

    async def check(self) -> None:
        """One mark, and everybody in its set; whoever asks again is told nobody."""
        await ExportRoad.check(self)
        assert await self.shop.ledger.told_of(self.goal_id) == PEOPLE
        key = {"Idempotency-Key": f"{self.name} again"}
        await persist(lambda: accepted(self.shop, f"/v1/goals/{self.goal_id}/runs", headers=key))
        told: list[int] = []

        async def has_told() -> bool:
            runs = [each for each in await self.shop.ledger.runs() if each["kind"] == "export"]
            told[:] = [each["receipt"]["rows_exported"] for each in runs if each["state"] == "completed"]
            return len(told) == 2

        await eventually(has_told, "the export after it", limit_seconds=END_SECONDS)
        assert sorted(told) == [0, PEOPLE]


@dataclass(slots=True)
class ScheduledRoad(ExportRoad):
    """The same when its time has come."""

    async def prepare(self) -> None:
        """Its time is far off."""
        await OneRunRoad.prepare(self)
        await self.shop.drop(FILE, CONTENT)
        await self.shop.await_runs(FILE, DONE)
        await self.shop.await_settled()
        await self.shop.add_goal(EXPORT | {"name": self.name, "when": [{"cron": "0 5 29 2 *"}]})

    async def drive(self) -> None:
        """Its time comes."""
        await self.shop.ledger.make_due()


@dataclass(slots=True)
class FollowingRoad(ExportRoad):
    """An import, and an export that follows it."""

    async def prepare(self) -> None:
        """Both goals."""
        await OneRunRoad.prepare(self)
        path = f"/v1/connections/{self.shop.connection_id}/goals"
        (leading,) = (await self.shop.ask("GET", path, 200))["items"]
        await self.shop.add_goal(EXPORT | {"name": f"{self.name} back", "when": [{"after_goal": leading["id"]}]})

    async def drive(self) -> None:
        """A file comes."""
        await OneRunRoad.drive(self)


@dataclass(slots=True)
class PackedExportRoad(ExportRoad):
    """The same in several packed files, with all that can lie beside them: whole as a set, or not there."""

    async def prepare(self) -> None:
        """A goal of its own."""
        await ExportRoad.prepare(self)
        await self.shop.ask("DELETE", f"/v1/goals/{self.goal_id}", 204, headers={"If-Match": "*"})
        packed = {"packing": {"compression": "gzip"}, "split": {"rows": PEOPLE // 3}}
        beside = {"checksum": True, "manifest": True, "done_file": {}}
        self.goal_id = await self.shop.add_goal(EXPORT | packed | beside | {"name": self.name})

    async def check(self) -> None:
        """Every file of the manifest and no other, each as its checksum says, and everybody in them once."""
        found = {}
        async with self.shop.folder() as sftp:
            for name in await sftp.listdir("out"):
                if name not in (".", ".."):
                    async with sftp.open(f"out/{name}", "rb") as file:
                        found[str(name)] = bytes(await file.read())
        told = json.loads(found.pop("everybody.csv.gz.manifest.json"))
        assert found.pop("everybody.csv.gz.done") == b""
        data = {each["name"]: found.pop(each["name"]) for each in told["files"]}
        assert [each["rows"] for each in told["files"]] == [PEOPLE // 3] * 3
        for name, content in data.items():
            assert found.pop(f"{name}.sha256").decode() == f"{hashlib.sha256(content).hexdigest()}  {name}\n"
        assert found == {}
        texts = [gzip.decompress(content).decode().splitlines() for content in data.values()]
        assert {lines[0] for lines in texts} == {"email;points"}
        assert sorted(line for lines in texts for line in lines[1:]) == sorted(f"{each.email};3" for each in ROWS)
