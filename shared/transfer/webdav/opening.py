"""The driver for a partner's WebDAV server: HTTP by TLS, on which a Folder is open.

TLS or nothing: without a certificate that is accepted no request is sent. The login is proved when the server asks for
it, at the first request, which is one that changes nothing.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.domain.connection import Login
from shared.domain.place import WebDavPlace
from shared.observe.cancellation import heed_cancellation
from shared.transfer.dialling import OnProof, OnStep, Reach, find
from shared.transfer.webdav.folder import WebDavFolder
from shared.transfer.webdav.login import Prover
from shared.transfer.webdav.wire import Wire


@asynccontextmanager
async def open_webdav(
    place: WebDavPlace,
    login: Login,
    reach: Reach,
    *,
    on_step: OnStep = lambda _: None,
    on_proof: OnProof = lambda: None,
) -> AsyncIterator[WebDavFolder]:
    """Connect, have the server prove who it is, log in, and open the directory of the place's url.

    Raises NameUnresolved, AddressRefused, ConnectionLost, TlsRefused, the CertificateFailures, LoginRefused,
    WebDavRefused, RedirectRefused, DirectoryMissing. One login is tried, once.
    """
    on_step("resolve")
    host = await find(place.host, place.port, reach)
    wire = Wire(place, host, reach.certificates, Prover(place.username, login.password, on_proof))
    try:
        await wire.connect(on_step)
        on_step("login")
        folder = WebDavFolder(wire, place.segments)
        await folder.enter()
        heed_cancellation()
        yield folder
    finally:
        await wire.close()
