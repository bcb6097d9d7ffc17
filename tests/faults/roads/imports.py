"""Roads of files that come in other ways, that have lists of their own, or whose rejects go back."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.shop import import_goal
from tests.eventually import eventually
from tests.faults.roads.patience import accepted, persist
from tests.faults.roads.road import CONTENT, DONE, FILE, PEOPLE, ROWS, SKIP, OneRunRoad, Road

UNFIT = b"name;first_name\nann;Ann\n"


@dataclass(slots=True)
class ListRoad(OneRunRoad):
    """The same where the file has a list of its own: however often it is begun, it makes one."""

    goal: dict[str, Any] = field(default_factory=lambda: SKIP | {"lists": {"create": {}}})

    async def check(self) -> None:
        """One list with everybody on it."""
        await OneRunRoad.check(self)
        made = (await self.shop.ask("GET", "/v1/lists", 200))["items"]
        assert [each["members"] for each in made] == [PEOPLE]
        assert made[0]["name"].startswith(f"{self.name} 20")


@dataclass(slots=True)
class ManualRoad(OneRunRoad):
    """A file that is sent to the gateway, under one key however often."""

    async def drive(self) -> None:
        """Send it by the goal's settings."""
        path = f"/v1/connections/{self.shop.connection_id}/goals"
        (goal,) = (await self.shop.ask("GET", path, 200))["items"]
        asked = f"/v1/imports?name={FILE}&goal_id={goal['id']}"
        headers = {"Content-Type": "application/octet-stream", "Idempotency-Key": self.name}
        await persist(lambda: accepted(self.shop, asked, content=CONTENT, headers=headers))

    async def check(self) -> None:
        """Everybody once, and the file is kept."""
        assert await self.shop.points() == {each.email: self.points for each in ROWS}
        assert [each["settled_as"] for each in await self.shop.ledger.arrivals()] == ["kept"]


@dataclass(slots=True)
class OneShotRoad(Road):
    """A file that a request names, under one key however often; here it lies in a hosted folder, where nobody looks."""

    async def prepare(self) -> None:
        """The file lies there."""
        place = self.shop.system.place.directory / "drop" / str(self.shop.account_id)
        await eventually(lambda: place.is_dir() and any(place.iterdir()), "the folder")
        (folder,) = place.iterdir()
        (folder / "asked").mkdir()
        (folder / "asked" / FILE).write_bytes(CONTENT)

    async def drive(self) -> None:
        """Ask for it."""
        await self._ask("first")

    async def go_on(self) -> None:
        """A run that failed by a mistake of ours cannot be retried: it is asked for again."""
        if "failed" in [run["state"] for run in await self.shop.ledger.runs()]:
            await self._ask("again")

    async def check(self) -> None:
        """Everybody once, the file where it lay, and one host key pinned."""
        assert await self.shop.points() == {each.email: self.points for each in ROWS}
        assert {each["settled_as"] for each in await self.shop.ledger.arrivals()} == {"left"}
        shown = await self.shop.ask("GET", "/v1/connections", 200, params={"transport": "one_shot"})
        assert [len(each["place"]["host_keys"]) for each in shown["items"]] == [1]

    async def _ask(self, key: str) -> None:
        login, system = self.shop.login, self.shop.system
        credentials = {"hostname": "127.0.0.1", "port": system.sftp_port, "file": f"/asked/{FILE}"}
        body = {
            "credentials": {**credentials, "username": login["username"], "password": login["password"]},
            "mappings": {"email": 0, "first_name": 1, "points": 2, "tags": 3},
            "settings": {"delimiter": "semicolon"},
        }
        headers = {"Idempotency-Key": f"{self.name} {key}"}
        await persist(lambda: accepted(self.shop, "/api/2.0/imports/sftp", json=body, headers=headers))


@dataclass(slots=True)
class LookRoad(OneRunRoad):
    """A file that lies there without an upload of ours: only a look finds it."""

    async def prepare(self) -> None:
        """The first look, at nothing, is over before."""
        await eventually(self._was_looked_at, "the first look")
        place = self.shop.system.place.directory / "drop" / str(self.shop.account_id)
        (folder,) = place.iterdir()
        unseen = folder / ".unseen"
        unseen.write_bytes(CONTENT)
        unseen.replace(folder / FILE)

    async def drive(self) -> None:
        """A goal that is saved is looked for at once."""
        source = {"readiness": {"strategy": "rename"}}
        await self.shop.add_goal(import_goal(name=self.name, source=source))

    async def _was_looked_at(self) -> bool:
        path = f"/v1/connections/{self.shop.connection_id}"
        return (await self.shop.ask("GET", path, 200))["looked_at"] is not None


@dataclass(slots=True)
class RenameRoad(Road):
    """A client that uploads under a temporary name, and begins anew when something is not answered."""

    async def drive(self) -> None:
        """Upload, then rename."""

        async def upload() -> None:
            async with self.shop.folder() as sftp:
                async with sftp.open(f"{FILE}.part", "wb") as file:
                    await file.write(CONTENT)
                await sftp.posix_rename(f"{FILE}.part", FILE)

        await persist(upload)


@dataclass(slots=True)
class UnfitRoad(OneRunRoad):
    """A file that the goal does not fit: refused, kept and told."""

    async def drive(self) -> None:
        """Without the identifier's column."""
        await persist(lambda: self.shop.drop(FILE, UNFIT))

    @property
    def told(self) -> str:
        """That it failed."""
        return "failed"

    def is_right(self, states: list[str]) -> bool:
        """One failed run."""
        return states == ["failed"]

    async def check(self) -> None:
        """Nothing was imported, and the file is where failed ones go."""
        (run,) = await self.shop.ledger.runs()
        assert run["reason_code"] == "header_changed"
        assert await self.shop.points() == {}
        async with self.shop.folder() as sftp:
            assert FILE in [str(name) for name in await sftp.listdir("failed")]


@dataclass(slots=True)
class ReturnRoad(OneRunRoad):
    """A file whose reject goes back into the drop folder, with an acknowledgement."""

    goal: dict[str, Any] = field(default_factory=lambda: SKIP | {"rejects": {"return_to": "rejected"}})

    async def has_ended(self) -> bool:
        """Nothing is owed any more either."""
        return await OneRunRoad.has_ended(self) and not await self.shop.ledger.left_behind()

    async def check(self) -> None:
        """Two files, whole, under the file's own name, and no half one beside them."""
        await OneRunRoad.check(self)
        (run,) = await self.shop.ledger.runs()
        async with self.shop.folder() as sftp:
            names = [str(name) for name in await sftp.listdir("rejected") if name not in (".", "..")]
            assert sorted(names) == [f"{FILE}.ack", f"{FILE}.rejects.csv"]
            async with sftp.open(f"rejected/{FILE}.rejects.csv", "r", encoding="utf-8") as file:
                lines = str(await file.read()).splitlines()
            async with sftp.open(f"rejected/{FILE}.ack", "r", encoding="utf-8") as file:
                told = json.loads(str(await file.read()))
        assert [line.split(";")[0] for line in lines] == ["email", "nobody"]
        assert (told["run_id"], told["state"], told["rejected"]) == (str(run["run_id"]), DONE, 1)
