"""Hosted WebDAV on the real ledger, asked by what partners use: curl and cadaver put, resume, rename, list, remove."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID

import httpx
import pytest_asyncio

from services.dropserver.tenant import Limits
from shared.domain.hosted_login import Right
from shared.domain.integration import Integration, IntegrationState
from shared.storage import credentials, drop_folders, drop_usage, integrations
from shared.storage.credentials import Allowed
from shared.storage.database import Database
from shared.storage.login_scores import Patience
from tests.eventually import eventually
from tests.integration.dropserver.desk import CONTENT, Desk
from tests.integration.dropserver.replicas import replicas


@dataclass(frozen=True, slots=True)
class DavDesk(Desk):
    """Where programs run that speak WebDAV."""

    @property
    def url(self) -> str:
        """Where the folder is served."""
        return f"http://127.0.0.1:{self.house.webdav[0].port}"

    async def curl(self, *arguments: str, login: str | None = None) -> str:
        """Run curl; the status, and what was answered before it."""
        who = login or f"{self.username}:{self.password}"
        ended = await self.run("curl", "-sS", "--max-time", "20", "-u", who, "-w", "%{http_code}", *arguments)
        return ended.said

    async def used(self) -> tuple[int, int]:
        """Bytes and files that are counted for the folder."""
        async with self.house.database.account(self.house.account_id, read_only=True) as tx:
            used = await drop_usage.get(tx, self.house.folder_id)
        return used.bytes, used.files


@pytest_asyncio.fixture
async def desk(database: Database, account: UUID, tmp_path: Path) -> AsyncIterator[DavDesk]:
    """A server, and a partner's home."""
    home = tmp_path / "home"
    home.mkdir()
    async with replicas(database, account, tmp_path / "drop") as house:
        made, password = await house.login()
        netrc = home / ".netrc"
        netrc.write_text(f"machine 127.0.0.1 login {made.username} password {password}\n")
        netrc.chmod(0o600)
        (home / "a.csv").write_bytes(CONTENT)
        yield DavDesk(house, home, made.username, password)


async def test_curl_puts_resumes_renames_lists_and_removes(desk: DavDesk) -> None:
    folder, url = desk.house.directory, desk.url
    assert await desk.curl("-T", "a.csv", f"{url}/a.csv.part") == "201"
    move = ["-X", "MOVE", "-H", f"Destination: {url}/a.csv"]
    assert await desk.curl(*move, f"{url}/a.csv.part") == "201"
    # A put that is killed in the middle leaves a half, which is no arrival, and is gone on with.
    killed = await desk.start(
        *("curl", "-sS", "-u", f"{desk.username}:{desk.password}", "--limit-rate", "100k"),
        *("-T", "a.csv", "-H", "Expect:", f"{url}/b.csv"),
    )
    await eventually(lambda: _size(folder / "b.csv") > 0, "the put to be under way")
    killed.kill()
    await killed.communicate()
    await eventually(lambda: not desk.house.servers[0].house.register.count, "the put to be broken off")
    half = _size(folder / "b.csv")
    assert 0 < half < len(CONTENT)
    copy = ["-X", "COPY", "-H", f"Destination: {url}/c.csv", f"{url}/b.csv"]
    assert (await desk.curl(*copy)).endswith("409")
    assert {"b.csv", "c.csv"}.isdisjoint(path for path, _ in await desk.rung())
    assert await desk.curl("-C", str(half), "-T", "a.csv", f"{url}/b.csv") == "204"
    assert (folder / "a.csv").read_bytes() == (folder / "b.csv").read_bytes() == CONTENT
    listed = await desk.curl("-X", "PROPFIND", "-H", "Depth: 1", f"{url}/")
    assert "<D:href>/a.csv</D:href>" in listed
    assert "<D:href>/b.csv</D:href>" in listed
    assert listed.endswith("207")
    assert await desk.curl("-T", "a.csv", f"{url}/c.csv") == "201"
    assert await desk.curl("-X", "DELETE", f"{url}/c.csv") == "204"
    assert await desk.curl("-o", "back", "-C", "-", f"{url}/a.csv") == "200"
    assert (desk.home / "back").read_bytes() == CONTENT
    # Each whole file rang under the name under which it stands, no half one did.
    assert {size for _, size in await desk.rung()} == {len(CONTENT)}
    assert [path for path, _ in await desk.rung()][-3:] == ["a.csv", "b.csv", "c.csv"]
    assert await desk.used() == (2 * len(CONTENT), 2)
    # What is renamed over gives its room back, and is only replaced where that is wished for.
    assert (await desk.curl(*move, "-H", "Overwrite: F", f"{url}/b.csv")).endswith("412")
    assert await desk.curl(*move, f"{url}/b.csv") == "204"
    assert await desk.used() == (len(CONTENT), 1)


async def test_cadaver_puts_renames_locks_lists_and_removes(desk: DavDesk) -> None:
    script = (
        f"open {desk.url}/\nput a.csv a.csv.part\nmove a.csv.part a.csv\nmkcol in\ncopy a.csv in/b.csv\nls in\n"
        "lock a.csv\nput a.csv a.csv\nunlock a.csv\nput a.csv c.csv\ndelete c.csv\nls\nget a.csv back\nquit\n"
    )
    ended = await desk.run("cadaver", said=script)
    assert ended.code == 0
    assert "failed" not in ended.said
    assert "Could not" not in ended.said
    assert "b.csv" in ended.said
    assert (desk.home / "back").read_bytes() == (desk.house.directory / "in" / "b.csv").read_bytes() == CONTENT
    assert sorted(file.name for file in desk.house.directory.iterdir()) == ["a.csv", "in"]
    assert {size for _, size in await desk.rung()} == {len(CONTENT)}
    assert {path for path, _ in await desk.rung()} == {"a.csv", "in/b.csv", "c.csv"}
    assert await desk.used() == (2 * len(CONTENT), 3)


async def test_litmus_finds_what_the_rfc_asks_for_but_what_is_refused_on_purpose(desk: DavDesk) -> None:
    """A suite that nobody here wrote, of the makers of cadaver. It begins anew with an empty folder."""
    failed: dict[str, list[str]] = {}
    for part in ("basic", "http", "locks", "copymove"):
        for left in desk.house.directory.glob("*"):
            shutil.rmtree(left)
        async with asyncio.timeout(60):
            ended = await desk.run("env", f"TESTS={part}", "litmus", "-k", f"{desk.url}/", desk.username, desk.password)
        assert f"summary for `{part}'" in ended.said
        failed[part] = re.findall(r"(\w+)\.+ FAIL", ended.said)
    assert failed == {
        "basic": [],
        "http": [],
        # Properties of a client's own, and shared locks.
        "locks": ["owner_modify", "lock_shared", "owner_modify"],
        # Whole directories.
        "copymove": ["copy_overwrite", "copy_coll", "copy_shallow", "move", "move_coll"],
    }


async def test_the_quota_ends_a_put_and_leaves_nothing_half_of_it(desk: DavDesk) -> None:
    house = desk.house
    async with house.database.account(house.account_id) as tx:
        found = await drop_folders.get(tx, house.folder_id)
        await drop_folders.update(tx, replace(found, quota_bytes=1_000_000, quota_files=3))
    assert await desk.curl("-T", "a.csv", f"{desk.url}/a.csv") == "201"
    refused = await desk.curl("-T", "a.csv", f"{desk.url}/b.csv")
    assert "quota is used up" in refused
    assert refused.endswith("507")
    assert [file.name for file in house.directory.iterdir()] == ["a.csv"]
    assert await desk.used() == (len(CONTENT), 1)
    for name in ("d", "e"):
        assert await desk.curl("-X", "MKCOL", f"{desk.url}/{name}") == "201"
    assert (await desk.curl("-X", "MKCOL", f"{desk.url}/f")).endswith("507")


async def test_each_right_is_asked_for_at_every_method(desk: DavDesk) -> None:
    house = desk.house
    (house.directory / "d").mkdir(parents=True)
    (house.directory / "a.csv").write_text("1")
    wanted = {
        Right.READ: {"GET", "HEAD", "OPTIONS"},
        Right.WRITE: {"PUT", "DELETE", "MKCOL", "MOVE", "PROPPATCH", "LOCK", "OPTIONS"},
        Right.LIST: {"PROPFIND", "OPTIONS"},
    }
    for right, methods in wanted.items():
        made, password = await house.login(Allowed(rights=frozenset({right})))
        async with httpx.AsyncClient(base_url=desk.url, auth=(made.username, password)) as client:
            attempts = [
                *(("GET", "/a.csv"), ("HEAD", "/a.csv"), ("OPTIONS", "/"), ("PUT", "/b.csv"), ("DELETE", "/gone.csv")),
                *(("MKCOL", "/new"), ("MOVE", "/gone.csv"), ("COPY", "/a.csv"), ("PROPPATCH", "/a.csv")),
                *(("LOCK", "/a.csv"), ("PROPFIND", "/")),
            ]
            headers = {"Destination": "/other.csv", "Depth": "1"}
            answers = {method: await client.request(method, path, headers=headers) for method, path in attempts}
        assert {method for method, answer in answers.items() if answer.status_code != 403} == methods


async def test_guesses_by_both_protocols_count_together(database: Database, account: UUID, tmp_path: Path) -> None:
    async with replicas(database, account, tmp_path, patience=Patience(failures=3.5)) as house:
        made, password = await house.login()
        url = f"http://127.0.0.1:{house.webdav[0].port}"
        async with httpx.AsyncClient(base_url=url) as client:
            for _ in range(2):
                assert (await client.get("/", auth=("root", "guess"))).status_code == 401
                assert not await house.lets_in("root", "guess")
            await house.servers[0].house.guard.tell_rest()
            # It is right, and comes too late.
            refused = await client.get("/a.csv", auth=(made.username, password))
            assert refused.status_code == 401
            assert "SFTP alone" in refused.text
            assert refused.headers["WWW-Authenticate"].startswith("Basic ")
        assert not await house.lets_in(made.username, password)


async def test_a_login_ends_and_rests_by_webdav_as_by_sftp(database: Database, account: UUID, tmp_path: Path) -> None:
    async with replicas(database, account, tmp_path, limits=Limits(attend_seconds=0.1)) as house:
        made, password = await house.login()
        far, far_password = await house.login(Allowed(source_networks=("192.0.2.0/24",)))
        url = f"http://127.0.0.1:{house.webdav[0].port}"
        async with httpx.AsyncClient(base_url=url, auth=(made.username, password)) as client:
            assert (await client.put("/a.csv", content=b"1")).status_code == 201
            assert (await client.get("/a.csv", auth=(far.username, far_password))).status_code == 401
            assert (await client.get("/a.csv", auth=(made.username, "wrong"))).status_code == 401
            async with house.database.account(account) as tx:
                await integrations.change(tx, Integration.HOSTED_FOLDERS, IntegrationState.PAUSED)
            await eventually(lambda: _answers(client, 503), "the login to rest")
            async with house.database.account(account) as tx:
                await integrations.change(tx, Integration.HOSTED_FOLDERS, IntegrationState.ACTIVE)
            await eventually(lambda: _answers(client, 200), "the login to open again")
            async with house.database.account(account) as tx:
                held = await credentials.lock(tx, house.folder_id, made.id)
                await credentials.rotate(tx, held, None, None)
            await eventually(lambda: _answers(client, 401), "the former password to open nothing")


async def _answers(client: httpx.AsyncClient, status: int) -> bool:
    return (await client.get("/a.csv")).status_code == status


def _size(file: Path) -> int:
    return file.stat().st_size if file.exists() else 0
