"""What a client is told of our own mistakes: that there was one.

The driver sends the text of any exception to the client, and such texts quote paths, hosts and statements. What is
meant for clients are its own errors, and those of the operating system, whose paths refusals.py has taken out.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from types import FunctionType, TracebackType
from typing import Any, TypeVar

import asyncssh
import structlog

from shared.domain.failures import InternalError

log = structlog.get_logger()

Had = TypeVar("Had")
Server = TypeVar("Server", bound=asyncssh.SFTPServer)

_SAID = "Something went wrong here, which is not your fault; try again later."
_FOR_CLIENTS = (asyncssh.Error, OSError, NotImplementedError)


def discreet(server: type[Server]) -> type[Server]:
    """The same SFTP server, of whose requests none tells a client more than it may know."""
    for name, method in list(vars(server).items()):
        if isinstance(method, FunctionType) and not name.startswith("_") and hasattr(asyncssh.SFTPServer, name):
            setattr(server, name, _listing(method) if inspect.isasyncgenfunction(method) else _request(method))
    return server


class _Unspoken:
    """Logs what is our own mistake, without its text, and says to the client that there was one."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Exception) and not isinstance(error, _FOR_CLIENTS):
            log.error("request.broken", code=InternalError.code, exc_info=error)
            raise asyncssh.SFTPFailure(_SAID) from error


def _request(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        # No `except`: closing a file asks whether an exception is being handled.
        with _Unspoken():
            answer = method(*arguments)
        return _later(answer) if inspect.isawaitable(answer) else answer

    return call


def _listing(method: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    async def call(*arguments: Any) -> AsyncIterator[Any]:
        with _Unspoken():
            async for each in method(*arguments):
                yield each

    return call


async def _later(answer: Awaitable[Had]) -> Had:
    with _Unspoken():
        return await answer
