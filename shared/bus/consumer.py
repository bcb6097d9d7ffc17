"""From envelopes to handlers: reads messages, finds who handles them, tells in log and metrics what became of them.

The one place where whatever a handler raises is caught, and it goes on to the bus: that hands the message out again
and parks it in the end. Only what passes by itself is waited for here, with the message in hand. A message that cannot
be read here is parked at once, since it would be no clearer the next time. Bodies and the texts of unexpected errors
are not logged: they may quote what a partner sent.
"""

import asyncio
import itertools
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import structlog
from pydantic import ValidationError

from shared.bus.bus import Bus, Envelope, Park
from shared.bus.topology import Queue
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.message import Message
from shared.domain.failures import Failure, Transient
from shared.observe import tracing
from shared.observe.metrics import Metrics

log = structlog.stdlib.get_logger()

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
OUTAGE_SECONDS = 900.0
"""How long a message is kept in hand while what it needs is away: half of the broker's patience for an answer."""

MessageHandler = Callable[[Any], Awaitable[None]]
"""Takes a message of the class it is listed under. Returns when it is done with, raises when it should come again."""


def consume_messages(
    bus: Bus, queue: Queue, handlers: Mapping[type[Message], MessageHandler], metrics: Metrics, *, prefetch: int = 8
) -> AbstractAsyncContextManager[None]:
    """While inside, hand the queue's messages to their handlers, at most `prefetch` at a time.

    Raises ValueError unless there is a handler for exactly what the queue is bound to. Needs no order and expects
    doubles: handlers claim in the ledger what they are told about.
    """
    if set(handlers) != set(queue.messages):
        expected = ", ".join(sorted(message.name for message in queue.messages))
        found = ", ".join(sorted(message.name for message in handlers))
        raise ValueError(f"found handlers for {found}; {queue.name} expects {expected}")

    async def hear(envelope: Envelope) -> None:
        try:
            message = read(envelope)
        except Park as reason:
            log.error("message.unreadable", message=envelope.name, message_id=envelope.message_id, reason=str(reason))
            _count(metrics, envelope, "unreadable")
            raise
        handler = handlers.get(type(message))
        if handler is None:
            log.error("message.unexpected", message=envelope.name, message_id=envelope.message_id, queue=queue.name)
            _count(metrics, envelope, "unexpected")
            raise Park(f"{queue.name} is not bound to {envelope.name}")
        told = tracing.span(f"{message.name} process", parent=message.traceparent, kind="hears", **_identities(message))
        with structlog.contextvars.bound_contextvars(**_facts(message)), told:
            await _handle(handler, message, envelope, metrics)

    return bus.consume(queue.name, hear, prefetch=prefetch)


def read(envelope: Envelope) -> Message:
    """The message in an envelope. Raises Park when its name or version is unknown, or its body does not fit."""
    model = CATALOGUE.get(envelope.name)
    if model is None:
        raise Park("found a name that is not in the catalogue; a newer service may have sent it")
    try:
        return model.model_validate_json(envelope.body)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        places = ", ".join(f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['type']}" for one in problems[:10])
        raise Park(f"found a body that does not fit ({places})") from None


async def _patiently(handler: MessageHandler, message: Message, envelope: Envelope, metrics: Metrics) -> None:
    """Handle the message again and again while what it needs is away: parked is what we failed on, not an outage."""
    loop = asyncio.get_running_loop()
    gives_up_at = loop.time() + OUTAGE_SECONDS
    for tries in itertools.count():
        try:
            await handler(message)
        except Transient as failure:
            # Spread, so that a returning database does not meet every message in the same instant.
            pause = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**tries) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
            if loop.time() + pause > gives_up_at:
                raise
            log.warning("message.waits", code=failure.code, detail=failure.detail)
            _count(metrics, envelope, "failed")
            await asyncio.sleep(pause)
        else:
            return


async def _handle(handler: MessageHandler, message: Message, envelope: Envelope, metrics: Metrics) -> None:
    try:
        await _patiently(handler, message, envelope, metrics)
    except Park as reason:
        log.error("message.given_up", reason=str(reason))
        _count(metrics, envelope, "given_up")
        raise
    except Failure as failure:
        log.warning("message.failed", code=failure.code, detail=failure.detail)
        _count(metrics, envelope, "failed")
        raise
    except Exception as error:
        frames = "".join(traceback.format_tb(error.__traceback__))
        log.error("message.failed", code="internal_error", error=type(error).__name__, frames=frames)
        _count(metrics, envelope, "failed")
        raise
    _count(metrics, envelope, "done")


def _facts(message: Message) -> dict[str, str]:
    """What stands on every line of the log while a message is handled: identities only."""
    facts = {"message": message.name, **_identities(message), "traceparent": message.traceparent or ""}
    return {name: value for name, value in facts.items() if value}


def _identities(message: Message) -> dict[str, str]:
    facts = {
        "message_id": str(message.message_id),
        "account_id": str(message.account_id),
        "run_id": str(getattr(message, "run_id", "")),
    }
    return {name: value for name, value in facts.items() if value}


def _count(metrics: Metrics, envelope: Envelope, outcome: str) -> None:
    # Anybody can put any name on the bus; labels come from a closed list.
    metrics.messages.labels(envelope.name if envelope.name in CATALOGUE else "unknown", outcome).inc()
