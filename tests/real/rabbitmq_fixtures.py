"""The real broker as a fixture: one a session. Tests keep apart by a prefix of their own, not by a broker each."""

from collections.abc import Iterator

import pytest

from tests.real.rabbitmq import RabbitServer, private_rabbitmq


@pytest.fixture(scope="session")
def rabbitmq() -> Iterator[RabbitServer]:
    """A running private RabbitMQ. A test that stops it starts it again before it ends."""
    with private_rabbitmq() as server:
        yield server
