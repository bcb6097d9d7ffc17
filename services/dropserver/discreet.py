"""No request of SFTP tells a client more than it may know: the driver sends the text of any exception.

What is meant for clients are the driver's own errors, and those of the operating system, whose paths refusals.py has
taken out.
"""

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from types import FunctionType
from typing import Any, TypeVar

import asyncssh

from services.dropserver.unspoken import Unspoken

Had = TypeVar("Had")
Server = TypeVar("Server", bound=asyncssh.SFTPServer)

_SAID = "Something went wrong here, which is not your fault; try again later."
_UNSPOKEN = Unspoken(
    # The driver raises NotImplementedError for a request that its server leaves out, and says so: not supported.
    (asyncssh.Error, OSError, NotImplementedError),
    lambda: asyncssh.SFTPFailure(_SAID),
)


def discreet(server: type[Server]) -> type[Server]:
    """The same SFTP server, of whose requests none tells a client more than it may know."""
    for name, method in list(vars(server).items()):
        if isinstance(method, FunctionType) and not name.startswith("_") and hasattr(asyncssh.SFTPServer, name):
            setattr(server, name, _listing(method) if inspect.isasyncgenfunction(method) else _request(method))
    return server


def _request(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(*arguments: Any) -> Any:
        with _UNSPOKEN:
            answer = method(*arguments)
        return _later(answer) if inspect.isawaitable(answer) else answer

    return call


def _listing(method: Callable[..., AsyncIterator[Any]]) -> Callable[..., AsyncIterator[Any]]:
    async def call(*arguments: Any) -> AsyncIterator[Any]:
        with _UNSPOKEN:
            async for each in method(*arguments):
                yield each

    return call


async def _later(answer: Awaitable[Had]) -> Had:
    with _UNSPOKEN:
        return await answer
