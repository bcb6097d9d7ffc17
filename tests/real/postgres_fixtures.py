"""Fixtures around private PostgreSQL servers. TIDEGATE_TEST_POSTGRES=15 or 18 chooses the shared one's version."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.real.postgres import PrivatePostgres, programs
from tests.real.quick_folder import quick_folder


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PrivatePostgres]:
    """The session's server, running. Who kills or restarts it belongs on `own_postgres` instead."""
    with _folder() as folder:
        server = PrivatePostgres(programs(os.environ.get("TIDEGATE_TEST_POSTGRES", "")), folder)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_postgres() -> Iterator[Callable[[str], PrivatePostgres]]:
    """Makes running servers for one test: `own_postgres("")` as the session's, `own_postgres("18")` of a version."""
    with ExitStack() as held:

        def make(version: str = "") -> PrivatePostgres:
            wanted = version or os.environ.get("TIDEGATE_TEST_POSTGRES", "")
            server = PrivatePostgres(programs(wanted), held.enter_context(_folder()))
            held.callback(server.stop)
            server.start()
            return server

        yield make


@contextmanager
def private_postgres(version: str = "") -> Iterator[PrivatePostgres]:
    """A running server of that version while inside: for fixtures of a module's own."""
    with _folder() as folder:
        server = PrivatePostgres(programs(version), folder)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def _folder() -> AbstractContextManager[Path]:
    # Not pytest's tmp_path: only its owner may enter that, and a server of root's may have to run as nobody.
    return quick_folder("tidegate-postgres-")
