"""Fixtures around FTPS servers and the authority that their certificates are of."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.real.authority import Authority, Issued
from tests.real.vsftpd import PrivateVsftpd


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The session's authority."""
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server_certificate(authority: Authority) -> Issued:
    """A good certificate for servers of 127.0.0.1."""
    return authority.issue("127.0.0.1")


@pytest.fixture(scope="session")
def vsftpd(server_certificate: Issued) -> Iterator[PrivateVsftpd]:
    """The session's vsftpd, running; tests share its drop place and take folders of their own in it."""
    with tempfile.TemporaryDirectory(prefix="tidegate-vsftpd-") as folder:
        server = PrivateVsftpd(Path(folder), server_certificate)
        server.start()
        yield server
        server.stop()


@pytest.fixture
def own_vsftpd(server_certificate: Issued) -> Iterator[Callable[..., PrivateVsftpd]]:
    """Makes running servers for one test, with settings of their own."""
    with ExitStack() as held:

        def make(certificate: Issued = server_certificate, **settings: str) -> PrivateVsftpd:
            folder = held.enter_context(tempfile.TemporaryDirectory(prefix="tidegate-vsftpd-"))
            server = PrivateVsftpd(Path(folder), certificate, **settings)
            held.callback(server.stop)
            server.start()
            return server

        yield make
