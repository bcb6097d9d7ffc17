"""The notifier as it is wired: from the outbox over a bus to a mail, also when the bus forgot."""

import asyncio
import email
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from uuid import UUID

import pytest

from services.notifier.handlers import handlers
from services.notifier.sweep import A_DAY_SECONDS, hear_again
from services.notifier.tools import Tools
from services.notifier.wiring import running, tools_of
from shared.bus.in_process import InProcessBus
from shared.domain.failures import MailUnavailable
from shared.observe.metrics import Metrics
from shared.runtime.service import Base, places_of, relaying
from shared.runtime.settings import Settings, SettingsError
from shared.storage import outbox
from shared.storage.database import Database
from shared.storage.secrets import KeyRing
from tests.eventually import eventually
from tests.integration.notifier.ledger import Ledger
from tests.integration.notifier.mail_server import Mailbox
from tests.integration.notifier.working import planned

CRM = "crm@shop.example"


def base(database: Database, mails: Path | None, **chosen: str) -> Base:
    settings = Settings(mail_directory=mails, **({"mail_from": "tidegate@mail.test"} | chosen))
    ring, metrics = KeyRing((bytes(32),)), Metrics()
    return Base(settings, database, InProcessBus(), metrics, ring, places_of(settings, database, ring, metrics))


async def test_a_run_that_ended_becomes_a_file_in_the_directory_of_mails(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    stopping = asyncio.Event()
    here = base(database, tmp_path)
    async with relaying(here), running(here, stopping):
        await ledger.finished(await ledger.goal(CRM))
        await eventually(lambda: any(tmp_path.glob("*.eml")), "the mail")
        stopping.set()
    [file] = tmp_path.glob("*.eml")
    mail = email.message_from_bytes(file.read_bytes(), policy=default)
    assert (mail["To"], mail["Subject"]) == (CRM, "Completed: Nightly, contacts.csv")


@pytest.mark.parametrize(
    ("chosen", "complaint"),
    [
        ({}, "TIDEGATE_SMTP_URL must be set, or TIDEGATE_MAIL_DIRECTORY"),
        ({"smtp_url": "http://tide:hunter2@mail.test"}, "TIDEGATE_SMTP_URL: expected a URL that begins with"),
        ({"smtp_url": "smtp://mail.test", "mail_from": "nobody"}, "TIDEGATE_MAIL_FROM: expected an address"),
    ],
)
async def test_settings_that_cannot_be_used_stop_the_start_and_are_named(
    database: Database, chosen: dict[str, str], complaint: str
) -> None:
    with pytest.raises(SettingsError, match=complaint) as error:
        tools_of(base(database, None, **chosen))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("allowed_by", ["smtp_networks", "allowed_networks", None])
async def test_a_mail_server_that_is_not_public_is_used_where_the_operator_allows_it(
    database: Database, mailbox: Mailbox, allowed_by: str | None
) -> None:
    allowed = {allowed_by: "127.0.0.0/8"} if allowed_by else {}
    tools = tools_of(base(database, None, smtp_url=f"smtp://{mailbox.host}:{mailbox.port}", **allowed))
    message = EmailMessage()
    message["From"], message["To"] = "tidegate@mail.test", CRM
    if allowed_by:
        await tools.sender.send(message)
    else:
        with pytest.raises(MailUnavailable, match="TIDEGATE_SMTP_NETWORKS"):
            await tools.sender.send(message)
    assert len(mailbox.taken) == (1 if allowed_by else 0)


async def test_news_that_the_bus_forgot_are_heard_at_the_next_start(
    database: Database, ledger: Ledger, tmp_path: Path
) -> None:
    await ledger.finished(await ledger.goal(CRM))
    await forget(database)
    stopping = asyncio.Event()
    async with running(base(database, tmp_path), stopping):
        await eventually(lambda: any(tmp_path.glob("*.eml")), "the mail")
        stopping.set()


async def test_news_heard_again_are_told_once(tools: Tools, ledger: Ledger) -> None:
    goal_id = await ledger.goal(CRM)
    for _ in range(3):
        await ledger.finished(goal_id)
    await forget(tools.database)
    for _ in range(2):
        assert await hear_again(tools, handlers(tools), A_DAY_SECONDS, 0.0) == 3
    assert len(await planned(tools.database, ledger.account_id)) == 3


async def test_news_that_cannot_be_understood_keep_no_others_from_being_heard(
    tools: Tools, ledger: Ledger, account: UUID
) -> None:
    await ledger.finished(await ledger.goal(CRM))
    async with tools.database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.outbox SET body = '{}' WHERE name = 'run.finished.v1'")
    await ledger.finished(await ledger.goal("ops@shop.example"))
    await forget(tools.database)
    assert await hear_again(tools, handlers(tools), A_DAY_SECONDS, 0.0) == 2
    assert [row.recipient for row in await planned(tools.database, account)] == ["ops@shop.example"]


async def test_what_the_bus_may_still_bring_is_left_to_it(tools: Tools, ledger: Ledger) -> None:
    await ledger.finished(await ledger.goal(CRM))
    await forget(tools.database)
    assert await hear_again(tools, handlers(tools), A_DAY_SECONDS, 60.0) == 0


async def forget(database: Database) -> None:
    """The outbox's messages were confirmed by a bus that then lost them."""
    async with database.watching() as watch:
        await outbox.mark_sent(watch, [message_id for _, message_id, _, _ in await outbox.unsent(watch, 100)])
