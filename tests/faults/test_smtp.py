"""Mail servers that are down, refuse, fall silent or break off: a receipt comes, once where that can be known."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from tests.acceptance.shop import Shop, import_goal
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.faults.database_trouble import Trouble, in_database
from tests.faults.outage import RECOVERY_SECONDS, Recovery, assert_exactly_once, drop, shop_in
from tests.faults.outage_fixtures import Frail
from tests.faults.report import Table
from tests.integration.notifier.mail_server import Mailbox, serving
from tests.real.proxy import Action, Fault, TcpProxy

AREA = "SMTP"
CRM, OPS = "crm@shop.example", "ops@shop.example"
FILE = {"contacts_0.csv": 1}
TO_CRM = f"RCPT TO:<{CRM}>".encode()
END_OF_MAIL = b"\r\n.\r\n"
TRIES = 3
GREETING_LIMIT_SECONDS = 20.0
_RECEIPTS = """
SELECT recipient, state, attempts, last_error_code FROM tidegate.mails WHERE account_id = $1 AND about_kind = 'run'
"""


@pytest.fixture
def system(frail: Frail) -> System:
    """The system to ill-treat."""
    return frail.system


@pytest.fixture
def proxy(frail: Frail) -> TcpProxy:
    """The only way to the mail server."""
    return frail.to_mail


@pytest.fixture
def mailbox(frail: Frail) -> Mailbox:
    """A mail server, not yet up."""
    return Mailbox(port=frail.mail_port)


@dataclass(frozen=True, slots=True)
class Post:
    """A shop whose goal mails receipts, and what the ledger says of its mails."""

    shop: Shop
    trouble: Trouble

    async def rows(self) -> list[Any]:
        """recipient, state, attempts and last_error_code of every receipt."""
        return list(await self.trouble.connection.fetch(_RECEIPTS, self.shop.account_id))

    async def await_states(self, **states: str) -> None:
        """Wait until the mails have come to these ends: local part of the recipient -> state."""

        async def is_so() -> bool:
            found = {(each["recipient"].partition("@")[0], each["state"]) for each in await self.rows()}
            return found == set(states.items())

        await eventually(is_so, f"mails {states}", limit_seconds=RECOVERY_SECONDS)

    async def await_tries(self, times: int) -> None:
        """Wait until every mail was tried so often in vain."""

        async def is_so() -> bool:
            found = await self.rows()
            return bool(found) and all(each["attempts"] >= times and each["last_error_code"] for each in found)

        await eventually(is_so, f"{times} tries in vain", limit_seconds=RECOVERY_SECONDS)


@asynccontextmanager
async def goal_told_to(system: System, request: pytest.FixtureRequest, *emails: str) -> AsyncIterator[Post]:
    """A shop whose goal mails its receipts to these addresses."""
    goal = import_goal(feedback={"emails": list(emails), "when": "always"})
    async with shop_in(system, request, goal) as shop, in_database(system) as trouble:
        yield Post(shop, trouble)


async def comes(mailbox: Mailbox, recipient: str, *, mails: int = 1) -> None:
    """Wait for so many mails."""
    await eventually(
        lambda: len(mailbox.to(recipient)) >= mails, f"{mails} mails to one recipient", limit_seconds=RECOVERY_SECONDS
    )


def ids(mailbox: Mailbox, recipient: str) -> set[str]:
    """The Message-IDs of what came."""
    return {str(each["Message-ID"]) for each in mailbox.to(recipient)}


async def test_a_mail_whose_answer_was_lost_comes_again_as_the_same_mail(
    system: System, proxy: TcpProxy, mailbox: Mailbox, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with goal_told_to(system, request, CRM) as post, serving(mailbox):
        fault = proxy.arm(Fault((TO_CRM, END_OF_MAIL), Action.CUT_BEFORE_ANSWER))
        await drop(post.shop, FILE)
        assert await asyncio.to_thread(fault.struck.wait, 60)
        recovery = Recovery()
        await comes(mailbox, CRM, mails=2)
        await post.await_states(crm="sent")
        seconds = recovery.seconds
        await assert_exactly_once(post.shop, FILE, recovery)
        assert len(mailbox.to(CRM)) == 2
        assert len(ids(mailbox, CRM)) == 1
    seen = "a second copy under the same Message-ID"
    faults_table.add(AREA, "closed after DATA", done="closed before the answer to a mail", seen=seen, seconds=seconds)


async def test_a_recipient_refused_for_good_is_told_and_not_tried_again(
    system: System, mailbox: Mailbox, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    mailbox.recipient_replies[OPS] = ["550 nobody here"] * 9
    async with goal_told_to(system, request, CRM, OPS) as post, serving(mailbox):
        await drop(post.shop, FILE)
        recovery = Recovery()
        await post.await_states(crm="sent", ops="given_up")
        seconds = recovery.seconds
        await assert_exactly_once(post.shop, FILE, recovery)
        assert (len(mailbox.to(CRM)), len(mailbox.to(OPS))) == (1, 0)
        assert len(mailbox.recipient_replies[OPS]) == 8, "the recipient was tried more than once"
        assert await post.shop.ledger.notifications() == ["mail_given_up"]
    seen = "the other one's came once; a notification; no second try"
    faults_table.add(AREA, "one recipient refused (5xx)", done="550 to one RCPT of two", seen=seen, seconds=seconds)


@pytest.mark.slow
async def test_a_mail_refused_for_good_is_told_and_not_tried_again(
    system: System, mailbox: Mailbox, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    mailbox.data_replies[CRM] = ["554 not wanted"] * 9
    async with goal_told_to(system, request, CRM) as post, serving(mailbox):
        await drop(post.shop, FILE)
        recovery = Recovery()
        await post.await_states(crm="given_up")
        seconds = recovery.seconds
        await assert_exactly_once(post.shop, FILE, recovery)
        assert len(mailbox.data_replies[CRM]) == 8, "the mail was tried more than once"
        assert await post.shop.ledger.notifications() == ["mail_given_up"]
    seen = "a notification; no second try"
    faults_table.add(AREA, "mail refused (5xx)", done="554 to its DATA", seen=seen, seconds=seconds)


@pytest.mark.slow
@pytest.mark.parametrize("place", ["recipient", "mail"])
async def test_what_is_refused_for_now_comes_later_and_once(
    system: System, mailbox: Mailbox, place: str, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    replies = mailbox.recipient_replies if place == "recipient" else mailbox.data_replies
    replies[CRM] = ["451 later"] * TRIES
    async with goal_told_to(system, request, CRM) as post, serving(mailbox):
        await drop(post.shop, FILE)
        recovery = Recovery()
        await comes(mailbox, CRM)
        seconds = recovery.seconds
        await post.await_states(crm="sent")
        await assert_exactly_once(post.shop, FILE, recovery)
        assert len(mailbox.to(CRM)) == 1
    done = f"451 to {TRIES} tries"
    faults_table.add(AREA, f"{place} put off (4xx)", done=done, seen="the receipt came once", seconds=seconds)


@pytest.mark.slow
async def test_receipts_of_an_outage_come_once_when_it_is_over(
    system: System, mailbox: Mailbox, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    async with goal_told_to(system, request, CRM, OPS) as post:
        files = {f"contacts_{number}.csv": 2**number for number in range(3)}
        await drop(post.shop, files)
        await assert_exactly_once(post.shop, files, Recovery())
        await post.await_tries(TRIES)
        async with serving(mailbox):
            recovery = Recovery()
            await comes(mailbox, CRM, mails=len(files))
            await comes(mailbox, OPS, mails=len(files))
            seconds = recovery.seconds
            await post.await_states(crm="sent", ops="sent")
            assert (len(mailbox.to(CRM)), len(mailbox.to(OPS))) == (len(files), len(files))
    seen = "imports did not wait; every receipt came once"
    faults_table.add(AREA, "down", done="no server while three files came", seen=seen, seconds=seconds)


@pytest.mark.slow
async def test_a_server_silent_after_data_holds_up_no_other_mail(
    system: System, mailbox: Mailbox, request: pytest.FixtureRequest, faults_table: Table
) -> None:
    mailbox.silent_for.add(CRM)
    async with goal_told_to(system, request, CRM, OPS) as post, serving(mailbox):
        await drop(post.shop, FILE)
        await asyncio.wait_for(mailbox.silent.wait(), RECOVERY_SECONDS)
        await comes(mailbox, OPS)
        mailbox.silent_for.clear()
        recovery = Recovery()
        await comes(mailbox, CRM)
        seconds = recovery.seconds
        await post.await_states(crm="sent", ops="sent")
        await assert_exactly_once(post.shop, FILE, recovery)
        assert (len(mailbox.to(CRM)), len(mailbox.to(OPS))) == (1, 1)
    seen = "given up after its limit and sent again; other mails did not wait"
    faults_table.add(AREA, "silent after DATA", done="no answer to a mail", seen=seen, seconds=seconds)


@pytest.mark.slow
@pytest.mark.parametrize("seconds_late", [8.0, GREETING_LIMIT_SECONDS + 5])
async def test_a_slow_greeting_is_waited_for_and_not_for_ever(
    system: System,
    proxy: TcpProxy,
    mailbox: Mailbox,
    seconds_late: float,
    request: pytest.FixtureRequest,
    faults_table: Table,
) -> None:
    async with goal_told_to(system, request, CRM) as post, serving(mailbox):
        proxy.greeting_delay_seconds = seconds_late
        try:
            await drop(post.shop, FILE)
            recovery = Recovery()
            await assert_exactly_once(post.shop, FILE, recovery)
            if seconds_late > GREETING_LIMIT_SECONDS:
                await post.await_tries(1)
            else:
                await comes(mailbox, CRM)
        finally:
            proxy.greeting_delay_seconds = 0.0
        await comes(mailbox, CRM)
        await post.await_states(crm="sent")
        assert len(mailbox.to(CRM)) == 1
        seconds = recovery.seconds
    seen = "the receipt came once; the import did not wait"
    faults_table.add(AREA, "slow greeting", done=f"greeted after {seconds_late:.0f} s", seen=seen, seconds=seconds)
