"""Keys at the gate: expiry, last use, how often they may ask, and what a wrong one costs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from services.api.app import create_app
from services.api.limits import Limits
from services.api.tools import Tools
from shared.domain.scope import Scope
from shared.storage import keys
from shared.storage.database import Database, DatabaseAddress
from tests.integration.api.asking import Client

WRONG = "tg_aaaaaaaaaa_" + "b" * 32
HANDED_BACK = {"authorization": f"Bearer {WRONG}"}


class Clock:
    """Seconds that pass when the test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def gateway(
    tools: Tools, key: str | None = None, *, clock: Clock | None = None, peer: str = "203.0.113.9", **limits: Any
) -> AsyncIterator[Client]:
    """A client of a gateway of its own, with other limits."""
    app = create_app(replace(tools, limits=Limits(**limits)), clock=clock or Clock())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(peer, 4711))
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    async with Client(transport=transport, base_url="http://gateway.example", headers=headers) as client:
        yield client


async def _key(database: Database, account: UUID, expires_at: datetime | None) -> str:
    async with database.account(account) as tx:
        _, token = await keys.create(tx, keys.NewKey("tests", frozenset({Scope.RUNS_READ}), expires_at=expires_at))
    return token


async def test_a_key_opens_until_it_expires_and_not_a_moment_longer(
    tools: Tools, database: Database, account: UUID
) -> None:
    until = datetime.now(UTC) + timedelta(seconds=3)
    token = await _key(database, account, until)
    async with gateway(tools, token, request_burst=1_000_000) as client:
        while (answer := await client.get("/v1/runs")).status_code == 200:
            # On one machine the database has our clock.
            assert datetime.now(UTC) < until + timedelta(seconds=60), "never expired"
        assert answer.status_code == 401
        assert datetime.now(UTC) >= until


async def test_a_revoked_key_is_dead_in_every_gateway_at_once(
    tools: Tools, account: UUID, key: str, database: Database, database_address: DatabaseAddress
) -> None:
    async with (
        Database.open(database_address) as other_database,
        gateway(tools, key) as one,
        gateway(replace(tools, database=other_database), key) as other,
    ):
        await one.ask("GET", "/v1/runs", 200)
        await other.ask("GET", "/v1/runs", 200)
        async with database.account(account) as tx:
            (mine,) = await keys.page(tx, keys.KeyFilter(), 10)
            await tx.execute("keys.revoke", account, mine.id)
        await one.ask("GET", "/v1/runs", 401)
        await other.ask("GET", "/v1/runs", 401)


async def test_the_last_use_is_written_once_a_minute_however_many_ask(
    tools: Tools, key: str, account: UUID, database: Database
) -> None:
    clock = Clock()

    async def uses() -> list[Any]:
        async with database.account(account, read_only=True) as tx:
            return [
                await tx.connection.fetchrow(
                    "SELECT last_used_at, xmin::text FROM tidegate.api_keys WHERE account_id = $1", account
                )
            ]

    async with gateway(tools, key, clock=clock) as client:
        await asyncio.gather(*(client.ask("GET", "/v1/runs", 200) for _ in range(20)))
        first = await uses()
        assert first[0]["last_used_at"] is not None
        clock.now += 61
        # The process may look again, but by the database's clock it is not a minute yet.
        await client.ask("GET", "/v1/runs", 200)
        assert await uses() == first


async def test_a_request_does_not_wait_for_its_key_to_be_marked_used(
    tools: Tools, key: str, account: UUID, database: Database
) -> None:
    async with database.account(account) as tx, gateway(tools, key) as client:
        await tx.connection.execute("SELECT 1 FROM tidegate.api_keys WHERE account_id = $1 FOR UPDATE", account)
        async with asyncio.timeout(8):
            await client.ask("GET", "/v1/runs", 200)


async def test_a_key_that_asks_too_often_waits_as_long_as_it_is_told(tools: Tools, key: str) -> None:
    clock = Clock()
    async with gateway(tools, key, clock=clock, requests_per_second=0.5, request_burst=3) as client:
        for _ in range(3):
            await client.ask("GET", "/v1/runs", 200)
        answer = await client.get("/v1/runs")
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "2")
        assert (answer.json()["code"], answer.headers["content-type"]) == ("rate_exceeded", "application/problem+json")
        clock.now += 2
        await client.ask("GET", "/v1/runs", 200)
        text = (await client.get("/metrics")).text
        assert 'tidegate_requests_refused_total{code="rate_exceeded"} 1.0' in text


async def test_wrong_keys_are_looked_up_only_so_often(tools: Tools, key: str) -> None:
    clock = Clock()
    async with gateway(tools, clock=clock, wrong_keys_per_minute=5) as client:
        known = {"authorization": f"Bearer {key}"}
        await client.ask("GET", "/v1/runs", 200, headers=known)
        at_once = await asyncio.gather(*(client.get("/v1/runs", headers=HANDED_BACK) for _ in range(12)))
        assert sorted(each.status_code for each in at_once) == [401] * 5 + [429] * 7
        assert (await client.get("/v1/runs", headers=HANDED_BACK)).headers["Retry-After"] == "12"
        await client.ask("GET", "/v1/runs", 200, headers=known)
        clock.now += 12
        await client.ask("GET", "/v1/runs", 401, headers=HANDED_BACK)
        await client.ask("GET", "/v1/runs", 429, headers=HANDED_BACK)


async def test_right_keys_use_up_nothing_of_what_wrong_ones_may(tools: Tools, key: str) -> None:
    async with gateway(tools, key, wrong_keys_per_minute=1) as client:
        for _ in range(5):
            await client.ask("GET", "/v1/runs", 200)
        await client.ask("GET", "/v1/runs", 401, headers=HANDED_BACK)


async def test_a_revoked_key_is_counted_among_the_wrong_ones(
    tools: Tools, key: str, account: UUID, database: Database
) -> None:
    async with gateway(tools, key, wrong_keys_per_minute=1) as client:
        await client.ask("GET", "/v1/runs", 200)
        async with database.account(account) as tx:
            (mine,) = await keys.page(tx, keys.KeyFilter(), 10)
            await tx.execute("keys.revoke", account, mine.id)
        statuses = [(await client.get("/v1/runs")).status_code for _ in range(3)]
        assert statuses == [401, 401, 429]


async def test_addresses_are_told_apart_behind_a_trusted_proxy_alone(tools: Tools) -> None:
    proxies = (ip_network("10.0.0.0/8"),)

    async def statuses(client: Client) -> list[int]:
        return [
            (
                await client.get("/v1/runs", headers=HANDED_BACK | {"x-forwarded-for": f"198.51.100.{number}"})
            ).status_code
            for number in range(3)
        ]

    async with gateway(tools, peer="10.1.2.3", wrong_keys_per_minute=1, trusted_proxies=proxies) as client:
        assert await statuses(client) == [401, 401, 401]
    async with gateway(tools, peer="203.0.113.9", wrong_keys_per_minute=1, trusted_proxies=proxies) as client:
        assert await statuses(client) == [401, 429, 429]


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "Bearer",
        f"Basic {WRONG}",
        f"Bearer  {WRONG} {WRONG}",
        "Bearer tg_\u00e4",
        "Bearer " + "x" * 9000,
    ],
)
async def test_whatever_is_no_key_is_answered_alike(tools: Tools, sent: str) -> None:
    async with gateway(tools) as client:
        odd = await client.get("/v1/runs", headers=[("Authorization", sent.encode("latin-1"))])
        wrong = await client.get("/v1/runs", headers=HANDED_BACK)
        assert (odd.status_code, odd.content) == (401, wrong.content)


async def test_a_scheme_is_a_bearer_in_any_case_and_two_keys_are_none(tools: Tools, key: str) -> None:
    async with gateway(tools) as client:
        assert (await client.get("/v1/runs", headers={"Authorization": f"bEARER {key}"})).status_code == 200
        twice = [("Authorization", f"Bearer {key}"), ("Authorization", f"Bearer {key}")]
        assert (await client.get("/v1/runs", headers=twice)).status_code == 401


async def test_without_a_key_no_body_is_read_and_no_path_told(tools: Tools) -> None:
    async def endless() -> Any:
        raise AssertionError("the body was read")
        yield b""

    app = create_app(tools)
    answers: list[Any] = []

    async def send(message: Any) -> None:
        answers.append(message)

    for path in ("/v1/properties", f"/v1/nothing/{uuid4()}"):
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        await app(scope | {"headers": [], "client": None}, endless, send)  # type: ignore[arg-type]
    assert [each["status"] for each in answers if each["type"] == "http.response.start"] == [401, 401]


async def test_the_document_and_the_probes_want_no_key(tools: Tools) -> None:
    async with gateway(tools) as client:
        for path in ("/openapi.json", "/docs", "/healthz", "/readyz", "/metrics"):
            assert (await client.get(path)).status_code == 200
