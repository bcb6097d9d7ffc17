"""What the notifier does with what it hears: decide who is told, and plan their mails. Sends nothing itself."""

from collections.abc import Mapping
from functools import partial

import structlog

from services.notifier.ledger import RAISED, Told, run_to_tell
from services.notifier.receipt import is_problem
from services.notifier.tools import Tools
from shared.bus.consumer import MessageHandler
from shared.contracts.message import Message
from shared.contracts.places import NotificationRaised
from shared.contracts.runs import RunFinished
from shared.observe import tracing
from shared.observe.failpoints import reach
from shared.storage import mails, notifications, runs
from shared.storage.database import Tx
from shared.storage.notifications import News

log = structlog.get_logger()

Handlers = Mapping[type[Message], MessageHandler]


def handlers(tools: Tools) -> Handlers:
    """Who handles which message."""
    return {
        RunFinished: partial(run_finished, tools=tools),
        NotificationRaised: partial(notification_raised, tools=tools),
    }


async def run_finished(message: RunFinished, tools: Tools) -> None:
    """Plan the receipts of a run that ended or waits for a person. Raises StorageUnavailable."""
    trace = tracing.within(message.traceparent)
    async with tools.database.account(message.account_id) as tx:
        told = await run_to_tell(tx, message.run_id, with_rejects=False)
        if told is None:
            return
        recipients = await _receivers(tx, told)
        planned = await mails.plan(tx, "run", message.run_id, told.about_state, recipients, trace)
        reach("notifier.planning")
    reach("notifier.planned")
    _planned(tools, planned)


async def notification_raised(message: NotificationRaised, tools: Tools) -> None:
    """Plan the mail about a notification, to who made what it is about. Raises StorageUnavailable, NotFound."""
    trace = tracing.within(message.traceparent)
    async with tools.database.account(message.account_id) as tx:
        notification = await notifications.get(tx, message.notification_id)
        recipient = await _contact(tx, notification.news)
        planned = 0
        if recipient is None:
            log.info("mail.nobody_to_tell", notification_id=str(notification.id), code=notification.news.code)
        else:
            planned = await mails.plan(tx, "notification", notification.id, RAISED, [recipient], trace)
    _planned(tools, planned)


async def _receivers(tx: Tx, told: Told) -> list[str]:
    """Whom the goal wants told about this run; its maker where it names nobody."""
    feedback = told.goal.feedback
    if feedback.when == "never" or (feedback.when == "problems" and not is_problem(told.run)):
        return []
    if feedback.emails:
        return list(dict.fromkeys(feedback.emails))
    maker = await mails.contact(tx, told.goal_id, told.connection_id)
    if maker is None:
        log.info("mail.nobody_to_tell", state=told.run.state.value)
    return [] if maker is None else [maker]


async def _contact(tx: Tx, news: News) -> str | None:
    goal_id, connection_id = news.goal_id, news.connection_id
    if news.run_id is not None and goal_id is None:
        run = await runs.get(tx, news.run_id)
        if run is not None:
            goal_id, connection_id = run["goal_id"], run["connection_id"]
    return await mails.contact(tx, goal_id, connection_id)


def _planned(tools: Tools, mails_planned: int) -> None:
    if mails_planned:
        tools.metrics.mails.labels("planned").inc(mails_planned)
        tools.planned.set()
