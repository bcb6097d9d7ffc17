"""What a client is told of our own mistakes: that there was one. Their texts quote paths, hosts and statements."""

from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import structlog

from shared.domain.failures import InternalError

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Unspoken:
    """Around what a client asked for: logs a mistake of ours, without its text.

    Not by `except`: closing a file asks whether an exception is being handled.
    """

    for_clients: tuple[type[Exception], ...]
    """What is no mistake of ours, and goes on to the client."""
    said: Callable[[], Exception] | None = None
    """What is raised in the place of a mistake; where there is nothing, the mistake itself goes on."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not isinstance(error, Exception) or isinstance(error, self.for_clients):
            return
        log.error("request.broken", code=InternalError.code, exc_info=error)
        if self.said is not None:
            raise self.said() from error
