"""The roads that a file, an export or a question takes, and the end that each must come to, whatever strikes on it.

A road is prepared, then a failpoint on it is armed, then it is driven. Its clients are as patient as real ones: what
breaks off or is not answered they do again.
"""

import asyncio
import gzip
import hashlib
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import asyncssh
import httpx

from tests.acceptance.shop import Person, Shop, content_of, import_goal
from tests.eventually import eventually
from tests.faults.fleet import Fleet

PEOPLE = 300
END_SECONDS = 60.0
CLIENT_SECONDS = 6.0
CLIENT_PAUSE_SECONDS = 0.3
FILE = "contacts_a.csv"
SECOND = "contacts_b.csv"
SAMPLE = "sample.txt"
ROWS = [Person(f"person{number}@shop.example", 3) for number in range(PEOPLE)]
CONTENT = content_of([*ROWS, Person("nobody", 3)])
"""With one row that is rejected."""
UNFIT = b"name;first_name\nann;Ann\n"
SKIP = {"duplicate_content": "skip"}
ASK = {"duplicate_content": "ask"}
STAYING = 10
FULL = {
    "full_file": True,
    "absent": {"then": "remove_from_list"},
    "mapping": [{"field": "points", "property": "points"}, {"field": "tags", "property": "tags", "rule": "add"}],
}
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
        """One mark, and everybody in its set."""
        await ExportRoad.check(self)
        assert await self.shop.ledger.told_of(self.goal_id) == PEOPLE


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
class LostQuestionRoad(QuestionRoad):
    """A poller dies before it has answered, so that it must be rung for again."""

    async def drive(self) -> None:
        """Kill the poller on the way."""
        self.fleet.arm("inquiry.taken", "kill")
        await QuestionRoad.drive(self)


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


async def persist(attempt: Callable[[], Awaitable[None]], *, patience_seconds: float = END_SECONDS) -> None:
    """Do something over a network as a patient client does: again, when it breaks off or nobody answers."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            async with asyncio.timeout(CLIENT_SECONDS):
                await attempt()
            return
        except (OSError, asyncssh.Error, httpx.HTTPError, TimeoutError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(CLIENT_PAUSE_SECONDS)


async def accepted(shop: Shop, path: str, **more: Any) -> None:
    """Ask for something to be done. That it was done already is as good. Raises httpx.HTTPError."""
    answer = await shop.client.post(path, **more)
    if answer.status_code != 409:
        answer.raise_for_status()
