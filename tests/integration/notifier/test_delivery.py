"""Mails to a real SMTP server on loopback, which is away, refuses, falls silent; and notifiers that die."""

import asyncio
import ssl
from dataclasses import replace
from email.message import EmailMessage

import pytest

from services.notifier.sender import SmtpSender, SmtpServer, smtp_server
from services.notifier.tools import Tools
from shared.domain.failures import MailUnavailable
from shared.domain.reject import Reject, RejectCode
from shared.domain.run import Reason, RunState
from shared.storage import decisions
from shared.storage.database import Database, DatabaseAddress
from tests.eventually import eventually
from tests.integration.notifier.conftest import IMPATIENT, LOOPBACK, notifier, smtp
from tests.integration.notifier.ledger import MAKER, REJECTED, Ledger
from tests.integration.notifier.mail_server import Mailbox, serving
from tests.integration.notifier.working import delivering, hear_of_notification, hear_of_run, outcomes, planned, raised
from tests.real.ports import free_port

CRM = "crm@shop.example"
OPS = "ops@shop.example"
# The server warns of what these tests want: logins over loopback need no TLS.
without_tls = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


async def told(tools: Tools, ledger: Ledger, *emails: str, state: RunState = RunState.COMPLETED) -> None:
    """A run has ended and its mails are planned."""
    await hear_of_run(tools, ledger.account_id, await ledger.finished(await ledger.goal(*emails), state))


async def states(tools: Tools, ledger: Ledger) -> dict[str, str]:
    return {row.recipient: row.state for row in await planned(tools.database, ledger.account_id)}


async def test_a_receipt_is_sent_once_to_each(tools: Tools, ledger: Ledger, mailbox: Mailbox) -> None:
    run_id = await ledger.finished(await ledger.goal(CRM, OPS))
    async with delivering(tools):
        for _ in range(3):
            await hear_of_run(tools, ledger.account_id, run_id)
        await eventually(lambda: len(mailbox.taken) == 2, "both mails")
        await eventually(lambda: outcomes(tools).get("sent") == 2, "both noted as sent")
    assert sorted(recipient for recipient, _ in mailbox.taken) == [CRM, OPS]
    [mail] = mailbox.to(CRM)
    assert mail["Subject"] == "Completed: Nightly, contacts.csv"
    assert mail["From"] == "Tidegate <tidegate@mail.test>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert {row.attempts for row in await planned(tools.database, ledger.account_id)} == {1}


async def test_no_value_of_a_reject_is_ever_mailed(tools: Tools, ledger: Ledger, mailbox: Mailbox) -> None:
    canary = "kanarienvogel-4711"
    reject = Reject(
        record_number=5, line_number=9, code=RejectCode.NOT_AN_EMAIL, field="E-mail", raw=(canary, f"{canary}@x", "")
    )
    goal_id = await ledger.goal(CRM)
    run_id = await ledger.finished(goal_id, RunState.COMPLETED_WITH_REJECTS, reject, **REJECTED)
    await hear_of_run(tools, ledger.account_id, run_id)
    async with delivering(tools):
        await eventually(lambda: len(mailbox.taken) == 1, "the mail")
    [mail] = mailbox.to(CRM)
    bodies = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    assert len(bodies) == 2
    assert all("Record 5 (line 9), field E-mail: not_an_email" in body for body in bodies)
    assert canary not in "".join([mail.as_string(), *bodies])


async def test_a_mail_server_that_is_down_delays_the_mail_and_nothing_else(database: Database, ledger: Ledger) -> None:
    mailbox = Mailbox(port=free_port())
    tools = notifier(database, smtp(mailbox))
    async with delivering(tools):
        await told(tools, ledger, CRM)
        await eventually(lambda: outcomes(tools).get("delayed", 0) >= 2, "two tries in vain")
        await told(tools, ledger, OPS)
        async with serving(mailbox):
            await eventually(lambda: len(mailbox.taken) == 2, "both mails")
            await eventually(lambda: outcomes(tools).get("sent") == 2, "both noted as sent")
    assert await states(tools, ledger) == {CRM: "sent", OPS: "sent"}
    assert await raised(database, ledger.account_id) == []


@pytest.mark.parametrize("replies", ["recipient_replies", "data_replies"])
async def test_a_mail_that_is_put_off_comes_later(tools: Tools, ledger: Ledger, mailbox: Mailbox, replies: str) -> None:
    getattr(mailbox, replies)[CRM] = ["451 4.7.1 Greylisted", "452 4.3.1 Full"]
    await told(tools, ledger, CRM)
    async with delivering(tools):
        await eventually(lambda: outcomes(tools).get("sent") == 1, "the third try")
    [row] = await planned(tools.database, ledger.account_id)
    assert (row.state, row.attempts) == ("sent", 3)
    assert len(mailbox.to(CRM)) == 1


@pytest.mark.parametrize("replies", ["recipient_replies", "data_replies"])
async def test_a_recipient_that_is_refused_is_given_up_and_the_maker_is_notified(
    tools: Tools, ledger: Ledger, mailbox: Mailbox, replies: str
) -> None:
    getattr(mailbox, replies)[CRM] = ["550 5.1.1 <crm@shop.example> unknown"]
    await told(tools, ledger, CRM, OPS)
    async with delivering(tools):
        await eventually(lambda: outcomes(tools).get("given_up") == 1, "the end of it")
        await eventually(lambda: len(mailbox.to(OPS)) == 1, "the other mail")
        [(notification_id, code, detail)] = await raised(tools.database, ledger.account_id)
        await hear_of_notification(tools, ledger.account_id, notification_id)
        await eventually(lambda: len(mailbox.to(MAKER)) == 1, "the notice")
    rows = {row.recipient: row for row in await planned(tools.database, ledger.account_id)}
    assert (rows[CRM].state, rows[CRM].attempts, rows[CRM].last_error_code) == ("given_up", 1, "mail_refused")
    assert code == "mail_given_up"
    assert "shop.example" in detail
    assert "550" in detail
    [notice] = mailbox.to(MAKER)
    assert notice["Subject"] == "Notice: A receipt could not be mailed"
    assert CRM not in notice.as_string()


async def test_a_notice_that_is_refused_raises_no_further_notice(
    tools: Tools, ledger: Ledger, mailbox: Mailbox
) -> None:
    mailbox.recipient_replies[MAKER] = ["550 no"] * 10
    await told(tools, ledger)
    async with delivering(tools):
        await eventually(lambda: outcomes(tools).get("given_up") == 1, "the receipt given up")
        [(notification_id, _, _)] = await raised(tools.database, ledger.account_id)
        await hear_of_notification(tools, ledger.account_id, notification_id)
        await eventually(lambda: outcomes(tools).get("given_up") == 2, "the notice given up")
    assert len(await raised(tools.database, ledger.account_id)) == 1


async def test_a_mail_is_given_up_when_it_was_tried_long_enough(database: Database, ledger: Ledger) -> None:
    patience = replace(IMPATIENT, give_up_seconds=0.0, least_tries=3)
    tools = notifier(database, smtp(Mailbox(port=free_port())), patience)
    await told(tools, ledger, CRM)
    async with delivering(tools):
        await eventually(lambda: outcomes(tools).get("given_up") == 1, "the end of it")
    [row] = await planned(database, ledger.account_id)
    assert (row.state, row.attempts, row.last_error_code) == ("given_up", 3, "mail_unavailable")
    assert [code for _, code, _ in await raised(database, ledger.account_id)] == ["mail_given_up"]


async def test_a_server_that_falls_silent_delays_that_mail_and_no_other(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    mailbox.silent_for.add(CRM)
    tools = notifier(database, smtp(mailbox, step_seconds=30.0), replace(IMPATIENT, first_pause_seconds=0.01))
    async with delivering(tools):
        await told(tools, ledger, CRM)
        await asyncio.wait_for(mailbox.silent.wait(), 10)
        await told(tools, ledger, OPS)
        await eventually(lambda: len(mailbox.to(OPS)) == 1, "the other mail")
        assert outcomes(tools).get("delayed") is None, "the silent one was still being waited for"
        mailbox.silent_for.clear()
        mailbox.hangs_up.set()
        await eventually(lambda: len(mailbox.to(CRM)) == 1, "the mail that met silence")
        await eventually(lambda: outcomes(tools).get("sent") == 2, "both noted as sent")
    assert outcomes(tools)["delayed"] >= 1


async def test_two_notifiers_share_the_work(
    database: Database, database_address: DatabaseAddress, ledger: Ledger, mailbox: Mailbox
) -> None:
    people = [f"person{number}@shop.example" for number in range(20)]
    async with Database.open(database_address, connections=4) as another:
        two = [notifier(each, smtp(mailbox), at_a_time=2) for each in (database, another)]
        for _ in range(3):
            await told(two[0], ledger, *people)
        async with delivering(*two):
            await eventually(lambda: sum(outcomes(each).get("sent", 0) for each in two) == 60, "all mails")
    assert sorted(recipient for recipient, _ in mailbox.taken) == sorted(people * 3)
    assert all(outcomes(each)["sent"] > 0 for each in two), "one of the two did all the work"


class DyingSender:
    """Sends, and lives no longer than that."""

    def __init__(self, sender: object) -> None:
        self._sender = sender
        self.has_sent = asyncio.Event()

    async def send(self, message: EmailMessage) -> None:
        await self._sender.send(message)  # type: ignore[attr-defined]  # a Sender
        self.has_sent.set()
        await asyncio.get_running_loop().create_future()


async def test_a_notifier_that_dies_after_sending_leads_to_the_same_mail_again(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    patience = replace(IMPATIENT, lease_seconds=1.0)
    dying = DyingSender(smtp(mailbox))
    first = replace(notifier(database, smtp(mailbox), patience), sender=dying)
    await told(first, ledger, CRM)
    async with delivering(first):
        await asyncio.wait_for(dying.has_sent.wait(), 10)
    assert await states(first, ledger) == {CRM: "due"}
    second = notifier(database, smtp(mailbox), patience)
    async with delivering(second):
        await eventually(lambda: outcomes(second).get("sent") == 1, "the mail of the dead notifier")
    one, again = mailbox.to(CRM)
    assert one["Message-ID"] == again["Message-ID"]
    assert one["Date"] == again["Date"]


async def test_a_notifier_that_stops_finishes_the_mail_in_hand(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    mailbox.silent_for.add(CRM)
    tools = notifier(database, smtp(mailbox, step_seconds=1.0), replace(IMPATIENT, shutdown_seconds=20.0))
    await told(tools, ledger, CRM)
    async with delivering(tools):
        await asyncio.wait_for(mailbox.silent.wait(), 10)
    [row] = await planned(database, ledger.account_id)
    assert (row.state, row.attempts, row.last_error_code) == ("due", 1, "mail_unavailable")


async def test_a_mail_about_a_run_that_has_moved_on_is_not_sent(tools: Tools, ledger: Ledger, mailbox: Mailbox) -> None:
    run_id = await ledger.finished(await ledger.goal(CRM), RunState.FAILED)
    await hear_of_run(tools, ledger.account_id, run_id)
    async with tools.database.account(ledger.account_id) as tx:
        await decisions.retry(tx, run_id)
    async with delivering(tools):
        await eventually(lambda: outcomes(tools).get("superseded") == 1, "the end of it")
    assert mailbox.taken == []
    assert [code for _, code, _ in await raised(tools.database, ledger.account_id)] == ["run_failed"]


async def test_a_mail_that_cannot_be_written_stops_no_other(tools: Tools, ledger: Ledger, mailbox: Mailbox) -> None:
    await told(tools, ledger, CRM)
    async with tools.database.account(ledger.account_id) as tx:
        await tx.connection.execute("UPDATE tidegate.runs SET receipt = '{}'")
    async with delivering(tools):
        await eventually(lambda: outcomes(tools).get("delayed", 0) >= 1, "the one that fails")
        await told(tools, ledger, OPS)
        await eventually(lambda: len(mailbox.to(OPS)) == 1, "the other mail")
    rows = {row.recipient: row for row in await planned(tools.database, ledger.account_id)}
    assert (rows[CRM].state, rows[CRM].last_error_code) == ("due", "internal_error")


async def test_the_receipt_of_a_failed_run_says_why(tools: Tools, ledger: Ledger, mailbox: Mailbox) -> None:
    reason = Reason(code="header_changed", detail="Expected E-mail, found Mail.", what_to_do="Mend the header.")
    run_id = await ledger.finished(await ledger.goal(CRM), RunState.FAILED, reason=reason)
    await hear_of_run(tools, ledger.account_id, run_id)
    async with delivering(tools):
        await eventually(lambda: len(mailbox.taken) == 1, "the mail")
    [mail] = mailbox.to(CRM)
    body = mail.get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert mail["Subject"] == "Failed: Nightly, contacts.csv"
    assert "Expected E-mail, found Mail." in text
    assert "Mend the header." in text


@without_tls
async def test_a_login_is_used_and_a_wrong_one_gives_nothing_up(database: Database, ledger: Ledger) -> None:
    async with serving(Mailbox(login=(b"tide", b"right"))) as mailbox:
        wrong = notifier(database, smtp(mailbox, login=("tide", "wrong")))
        await told(wrong, ledger, CRM)
        async with delivering(wrong):
            await eventually(lambda: outcomes(wrong).get("delayed", 0) >= 2, "two refused logins")
        assert mailbox.taken == []
        right = notifier(database, smtp(mailbox, login=("tide", "right")))
        async with delivering(right):
            await eventually(lambda: outcomes(right).get("sent") == 1, "the mail")
        assert len(mailbox.to(CRM)) == 1


@without_tls
async def test_an_anonymous_sender_is_told_to_log_in_and_loses_no_mail(database: Database, ledger: Ledger) -> None:
    async with serving(Mailbox(login=(b"tide", b"right"))) as mailbox:
        sender = smtp(mailbox)
        with pytest.raises(MailUnavailable, match="530"):
            await sender.send(_plain_mail())


async def test_what_a_server_answers_is_not_passed_on(mailbox: Mailbox) -> None:
    mailbox.recipient_replies[CRM] = ["451 4.2.0 <crm@shop.example> has too much mail"]
    with pytest.raises(MailUnavailable) as failure:
        await smtp(mailbox).send(_plain_mail())
    assert "451" in str(failure.value)
    assert "crm" not in str(failure.value)


async def test_a_server_that_accepts_and_says_nothing_is_left_in_time() -> None:
    left = asyncio.Event()

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        await writer.wait_closed()
        left.set()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with server:
        mailbox = Mailbox(port=server.sockets[0].getsockname()[1])
        with pytest.raises(MailUnavailable):
            await asyncio.wait_for(smtp(mailbox, step_seconds=0.2).send(_plain_mail()), 10)
        await asyncio.wait_for(left.wait(), 10)


async def test_a_mail_servers_name_is_resolved_once_a_mail_and_its_address_is_judged(mailbox: Mailbox) -> None:
    refused = [["169.254.169.254"], ["127.0.0.1", "fd00:ec2::254"], ["10.0.0.25"], ["127.0.0.1", "::1"]]
    answers = [["127.0.0.1"], *refused]

    async def resolver(host: str, port: int) -> list[str]:
        assert host == "mail.example"
        return answers.pop(0)

    server = SmtpServer("mail.example", mailbox.port, False, False)
    sender = SmtpSender(server, our_name="tidegate.test", policy=LOOPBACK, resolver=resolver)
    await sender.send(_plain_mail())
    for _ in refused:
        with pytest.raises(MailUnavailable, match="TIDEGATE_SMTP_NETWORKS"):
            await sender.send(_plain_mail())
    assert (len(mailbox.taken), mailbox.conversations, answers) == (1, 1, [])


async def test_the_mail_servers_name_is_what_its_certificate_is_judged_by() -> None:
    asked: list[str | None] = []

    async def resolver(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.sni_callback = lambda connection, name, context: asked.append(name)
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0, ssl=context)
    async with server:
        port = server.sockets[0].getsockname()[1]
        there = SmtpServer("mail.example", port, True, False)
        sender = SmtpSender(there, our_name="t.test", policy=LOOPBACK, resolver=resolver)
        with pytest.raises(MailUnavailable):  # it has no certificate at all
            await sender.send(_plain_mail())
    assert asked == ["mail.example"]


async def test_a_mail_is_kept_for_as_long_as_its_try_takes(
    database: Database, ledger: Ledger, mailbox: Mailbox
) -> None:
    mailbox.silent_for.add(CRM)
    # Kept three times in a lease, by a process that may have to wait for its turn on the machine.
    patience = replace(IMPATIENT, lease_seconds=2.0, first_pause_seconds=60.0)
    first, second = (notifier(database, smtp(mailbox, step_seconds=5.0), patience) for _ in range(2))
    await told(first, ledger, CRM)
    async with delivering(first):
        await asyncio.wait_for(mailbox.silent.wait(), 10)
        async with delivering(second):
            await eventually(lambda: outcomes(first).get("delayed") == 1, "the end of the try")
    assert mailbox.conversations == 1


@pytest.mark.parametrize("host", ["127.1", "0x7f000001", "mail.example."])
def test_a_mail_server_that_is_written_in_two_ways_stops_the_start(host: str) -> None:
    with pytest.raises(ValueError, match="found a host that is"):
        smtp_server(f"smtp://{host}:25")


def _plain_mail() -> EmailMessage:
    message = EmailMessage()
    message["From"] = "tidegate@mail.test"
    message["To"] = CRM
    message.set_content("A mail.")
    return message
