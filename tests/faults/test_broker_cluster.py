"""A cluster of three RabbitMQ nodes behind a load balancer loses one of them, or two: then it has no majority."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import own_system
from tests.acceptance.system import SERVICES, System
from tests.faults.outage import RECOVERY_SECONDS, Recovery, assert_exactly_once, drop, outbox_waits, shop_in
from tests.faults.report import Table
from tests.real.postgres import PrivatePostgres
from tests.real.proxy import TcpProxy, proxy_to, through
from tests.real.rabbitmq import RabbitServer, rabbitmq_cluster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

AREA = "RabbitMQ, three nodes"
FIRST = {"contacts_0.csv": 1}
MEANWHILE = {"contacts_1.csv": 2, "contacts_2.csv": 4}
ALL = FIRST | MEANWHILE


@pytest.fixture(scope="module")
def cluster() -> Iterator[list[RabbitServer]]:
    """Three nodes, all running."""
    with rabbitmq_cluster(3) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def balancer(cluster: list[RabbitServer]) -> Iterator[TcpProxy]:
    """Leads to the nodes in turn, and past those that do not answer."""
    with proxy_to(*(node.port for node in cluster)) as made:
        yield made


@pytest.fixture(scope="module")
def system(
    postgres_server: PrivatePostgres, template_database: str, cluster: list[RabbitServer], balancer: TcpProxy
) -> Iterator[System]:
    """A system whose only way to the brokers is the load balancer."""
    with own_system(postgres_server, template_database, cluster[0]) as made:
        made.start(*SERVICES, "importer", bus_url=through(cluster[0].url, balancer))
        yield made


@pytest.mark.parametrize("number", [0, 2])
async def test_two_of_three_nodes_carry_on(
    system: System, cluster: list[RabbitServer], number: int, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        await drop(shop, FIRST)
        await asyncio.to_thread(cluster[number].kill)
        recovery = Recovery()
        try:
            await drop(shop, MEANWHILE)
            seconds = await assert_exactly_once(shop, ALL, recovery)
        finally:
            await asyncio.to_thread(cluster[number].start)
    case = f"{'first' if number == 0 else 'last'} of three nodes gone"
    seen = "imported exactly once and every message sent, with the node still gone"
    faults_table.add(AREA, case, done="one node killed", seen=seen, seconds=seconds)


async def test_without_a_majority_the_outbox_waits_and_imports_go_on(
    system: System, cluster: list[RabbitServer], request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with shop_in(system, request) as shop:
        await drop(shop, FIRST)
        await asyncio.gather(*(asyncio.to_thread(node.kill) for node in cluster[1:]))
        try:
            await drop(shop, MEANWHILE)
            for name in ALL:
                await shop.await_runs(name, "completed", limit_seconds=RECOVERY_SECONDS)
            assert await outbox_waits(shop), "found a confirmation without a majority"
        finally:
            # Side by side: a node that comes back alone waits for the others.
            await asyncio.gather(*(asyncio.to_thread(node.start) for node in cluster[1:]))
        seconds = await assert_exactly_once(shop, ALL, Recovery())
    seen = (
        "publishes ended by their timeout, imported by polling while the outbox waited; every message sent afterwards"
    )
    faults_table.add(AREA, "two of three nodes gone", done="two nodes killed, then started", seen=seen, seconds=seconds)
