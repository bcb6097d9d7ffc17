"""Send due mails: at once when one was planned here, else by looking every few seconds.

Each mail is a task of its own, a few at a time, so that a server that falls silent in the middle of one delays no
other. A mail that cannot be sent waits with back-off and is given up in the end; nothing else waits for it.
"""

import asyncio
from collections.abc import Coroutine
from uuid import UUID

import structlog

from services.notifier import notice, receipt
from services.notifier.ledger import run_to_tell
from services.notifier.mail import Letter, compose
from services.notifier.outcome import outcome_of, tell
from services.notifier.shown import shown
from services.notifier.tools import Tools
from shared.domain.failures import Failure, InternalError, MailRefused
from shared.observe import tracing
from shared.observe.failpoints import reach
from shared.runtime.keeping import kept
from shared.runtime.waiting import first_of
from shared.storage import mails, notifications
from shared.storage.mails import Mail
from shared.storage.notifications import News

log = structlog.get_logger()

BATCH = 50


async def deliver(tools: Tools, stopping: asyncio.Event) -> None:
    """Send due mails until told to stop; mails in hand are then given a little time to be finished."""
    hand, pause = _Hand(tools.at_a_time), tools.patience.look_seconds
    try:
        while not stopping.is_set():
            tools.planned.clear()
            due = [found for found in await _due(tools) if found[1] not in hand]
            for account_id, mail_id in due:
                while hand.is_full and not stopping.is_set():
                    await first_of(hand.freed.wait(), stopping.wait(), limit_seconds=pause)
                if stopping.is_set():
                    break
                hand.take(mail_id, _carry(tools, account_id, mail_id))
            if not due:
                await first_of(tools.planned.wait(), stopping.wait(), limit_seconds=pause)
    finally:
        await hand.empty(tools.patience.shutdown_seconds)


class _Hand:
    """The mails that are being sent just now, a few at most."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._tasks: dict[UUID, asyncio.Task[None]] = {}
        self.freed = asyncio.Event()

    def __contains__(self, mail_id: UUID) -> bool:
        return mail_id in self._tasks

    @property
    def is_full(self) -> bool:
        return len(self._tasks) >= self._size

    def take(self, mail_id: UUID, work: Coroutine[None, None, None]) -> None:
        self.freed.clear()
        self._tasks[mail_id] = task = asyncio.create_task(work, name="mail")
        task.add_done_callback(lambda _: self._free(mail_id))

    def _free(self, mail_id: UUID) -> None:
        del self._tasks[mail_id]
        self.freed.set()

    async def empty(self, seconds: float) -> None:
        """Wait for what is in hand, then let it go: its lease runs out, and it is sent again."""
        tasks = list(self._tasks.values())
        if tasks:
            _, unfinished = await asyncio.wait(tasks, timeout=seconds)
            for task in unfinished:
                task.cancel()
            await asyncio.gather(*unfinished, return_exceptions=True)


async def _due(tools: Tools) -> list[tuple[UUID, UUID]]:
    """What waits to be sent; nothing when that cannot be seen just now."""
    outcome = await outcome_of(_look(tools))
    if isinstance(outcome, Exception):
        tell("mails.unreachable", outcome)
        return []
    return outcome


async def _look(tools: Tools) -> list[tuple[UUID, UUID]]:
    async with tools.database.watching() as watch:
        return await mails.due(watch, BATCH)


async def _carry(tools: Tools, account_id: UUID, mail_id: UUID) -> None:
    """Try a mail once. What cannot be noted is tried again when the lease has run out: perhaps twice, never lost."""
    with structlog.contextvars.bound_contextvars(account_id=str(account_id), mail_id=str(mail_id)):
        outcome = await outcome_of(_try_once(tools, account_id, mail_id))
        if outcome is None:
            return
        tell("mail.lost_track", outcome)
        # Keep the slot for a while: the mail may be due still, and an outage is not to be asked without a pause.
        await asyncio.sleep(tools.patience.look_seconds)


async def _try_once(tools: Tools, account_id: UUID, mail_id: UUID) -> None:
    """Take a mail, send it, and note what became of it."""
    async with tools.database.account(account_id) as tx:
        mail = await mails.take(tx, mail_id, tools.patience.lease_seconds)
    reach("notifier.taken")
    if mail is None:
        return

    async def keep() -> None:
        async with tools.database.account(account_id) as tx:
            await mails.keep(tx, mail, tools.patience.lease_seconds)

    async with kept(keep, tools.patience.lease_seconds):
        facts = {"account_id": str(account_id), "about_id": str(mail.about_id), "mail_id": str(mail.id)}
        with tracing.span("mail", parent=mail.traceparent, kind="sends", **facts):
            outcome = await outcome_of(_send(tools, mail))
    await _settle(tools, mail, outcome)


async def _send(tools: Tools, mail: Mail) -> bool:
    """Write and send a mail; False when there is nothing to tell any more. Raises what went wrong."""
    letter = await _letter(tools, mail)
    if letter is None:
        return False
    await tools.sender.send(compose(letter, mail, tools.mail_from))
    reach("notifier.sent")
    return True


async def _letter(tools: Tools, mail: Mail) -> Letter | None:
    async with tools.database.account(mail.account_id, read_only=True) as tx:
        if mail.about_kind == "notification":
            notification = await notifications.get(tx, mail.about_id)
            return tools.stationery.notification(notice.describe(notification))
        told = await run_to_tell(tx, mail.about_id, with_rejects=True)
    if told is None or told.about_state != mail.about_state:
        return None
    return tools.stationery.receipt(receipt.describe(told.run))


async def _settle(tools: Tools, mail: Mail, outcome: bool | Exception) -> None:
    match outcome:
        case True:
            async with tools.database.account(mail.account_id) as tx:
                await mails.sent(tx, mail)
                reach("notifier.recording")
            reach("notifier.recorded")
            _count(tools, "sent")
            log.info("mail.sent", about=mail.about_kind, tries=mail.attempt)
        case False:
            async with tools.database.account(mail.account_id) as tx:
                await mails.give_up(tx, mail, "superseded")
            _count(tools, "superseded")
            log.info("mail.superseded", about=mail.about_kind)
        case MailRefused() as failure:
            await _give_up(tools, mail, failure)
        case Failure() as failure:
            await _try_later(tools, mail, failure)
        case Exception() as error:
            tell("mail.failed", error)
            await _try_later(tools, mail, InternalError())


async def _try_later(tools: Tools, mail: Mail, failure: Failure) -> None:
    if tools.patience.is_exhausted(mail.attempt, mail.age_seconds):
        await _give_up(tools, mail, failure)
        return
    pause = tools.patience.pause_seconds(mail.attempt, tools.rng)
    async with tools.database.account(mail.account_id) as tx:
        await mails.failed(tx, mail, failure.code, pause)
    _count(tools, "delayed")
    log.warning(
        "mail.delayed", code=failure.code, detail=failure.detail, tries=mail.attempt, next_try_in_seconds=round(pause)
    )


async def _give_up(tools: Tools, mail: Mail, failure: Failure) -> None:
    async with tools.database.account(mail.account_id) as tx:
        # A notification stands in the notification centre whether or not its mail was sent; another one about
        # its mail could go on for ever.
        if await mails.give_up(tx, mail, failure.code) and mail.about_kind == "run":
            told = await run_to_tell(tx, mail.about_id, with_rejects=False)
            await notifications.raise_(
                tx,
                News(
                    code="mail_given_up",
                    title="A receipt could not be mailed",
                    detail=_why(mail, failure),
                    what_to_do=f"Check the goal's feedback.emails. The receipt is at GET /v1/runs/{mail.about_id}.",
                    run_id=mail.about_id,
                    goal_id=told.goal_id if told else None,
                    connection_id=told.connection_id if told else None,
                ),
            )
    _count(tools, "given_up")
    log.error("mail.given_up", code=failure.code, detail=failure.detail, about=mail.about_kind, tries=mail.attempt)


def _why(mail: Mail, failure: Failure) -> str:
    """What happened, with the host of the recipient but not the person."""
    host = shown(mail.recipient.rpartition("@")[2], receipt.FIELD_CHARACTERS)
    tries = "1 try" if mail.attempt == 1 else f"{mail.attempt} tries"
    return f"To an address at {host}, after {tries}: {failure.code}, {failure.detail or failure.sentence}."


def _count(tools: Tools, outcome: str) -> None:
    tools.metrics.mails.labels(outcome).inc()
