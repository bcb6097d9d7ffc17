"""Fleets for the failpoints, and what a failed case shows. The cases about outages bring systems of their own."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.acceptance.conftest import make_operator_key, own_system, pytest_runtest_makereport
from tests.faults.fleet import Fleet
from tests.real.database_fixtures import TEMPLATE, make_template
from tests.real.postgres import PrivatePostgres, programs
from tests.real.quick_folder import quick_folder
from tests.real.rabbitmq import RabbitServer

__all__ = ["pytest_runtest_makereport"]


@pytest.fixture(scope="session")
def fleet(request: pytest.FixtureRequest, rabbitmq: RabbitServer) -> Iterator[Fleet]:
    """A complete system on a server of its own of the PostgreSQL version asked for, shared by the cases on it."""
    version: str = request.param
    with quick_folder("tidegate-postgres-") as folder:
        server = PrivatePostgres(programs(version), folder)
        server.start()
        try:
            asyncio.run(make_template(server))
            with own_system(server, TEMPLATE, rabbitmq) as system:
                made = Fleet(system, asyncio.run(make_operator_key(system.place)), version)
                made.complete()
                yield made
        finally:
            server.stop()
