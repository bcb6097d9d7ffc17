"""A database that goes away under the notifier, and returns."""

from collections.abc import Callable
from dataclasses import replace

import asyncpg
import pytest

from shared.storage.database import Database, DatabaseAddress
from shared.storage.migrate import OWNER, SERVICE, WATCH, migrate_shared
from tests.eventually import eventually
from tests.integration.notifier.conftest import IMPATIENT, notifier, smtp
from tests.integration.notifier.ledger import Ledger
from tests.integration.notifier.mail_server import Mailbox
from tests.integration.notifier.working import delivering, hear_of_run, outcomes, planned
from tests.real.database_fixtures import PASSWORD, make_account, url_of
from tests.real.postgres import PrivatePostgres

NAME = "outage"
CRM = "crm@shop.example"


@pytest.mark.parametrize("when", ["before a mail is taken", "while a mail is sent"])
async def test_a_database_that_is_killed_and_returns_loses_no_mail(
    own_postgres: Callable[[str], PrivatePostgres], mailbox: Mailbox, when: str
) -> None:
    postgres = own_postgres("")
    async with Database.open(await migrated(postgres)) as database:
        ledger = await Ledger.of(database, await make_account(database))
        tools = notifier(database, smtp(mailbox), replace(IMPATIENT, lease_seconds=2.0))
        await hear_of_run(tools, ledger.account_id, await ledger.finished(await ledger.goal(CRM)))
        if when == "before a mail is taken":
            postgres.kill()
        else:
            mailbox.silent_for.add(CRM)
        async with delivering(tools):
            if when == "while a mail is sent":
                await mailbox.silent.wait()
                postgres.kill()
                mailbox.silent_for.clear()
            postgres.start()
            await eventually(lambda: outcomes(tools).get("sent") == 1, "the mail")
        [row] = await planned(database, ledger.account_id)
    assert row.state == "sent"
    assert len(mailbox.to(CRM)) == 1


async def migrated(server: PrivatePostgres) -> DatabaseAddress:
    """A database with the shared schema on a server of the test's own."""
    connection = await asyncpg.connect(server.superuser_dsn("postgres"), timeout=10)
    try:
        await connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
        await connection.execute(f"CREATE DATABASE {NAME} OWNER {OWNER}")
    finally:
        await connection.close(timeout=10)
    owner, service, watch = (url_of(server, NAME, role) for role in (OWNER, SERVICE, WATCH))
    await migrate_shared(owner, service_url=service, watch_url=watch)
    return DatabaseAddress(service, watch)
