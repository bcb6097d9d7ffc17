"""The hosted WebDAV server: its start and end. It stands beside the SFTP server, in one house with it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from services.dropserver.house import House
from services.dropserver.webdav.application import ALONE, Application, Surroundings
from services.dropserver.webdav.certificate import Certificate
from shared.bus.alongside import alongside
from shared.runtime.clients import Network, is_in, read_address
from shared.runtime.web import Strangers, serving

_GRACE_SECONDS = 2.0
"""For answers to what has ended; how long uploads may go on is the house's to say."""


class DavServer:
    """A running WebDAV server."""

    def __init__(self, house: House, port: int) -> None:
        self.house = house
        self.port = port

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        house: House,
        host: str,
        port: int,
        certificate: Certificate | None = None,
        surroundings: Surroundings = ALONE,
    ) -> AsyncIterator["DavServer"]:
        """Serve until the block ends; then running uploads may go on as long as those by SFTP.

        Without a certificate it answers to this machine and to trusted proxies alone. Raises OSError where the address
        is taken.
        """
        application = Application(house, surroundings)
        tls = None if certificate is None else certificate.context
        strangers = Strangers(_Door(house, surroundings.trusted_proxies), house.limits.stall_seconds, tls)
        async with (
            serving(application, host, port, limit_seconds=_GRACE_SECONDS, strangers=strangers) as bound,
            alongside(_attend(application, house)),
        ):
            try:
                if certificate is None:
                    yield cls(house, bound)
                else:
                    async with alongside(certificate.keep_fresh()):
                        yield cls(house, bound)
            finally:
                await house.uploads_ended()


class _Door:
    """Counts connections with those by SFTP, but for a proxy's, behind which are many."""

    def __init__(self, house: House, trusted_proxies: Sequence[Network]) -> None:
        self._house = house
        self._trusted = trusted_proxies

    def admits(self, peer: str) -> bool:
        """Whether a connection from that address is welcome."""
        return self._is_proxy(peer) or self._house.admits(peer)

    def parts_with(self, peer: str) -> None:
        """It is gone."""
        if not self._is_proxy(peer):
            self._house.parts_with(peer)

    def _is_proxy(self, peer: str) -> bool:
        address = read_address(peer)
        return address is not None and is_in(address, self._trusted)


async def _attend(application: Application, house: House) -> None:
    while True:
        await asyncio.sleep(house.limits.attend_seconds)
        await application.visits.attend()
