"""Progress as server-sent events: until the run has ended, the key is good no longer, or the process stops."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.api.app import create_app
from services.api.streams import Event, Streams
from services.api.tools import Tools
from shared.runtime.web import serving
from shared.storage import runs
from shared.storage.database import Database
from tests.eventually import eventually
from tests.integration.api.asking import Client, set_up
from tests.integration.api.ledger import arrive, claim, complete

QUICK = {"look_seconds": 0.05, "recheck_seconds": 0.1}
LIMIT_SECONDS = 60


def _events(text: str) -> list[dict[str, str]]:
    """The events of a stream, comments left out (HTML Living Standard, 9.2.6)."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if line and not line.startswith(":"))
        if "data" in fields:
            found.append(fields)
    return found


async def _followed(client: Client, run_id: UUID, **headers: str) -> httpx.Response:
    async with asyncio.timeout(LIMIT_SECONDS):
        return await client.get(
            f"/v1/runs/{run_id}/progress", headers={k.replace("_", "-"): v for k, v in headers.items()}
        )


async def test_a_run_is_followed_from_the_queue_to_its_receipt(
    owner: Client, connect: Callable[..., Client], key: str, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    reads: list[str] = []
    streams = _Counting(reads, **QUICK)
    following = asyncio.create_task(_followed(connect(key, streams=streams), run_id))
    await eventually(lambda: "progress" in reads, "a look at the run")
    claimed = await claim(database)
    async with database.account(account) as tx:
        await runs.heartbeat(tx, claimed, runs.Progress("stage", rows_done=3, bytes_done=40, bytes_total=100))
    seen = len(reads)
    await eventually(lambda: len(reads) > seen + 1, "two looks since")
    await complete(database, claimed)
    answer = await following
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = _events(answer.text)
    told = [json.loads(each["data"]) for each in events]
    assert [each["event"] for each in events] == ["progress"] * (len(events) - 1) + ["end"]
    assert told[0]["state"] == "queued"
    assert {"step": "stage", "rows_done": 3, "bytes_done": 40, "bytes_total": 100} in [
        each.get("progress") for each in told
    ]
    assert told[-1] == await owner.ask("GET", f"/v1/runs/{run_id}", 200)
    assert len({each["id"] for each in events}) == len(events), "nothing is told twice"


class _Counting(Streams):
    """Streams that note what was read."""

    def __init__(self, reads: list[str], **more: float) -> None:
        super().__init__(**more)
        self.reads = reads

    async def _seen(self, run_id: UUID, read: Any) -> Event | None:
        async def noting() -> Event:
            event: Event = await read()
            self.reads.append(event.name)
            return event

        return await super()._seen(run_id, noting)


async def test_who_has_had_the_end_need_not_come_again(owner: Client, database: Database, account: UUID) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    await complete(database, await claim(database))
    (end,) = _events((await _followed(owner, run_id)).text)
    assert (await _followed(owner, run_id, Last_Event_ID=end["id"])).status_code == 204
    assert len(_events((await _followed(owner, run_id, Last_Event_ID="of another run")).text)) == 1


async def test_who_comes_again_is_not_told_what_they_know(
    owner: Client, connect: Callable[..., Client], key: str, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    short = connect(key, streams=Streams(longest_seconds=0.3, **QUICK))
    (first,) = _events((await _followed(short, run_id)).text)
    short = connect(key, streams=Streams(longest_seconds=0.3, keep_alive_seconds=0.05, **QUICK))
    again = await _followed(short, run_id, Last_Event_ID=first["id"])
    assert _events(again.text) == []
    assert ": alive\n\n" in again.text


async def test_a_stream_ends_when_its_key_is_revoked(
    owner: Client, connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    made = await owner.ask("POST", "/v1/keys", 201, json={"name": "follower", "scopes": ["runs:read"]})
    follower = connect(made["key"], streams=Streams(**QUICK))
    following = asyncio.create_task(_followed(follower, run_id))
    await follower.ask("GET", f"/v1/runs/{run_id}", 200)
    await owner.ask("DELETE", f"/v1/keys/{made['id']}", 204, headers={"If-Match": "*"})
    await following
    assert (await _followed(follower, run_id)).status_code == 401


async def test_an_account_has_so_many_streams_at_a_time(
    owner: Client, connect: Callable[..., Client], key: str, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    streams = Streams(per_account=1, **QUICK)
    client = connect(key, streams=streams)
    following = asyncio.create_task(_followed(client, run_id))
    await eventually(lambda: streams.open == 1, "a stream")
    refused = await _followed(client, run_id)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    await complete(database, await claim(database))
    await following
    assert (streams.open, (await _followed(client, run_id)).status_code) == (0, 200)


async def test_many_who_follow_one_run_cost_the_ledger_as_much_as_one() -> None:
    reads: list[float] = []

    async def read() -> Event:
        reads.append(asyncio.get_running_loop().time())
        await asyncio.sleep(0)
        return Event("progress", "{}")

    async def is_allowed() -> bool:
        return True

    async def follow() -> list[bytes]:
        return [each async for each in streams.follow(run_id, read, is_allowed, None)]

    streams, run_id = Streams(look_seconds=0.2, longest_seconds=1.0), uuid4()
    began = asyncio.get_running_loop().time()
    heard = await asyncio.gather(*(follow() for _ in range(50)))
    took = asyncio.get_running_loop().time() - began
    assert all(len(each) == 2 for each in heard), "a greeting and one event"
    assert len(reads) <= took / 0.2 + 1


async def test_what_is_not_there_has_no_progress(
    owner: Client, stranger: Client, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    assert (await _followed(stranger, run_id)).status_code == 404
    assert (await _followed(owner, uuid4())).status_code == 404


@asynccontextmanager
async def _served(tools: Tools, key: str) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(tools), "127.0.0.1", 0) as port:
        headers = {"Authorization": f"Bearer {key}"}
        try:
            async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30) as client:
                yield client
        finally:
            tools.streams.stop()


async def test_a_client_that_goes_away_gives_its_place_back_and_one_that_stays_is_let_go_at_the_stop(
    owner: Client, tools: Tools, key: str, database: Database, account: UUID
) -> None:
    run_id = await arrive(database, account, await set_up(owner))
    streams = Streams(look_seconds=0.05)
    async with _served(replace(tools, streams=streams), key) as client:
        path = f"/v1/runs/{run_id}/progress"
        async with client.stream("GET", path) as stream:
            assert b"progress of a run" in await anext(stream.aiter_bytes())
            assert streams.open == 1
        await eventually(lambda: streams.open == 0, "the end of the stream")
        staying = asyncio.create_task(client.get(path))
        await eventually(lambda: streams.open == 1, "a stream")
        streams.stop()
        async with asyncio.timeout(LIMIT_SECONDS):
            assert len(_events((await staying).text)) == 1


@pytest.mark.parametrize("last", ["x" * 101])
async def test_a_last_event_that_none_of_ours_can_be_is_refused(owner: Client, last: str) -> None:
    assert (await _followed(owner, uuid4(), Last_Event_ID=last)).status_code == 422
