"""structlog, as JSON lines or for a console.

Events are past tense with facts. run_id, goal_id and account_id are bound once and stand on every line below.
Values of rows, addresses, names of files and secrets are never logged.
"""

import logging
import sys
from typing import Literal

import structlog


def configure(form: Literal["json", "console"], service: str) -> None:
    """Send every log line of this process to standard error in one form. Called once, at the start."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer()
    )
    trace: list[structlog.typing.Processor] = [structlog.processors.format_exc_info] if form == "json" else []
    structlog.configure(
        processors=[*shared, *trace, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(service=service)
    # Libraries speak through the standard library: warnings and worse only, since lower levels tell names and hosts.
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True
    )
    logging.getLogger("asyncssh").setLevel(logging.ERROR)
    logging.getLogger("aiormq").setLevel(logging.ERROR)
    logging.getLogger("aio_pika").setLevel(logging.ERROR)
