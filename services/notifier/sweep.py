"""Hear again what may have been lost between the outbox and us.

A bus may forget what it confirmed: the in-process one with its process, a broker with its disk. The outbox keeps
sent messages for a day, and planning a mail twice plans it once; so a start hears the last day again, and every few
minutes the last half hour.
"""

import asyncio
from contextlib import suppress

import structlog

from services.notifier.handlers import Handlers
from services.notifier.outcome import frames_of, outcome_of
from services.notifier.tools import Tools
from shared.domain.failures import Failure, StorageUnavailable
from shared.storage import mails
from shared.storage.mails import News

log = structlog.get_logger()

A_DAY_SECONDS = 86_400.0
EVERY_SECONDS = 600.0
LATELY_SECONDS = 1_800.0
BUS_SECONDS = 120.0
"""How long the bus is given to bring a message by itself."""
OUTAGE_SECONDS = 5.0
PAGE = 500


async def sweep(tools: Tools, handlers: Handlers, stopping: asyncio.Event) -> None:
    """Hear again, now and in turn, until told to stop."""
    since, until = A_DAY_SECONDS, 0.0
    while not stopping.is_set():
        try:
            await hear_again(tools, handlers, since, until)
        except StorageUnavailable as failure:
            log.warning("news.unreachable", code=failure.code)
            pause = OUTAGE_SECONDS
        else:
            since, until = LATELY_SECONDS, BUS_SECONDS
            pause = EVERY_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(stopping.wait(), pause)


async def hear_again(tools: Tools, handlers: Handlers, since_seconds: float, until_seconds: float) -> int:
    """Handle the messages of a span of time once more; how many. Raises StorageUnavailable."""
    by_name = {model.name: model for model in handlers}
    last: News | None = None
    heard = 0
    while True:
        async with tools.database.watching() as watch:
            page = await mails.news(watch, list(by_name), since_seconds, until_seconds, last, PAGE)
        for news in page:
            model = by_name[news.name]
            outcome = await outcome_of(handlers[model](model.model_validate(news.body)))
            _tell(news, outcome)
        heard += len(page)
        if len(page) < PAGE:
            return heard
        last = page[-1]


def _tell(news: News, outcome: object) -> None:
    """The bus has brought this message too, and parks what fails for good: here it is enough to say so."""
    if isinstance(outcome, StorageUnavailable):
        raise outcome
    if isinstance(outcome, Failure):
        log.warning("message.failed", message=news.name, message_id=str(news.message_id), code=outcome.code)
    elif isinstance(outcome, Exception):
        log.error("message.failed", message=news.name, message_id=str(news.message_id), **frames_of(outcome))
