"""Fixtures around a private Apache."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.apache import PrivateApache
from tests.real.authority import Issued


@pytest.fixture(scope="session")
def apache_server(server_certificate: Issued) -> Iterator[PrivateApache]:
    """The session's server, running; tests share its directory and take folders of their own in it."""
    with tempfile.TemporaryDirectory(prefix="tidegate-apache-") as folder:
        server = PrivateApache(Path(folder), server_certificate)
        server.start()
        yield server
        server.stop()
