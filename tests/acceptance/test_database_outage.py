"""PostgreSQL dies in the middle of a stream of files and comes back: what was committed is there, the rest goes on."""

import asyncio
from collections.abc import Callable, Iterator

import pytest

from tests.acceptance.conftest import SHOPS, make_operator_key, own_system
from tests.acceptance.shop import content_of, open_shop, people
from tests.acceptance.system import SERVICES, System
from tests.eventually import eventually
from tests.real.database_fixtures import TEMPLATE, make_template
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import RabbitServer

FILES = 6
PEOPLE = 3_000


@pytest.fixture
def server(own_postgres: Callable[[str], PrivatePostgres]) -> PrivatePostgres:
    """A database server to ill-treat."""
    return own_postgres("")


@pytest.fixture
def doomed(server: PrivatePostgres, rabbitmq: RabbitServer) -> Iterator[System]:
    """A system on that server."""
    asyncio.run(make_template(server))
    with own_system(server, TEMPLATE, rabbitmq) as system:
        system.start(*SERVICES, "importer")
        yield system


async def test_a_killed_database_costs_time_and_nothing_else(
    doomed: System, server: PrivatePostgres, request: pytest.FixtureRequest
) -> None:
    async with open_shop(doomed, await make_operator_key(doomed.place)) as shop:
        request.node.stash.setdefault(SHOPS, []).append(shop)
        await shop.add_goal()
        for number in range(FILES):
            await shop.drop(f"contacts_{number}.csv", content_of(people(PEOPLE, points=2**number)))

        async def has_begun() -> bool:
            return any(run["state"] != "queued" for run in await shop.ledger.runs())

        await eventually(has_begun, "the first import")
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
        await shop.read_again()
        for number in range(FILES):
            await shop.await_runs(f"contacts_{number}.csv", "completed")
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {2**FILES - 1}
        assert len(await shop.points()) == PEOPLE
    assert all(each.is_running for each in doomed.processes), "a service did not bear the outage"
