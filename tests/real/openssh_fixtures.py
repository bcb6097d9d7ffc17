"""Fixtures around private OpenSSH servers."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.real.openssh import PrivateOpenSSH


@pytest.fixture
def own_openssh() -> Iterator[Callable[..., PrivateOpenSSH]]:
    """Makes running servers for one test; the arguments are PrivateOpenSSH's after the folder."""
    with ExitStack() as held:

        def make(**more: Any) -> PrivateOpenSSH:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-openssh-"))
            server = PrivateOpenSSH(Path(folder), **more)
            held.callback(server.stop)
            server.start()
            return server

        yield make


@pytest.fixture(scope="session")
def openssh_server() -> Iterator[PrivateOpenSSH]:
    """The session's server, running; tests share its drop place and take folders of their own in it."""
    with tempfile.TemporaryDirectory(prefix="tidegate-openssh-") as folder:
        server = PrivateOpenSSH(Path(folder))
        server.start()
        yield server
        server.stop()
