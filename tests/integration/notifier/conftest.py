"""A notifier without its bus: what a test does not ask for has short waits."""

import random
from collections.abc import AsyncIterator
from ipaddress import ip_network
from uuid import UUID

import pytest_asyncio

from services.notifier.mail import sender_address
from services.notifier.sender import SmtpSender, SmtpServer
from services.notifier.tools import Patience, Tools
from shared.observe.metrics import Metrics
from shared.storage.database import Database
from shared.transfer.addresses import AddressPolicy
from tests.integration.notifier.ledger import Ledger
from tests.integration.notifier.mail_server import Mailbox, serving

LOOPBACK = AddressPolicy((ip_network("127.0.0.0/8"),))
IMPATIENT = Patience(first_pause_seconds=0.05, longest_pause_seconds=0.2, look_seconds=0.05, shutdown_seconds=0.0)


def smtp(mailbox: Mailbox, *, login: tuple[str, str] | None = None, step_seconds: float = 5.0) -> SmtpSender:
    """A sender to that mail server."""
    username, password = login or (None, None)
    server = SmtpServer(mailbox.host, mailbox.port, False, False, username, password)
    return SmtpSender(server, our_name="tidegate.test", policy=LOOPBACK, step_seconds=step_seconds)


def notifier(database: Database, sender: SmtpSender, patience: Patience = IMPATIENT, at_a_time: int = 4) -> Tools:
    """A notifier's tools."""
    return Tools(
        database=database,
        metrics=Metrics(),
        sender=sender,
        mail_from=sender_address("Tidegate <tidegate@mail.test>"),
        rng=random.Random(7),
        patience=patience,
        at_a_time=at_a_time,
    )


@pytest_asyncio.fixture
async def mailbox() -> AsyncIterator[Mailbox]:
    """A mail server that takes everything."""
    async with serving(Mailbox()) as served:
        yield served


@pytest_asyncio.fixture
async def tools(database: Database, mailbox: Mailbox) -> Tools:
    """A notifier that sends to the mailbox."""
    return notifier(database, smtp(mailbox))


@pytest_asyncio.fixture
async def ledger(database: Database, account: UUID) -> Ledger:
    """The account's ledger."""
    return await Ledger.of(database, account)
