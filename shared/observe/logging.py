"""structlog, as JSON lines or for a console.

Events are past tense with facts. run_id, goal_id and account_id are bound once and stand on every line below.
Values of rows, addresses, names of files and secrets are never logged. So an exception is told by its class and its
frames: its text may quote what a partner sent, as PostgreSQL's do, and the values of local variables certainly would.
"""

import asyncio
import logging
import sys
import traceback
from types import TracebackType
from typing import Any, Literal

import structlog


def configure(form: Literal["json", "console"], service: str, level: str = "info") -> None:
    """Send every log line of this process from a level on to standard error in one form. Called once, at the start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    )
    structlog.configure(
        processors=[*shared, _without_texts, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries speak through the standard library: warnings and worse only, since lower levels tell names and hosts.
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(_Discreet("%(levelname)s %(name)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[lines], force=True)
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    # Tells every failed attempt to connect, with the address; our own session tells each reason once.
    logging.getLogger("aiormq").setLevel(logging.CRITICAL)
    logging.getLogger("aio_pika").setLevel(logging.ERROR)


def tell_unheard(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A loop's exception handler: asyncio's own would print the text of an exception that nobody waited for."""
    # "Exception in callback" goes on with the callback's arguments.
    what = context["message"].partition(" callback ")[0]
    structlog.get_logger().error("task.unheard", what=what, exc_info=context.get("exception"))


def _without_texts(
    _logger: structlog.typing.WrappedLogger, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """An exception's class and frames instead of the exception."""
    given = event.pop("exc_info", None)
    error = given if isinstance(given, BaseException) else sys.exc_info()[1] if given else None
    if error is not None:
        event["error"] = type(error).__name__
        event["frames"] = "".join(traceback.format_tb(error.__traceback__))
    return event


class _Discreet(logging.Formatter):
    """The same for libraries."""

    def formatException(
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        kind, _, frames = ei
        return f"{'' if kind is None else kind.__name__}\n{''.join(traceback.format_tb(frames))}"
