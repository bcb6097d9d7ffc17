"""2,000 files over 20 goals in 4 accounts while every service is killed at random and the broker three times.

Seeded by TIDEGATE_CHAOS_SEED, so that the same kills can be asked for again at the same moments; what they meet there
is up to the machine. Everything ends, every sum is exact per account and profile, and every receipt adds up.
"""

import asyncio
import os
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.acceptance.conftest import SHOPS, make_operator_key, own_system, pytest_runtest_makereport
from tests.acceptance.shop import open_shop
from tests.eventually import eventually
from tests.faults.fleet import Fleet
from tests.faults.roads.exports import EXPORT
from tests.faults.roads.patience import accepted, persist
from tests.faults.stream import PATIENCE_SECONDS, Partner, assert_exact, have_ended
from tests.real.database_fixtures import TEMPLATE, make_template
from tests.real.postgres import PrivatePostgres, programs
from tests.real.rabbitmq import REMEMBERS_QUEUES_AFTER_SECONDS, RabbitServer, private_rabbitmq

__all__ = ["pytest_runtest_makereport"]

SEED_VARIABLE = "TIDEGATE_CHAOS_SEED"
SHOP_COUNT = 4
GOALS_PER_SHOP = 5
FILES_PER_GOAL = 100
EXPORT_EVERY = 20
"""So many files of one goal, and the account asks for an export."""
SERVICES = Counter(api=1, dropserver=1, poller=2, importer=2, exporter=1, notifier=1)
EXPORT_GOAL = EXPORT | {
    "name": "Everybody",
    "target": {"directory": "out", "file_name": "everybody_{requested_at:YYYYMMDDHHmmss}.csv"},
}
BROKER_RESTARTS = 3
KILL_EVERY_SECONDS = (1.0, 4.0)
LONGEST_OUTAGE_SECONDS = 8.0
LIMIT_SECONDS = 600.0
QUIET_SECONDS = 120.0


@dataclass(slots=True)
class Chaos:
    """What was done, and when it is done next; the order and the pauses come from the seed."""

    fleet: Fleet
    broker: RabbitServer
    rng: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    broker_restarts: list[str] = field(default_factory=list)

    async def kill(self) -> None:
        """Kill one process after the other, for ever; the fleet's supervisor starts them again."""
        names: list[str] = []
        while True:
            await asyncio.sleep(self.rng.uniform(*KILL_EVERY_SECONDS))
            # Each service once, in any order, before one comes again.
            names = names or self.rng.sample(sorted(SERVICES), len(SERVICES))
            name = names.pop()
            victim = self.rng.choice(self.fleet.system.running(name) or [None])
            # One that has not come up since its last end would never do anything.
            if victim is not None and await asyncio.to_thread(victim.answer, "/readyz") == 200:
                await asyncio.to_thread(victim.kill)
                self.kills[name] += 1

    async def restart_broker(self, every_seconds: float) -> None:
        """Three times: killed or stopped, away for some seconds, and back."""
        await asyncio.sleep(REMEMBERS_QUEUES_AFTER_SECONDS)
        for _ in range(BROKER_RESTARTS):
            await asyncio.sleep(self.rng.uniform(0.5, 1.5) * every_seconds)
            how = self.rng.choice(["kill", "stop"])
            await asyncio.to_thread(self.broker.kill if how == "kill" else self.broker.stop)
            await asyncio.sleep(self.rng.uniform(0.0, LONGEST_OUTAGE_SECONDS))
            await asyncio.to_thread(self.broker.start)
            self.broker_restarts.append(how)


@pytest.fixture
def seed() -> int:
    """The one that was asked for, or a new one."""
    return int(os.environ.get(SEED_VARIABLE) or secrets.randbelow(1_000_000))


@pytest.fixture
def broker() -> Iterator[RabbitServer]:
    """A broker to ill-treat."""
    with private_rabbitmq() as server:
        yield server


@pytest.fixture
def fleet(broker: RabbitServer) -> Iterator[Fleet]:
    """A system on that broker; two pollers and two importers share their work."""
    with tempfile.TemporaryDirectory(prefix="tidegate-postgres-") as folder:
        server = PrivatePostgres(programs(os.environ.get("TIDEGATE_TEST_POSTGRES", "")), Path(folder))
        server.start()
        try:
            asyncio.run(make_template(server))
            with own_system(server, TEMPLATE, broker) as system:
                key = asyncio.run(make_operator_key(system.place))
                made = Fleet(system, key, "", SERVICES.copy(), {"workers": 4, "retry_attempts": 50})
                made.complete()
                yield made
        finally:
            server.stop()


@asynccontextmanager
async def agreed(
    fleet: Fleet, rng: random.Random, request: pytest.FixtureRequest
) -> AsyncIterator[list[list[Partner]]]:
    """The partners of each account, each with a goal of its own, and an export in each account."""
    async with AsyncExitStack() as stack:
        partners = []
        for _ in range(SHOP_COUNT):
            shop = await stack.enter_async_context(open_shop(fleet.system, fleet.operator_key))
            request.node.stash.setdefault(SHOPS, []).append(shop)
            mine = [Partner(shop, f"partner{number}", random.Random(rng.random())) for number in range(GOALS_PER_SHOP)]
            for each in mine:
                await each.agree()
            partners.append(mine)
        yield partners


async def upload_all(partner: Partner, export_id: str) -> None:
    """All files of a goal, with an export asked for now and then."""
    path = f"/v1/goals/{export_id}/runs"
    for number in range(FILES_PER_GOAL):
        await partner.upload()
        if number % EXPORT_EVERY == EXPORT_EVERY - 1:
            key = {"Idempotency-Key": f"{partner.name} {number}"}
            ask = partial(accepted, partner.shop, path, headers=key)
            await persist(ask, patience_seconds=PATIENCE_SECONDS)
    await partner.leave()


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_SECONDS + 3 * QUIET_SECONDS)
async def test_two_thousand_files_survive_chaos(
    fleet: Fleet, broker: RabbitServer, seed: int, request: pytest.FixtureRequest
) -> None:
    sys.stdout.write(f"\n{SEED_VARIABLE}={seed}\n")
    rng = random.Random(seed)
    chaos = Chaos(fleet, broker, random.Random(rng.random()))
    async with agreed(fleet, rng, request) as accounts:
        exports = [await mine[0].shop.add_goal(EXPORT_GOAL) for mine in accounts]
        everybody = [partner for mine in accounts for partner in mine]
        began = time.monotonic()
        async with asyncio.timeout(LIMIT_SECONDS), fleet.supervised():
            doing = [asyncio.create_task(chaos.kill()), asyncio.create_task(chaos.restart_broker(30.0))]
            async with asyncio.TaskGroup() as group:
                for mine, export_id in zip(accounts, exports, strict=True):
                    for partner in mine:
                        group.create_task(upload_all(partner, export_id))
            uploaded = time.monotonic() - began
            await doing[1]
            doing[0].cancel()
            await asyncio.wait(doing)
            await eventually(
                lambda: have_ended(everybody), "the end of all files", limit_seconds=LIMIT_SECONDS, every_seconds=2.0
            )
        seconds = time.monotonic() - began
        await asyncio.to_thread(fleet.complete)
        for mine, export_id in zip(accounts, exports, strict=True):
            await mine[0].shop.await_quiet(QUIET_SECONDS)
            await assert_exact(mine[0].shop, mine)
            await assert_delivered(mine[0], export_id)
        runs = [run for mine in accounts for run in await mine[0].shop.ledger.runs()]
    assert len(chaos.broker_restarts) == BROKER_RESTARTS
    assert set(chaos.kills) == set(SERVICES), "a service was never killed"
    told = {
        "seed": seed,
        "files": sum(len(each.files) for each in everybody),
        "goals": len(everybody),
        "accounts": len(accounts),
        "kills": dict(sorted(chaos.kills.items())),
        "kills in all": chaos.kills.total(),
        "broker": chaos.broker_restarts,
        "uploads begun anew": sum(each.begun - len(each.files) for each in everybody),
        "runs": dict(Counter(f"{run['kind']} {run['state']}" for run in runs)),
        "runs taken over or repeated": sum(run["attempt"] > 1 for run in runs),
        "seconds until the last upload": round(uploaded),
        "seconds until the last end": round(seconds),
    }
    sys.stdout.writelines(f"{name}: {value}\n" for name, value in told.items())


async def assert_delivered(partner: Partner, export_id: str) -> None:
    """Every export that was asked for has come to its one end, and lies there whole."""
    wanted = GOALS_PER_SHOP * FILES_PER_GOAL // EXPORT_EVERY
    runs = [run for run in await partner.shop.ledger.runs() if str(run["goal_id"]) == export_id]
    assert [run["state"] for run in runs] == ["completed"] * wanted
    async with partner.shop.folder() as sftp:
        names = {str(name) for name in await sftp.listdir("out") if name not in (".", "..")}
    assert names == {run["delivered_name"] for run in runs}
