"""Hear again what may have been lost between the outbox and us.

A bus may forget what it confirmed: the in-process one with its process, a broker with its disk. The outbox keeps
sent messages for a day, and planning a mail twice plans it once; so a start hears the last day again, and every few
minutes the last half hour.
"""

import asyncio
from contextlib import suppress

from services.notifier.handlers import Handlers
from services.notifier.outcome import outcome_of, tell
from services.notifier.tools import Tools
from shared.contracts.message import Message
from shared.domain.failures import StorageUnavailable
from shared.storage import mails
from shared.storage.mails import News

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
        outcome = await outcome_of(hear_again(tools, handlers, since, until))
        if isinstance(outcome, Exception):
            tell("news.unreachable", outcome)
            pause = OUTAGE_SECONDS
        else:
            since, until = LATELY_SECONDS, BUS_SECONDS
            pause = EVERY_SECONDS
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stopping.wait()


async def hear_again(tools: Tools, handlers: Handlers, since_seconds: float, until_seconds: float) -> int:
    """Handle the messages of a span of time once more; how many. Raises StorageUnavailable."""
    by_name = {model.name: model for model in handlers}
    last: News | None = None
    heard = 0
    while True:
        async with tools.database.watching() as watch:
            page = await mails.news(watch, list(by_name), since_seconds, until_seconds, last, PAGE)
        for news in page:
            outcome = await outcome_of(_hear(handlers, by_name[news.name], news))
            if isinstance(outcome, StorageUnavailable):
                raise outcome
            if isinstance(outcome, Exception):
                # The bus has brought this message too, and parks what fails for good.
                tell("message.failed", outcome, message=news.name, message_id=str(news.message_id))
        heard += len(page)
        if len(page) < PAGE:
            return heard
        last = page[-1]


async def _hear(handlers: Handlers, model: type[Message], news: News) -> None:
    await handlers[model](model.model_validate(news.body))
