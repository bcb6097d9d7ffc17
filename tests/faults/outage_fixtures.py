"""One system for most cases about outages: its ways to the database and to the mail server lead through proxies."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from tests.acceptance.conftest import own_system
from tests.acceptance.system import SERVICES, System
from tests.real.ports import free_port
from tests.real.postgres import PrivatePostgres
from tests.real.proxy import TcpProxy, proxy_to, through
from tests.real.rabbitmq import RabbitServer


@dataclass(frozen=True, slots=True)
class Frail:
    """A system, and what stands between it and the world."""

    system: System
    to_database: TcpProxy
    to_mail: TcpProxy
    mail_port: int
    """Where the proxy expects the mail server; nobody listens there but in the cases about mail."""


@pytest.fixture(scope="session")
def frail(postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer) -> Iterator[Frail]:
    """The system, one process a service, running."""
    mail_port = free_port()
    with (
        proxy_to(postgres_server.port) as to_database,
        proxy_to(mail_port) as to_mail,
        own_system(postgres_server, template_database, rabbitmq) as system,
    ):
        place = system.place
        system.place = replace(
            place,
            database_url=through(place.database_url, to_database),
            watch_database_url=through(place.watch_database_url, to_database),
        )
        smtp_url = f"smtp://127.0.0.1:{to_mail.port}"
        system.start(*SERVICES, "importer", smtp_url=smtp_url, mail_directory=None)
        yield Frail(system, to_database, to_mail, mail_port)
