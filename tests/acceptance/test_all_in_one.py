"""`tidegate up`: however the process ends, what was uploaded is imported once, and what was imported is still there."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import httpx
import pytest

from tests.acceptance.process import ROOT
from tests.acceptance.shop import PROPERTIES, content_of, import_goal, people
from tests.eventually import eventually

FILES = 6
PEOPLE = 2_000
ENDS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)


@contextmanager
def all_in_one(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process of its own on that directory, ended on leaving."""
    ports = ["--api-port", "0", "--sftp-port", "0", "--webdav-port", "0"]
    command = [sys.executable, "-m", "services.entry", "up", *ports, "--data-dir"]
    with (directory.parent / "up.log").open("ab") as log:
        child = subprocess.Popen([*command, str(directory)], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield child
    finally:
        child.kill()
        child.wait(30)


class Here:
    """The running all in one as a client sees it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def access(self) -> dict[str, Any]:
        """The addresses and keys of the day."""
        access: dict[str, Any] = json.loads((self._directory / "access.json").read_text())
        return access

    async def await_answer(self) -> None:
        """Wait until the gateway answers under the address that is told."""

        async def answers() -> bool:
            try:
                async with httpx.AsyncClient(base_url=self.access["api_url"], timeout=5) as client:
                    return (await client.get("/readyz")).status_code == 200
            except (OSError, ValueError, httpx.HTTPError):
                return False

        await eventually(answers, "an all in one that is up", limit_seconds=60)

    async def ask(self, method: str, path: str, **more: Any) -> Any:
        """The body of a successful answer."""
        headers = {"Authorization": f"Bearer {self.access['account_key']}"}
        async with httpx.AsyncClient(base_url=self.access["api_url"], headers=headers, timeout=20) as client:
            answer = await client.request(method, path, **more)
            assert answer.is_success, answer.text
            return answer.json()

    async def drop(self, files: dict[str, bytes]) -> None:
        """Upload files in this order."""
        access = self.access
        async with (
            asyncssh.connect(
                access["sftp_host"],
                access["sftp_port"],
                username=access["sftp_username"],
                password=access["sftp_password"],
                known_hosts=None,
                config=None,
                agent_path=None,
                client_keys=None,
            ) as connection,
            connection.start_sftp_client() as sftp,
        ):
            for name, content in files.items():
                async with sftp.open(name, "wb") as file:
                    await file.write(content)

    async def verified(self, host: str) -> dict[str, Any]:
        """Its own SFTP server as a partner's under that host: the steps of verify by name."""
        access = self.access
        place = {"transport": "sftp", "host": host, "port": access["sftp_port"], "username": access["sftp_username"]}
        sent = {"name": host, "place": {**place, "trust_on_first_use": True}, "password": access["sftp_password"]}
        made = await self.ask("POST", "/v1/connections", json=sent)
        asked = await self.ask("POST", f"/v1/connections/{made['id']}/verify")

        async def is_answered() -> bool:
            nonlocal asked
            asked = await self.ask("GET", f"/v1/inquiries/{asked['id']}")
            return asked["state"] == "answered"

        await eventually(is_answered, "an answer")
        return {step["name"]: step["code"] or step["outcome"] for step in asked["answer"]["steps"]}

    async def states(self) -> list[str]:
        """The states of all runs."""
        return [run["state"] for run in (await self.ask("GET", "/v1/runs?limit=1000"))["items"]]


@pytest.mark.parametrize("end", ENDS)
async def test_an_all_in_one_that_ends_in_the_middle_of_imports_loses_nothing(
    tmp_path: Path, end: signal.Signals
) -> None:
    directory = tmp_path / "data"
    here = Here(directory)
    files = {f"contacts_{number}.csv": content_of(people(PEOPLE, points=2**number)) for number in range(FILES)}
    with all_in_one(directory) as child:
        await here.await_answer()
        for each in PROPERTIES:
            await here.ask("POST", "/v1/properties", json=each)
        (connection,) = (await here.ask("GET", "/v1/connections"))["items"]
        await here.ask("POST", f"/v1/connections/{connection['id']}/goals", json=import_goal())
        await here.drop(files)

        async def is_in_the_middle() -> bool:
            return "completed" in await here.states()

        await eventually(is_in_the_middle, "the first import")
        ended_at = datetime.now(UTC)
        child.send_signal(end)
        assert child.wait(60) == (-signal.SIGKILL if end is signal.SIGKILL else 0)
    with all_in_one(directory):
        await here.await_answer()

        async def are_all_imported() -> bool:
            return await here.states() == ["completed"] * FILES

        await eventually(are_all_imported, "all imports", limit_seconds=60)
        runs = (await here.ask("GET", "/v1/runs?limit=1000"))["items"]
        assert max(datetime.fromisoformat(run["finished_at"]) for run in runs) > ended_at, "nothing was left to do"
        page = await here.ask("GET", "/v1/profiles?limit=1000")
        assert {each["properties"]["points"] for each in page["items"]} == {str(2**FILES - 1)}
        arrivals = (await here.ask("GET", "/v1/arrivals"))["items"]
        assert sorted(each["path"] for each in arrivals) == sorted(files)
        if end is signal.SIGTERM:
            # This machine's own servers are allowed without a word, and others as little as anywhere.
            assert set((await here.verified("127.0.0.1")).values()) == {"ok"}
            assert (await here.verified("10.255.255.1"))["resolve"] == "address_refused"
