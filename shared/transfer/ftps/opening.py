"""The driver for a partner's FTPS server: an FTP session by TLS on which a Folder is open.

TLS or nothing: without it, or without a certificate that is accepted, no name and no password is sent, and every data
connection is encrypted too. Data connections are ours to open (passive), to the address of the control connection and
to no other. Everything a server says is hostile; paths are composed here, but the home directory is asked for.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from shared.domain.connection import Login
from shared.domain.failures import (
    ConnectionLost,
    DirectoryMissing,
    Failure,
    LoginCutOff,
    LoginRefused,
    ProtocolRefused,
    TlsRefused,
)
from shared.domain.place import FtpsPlace
from shared.observe.cancellation import heed_cancellation
from shared.transfer.certificates import Shown, translated
from shared.transfer.dialling import Host, OnProof, OnStep, Reach, find
from shared.transfer.ftps.folder import FtpsFolder
from shared.transfer.ftps.line import Line
from shared.transfer.ftps.replies import Garbled, Refused, wire


@asynccontextmanager
async def open_ftps(
    place: FtpsPlace,
    login: Login,
    reach: Reach,
    *,
    on_step: OnStep = lambda _: None,
    on_proof: OnProof = lambda: None,
) -> AsyncIterator[FtpsFolder]:
    """Connect, have the server prove who it is, log in, and open the home directory.

    Raises NameUnresolved, AddressRefused, ConnectionLost, TlsRefused, ProtocolRefused, the CertificateFailures,
    LoginRefused, LoginCutOff, DirectoryMissing. One login is tried, once.
    """
    on_step("resolve")
    host = await find(place.host, place.port, reach)
    on_step("connect")
    line = await _dialled(place, host, reach)
    try:
        on_step("certificate")
        await _secured(line, place, reach)
        on_step("login")
        if await _logged_in(line, place, login):
            on_proof()
        home = await _at_home(line, place)
        heed_cancellation()
        yield FtpsFolder(line, home)
    finally:
        await line.close()


async def _dialled(place: FtpsPlace, host: Host, reach: Reach) -> Line:
    # The authorities are read from files, once.
    context = await asyncio.to_thread(reach.certificates.context, place.certificates)
    return Line(host, await host.dial(), context)


async def _secured(line: Line, place: FtpsPlace, reach: Reach) -> None:
    """Greeting and handshake. Nothing of ours but AUTH TLS is sent before."""
    is_explicit = place.tls == "explicit"
    shown = line.host.shown
    try:
        await line.untranslated(line.deadlines.login_seconds, line.session.secure, explicit=is_explicit)
        if not is_explicit:
            await line.untranslated(line.deadlines.login_seconds, line.session.greet)
    except ssl.SSLCertVerificationError as error:
        raise translated(error, shown, await _shown(place, line.host, reach)) from error
    except ssl.SSLError as error:
        raise translated(error, shown) from error
    except Refused as refused:
        raise TlsRefused(f"{shown} said: {refused}.") from refused
    except Garbled as error:
        raise ProtocolRefused(f"{shown} does not answer as an FTP server does.") from error
    except (OSError, EOFError) as error:
        raise ConnectionLost(f"{shown} closed the connection.") from error


async def _shown(place: FtpsPlace, host: Host, reach: Reach) -> Shown | None:
    """What the server shows, asked over a connection of its own that ends with it; None where it shows nothing now."""
    try:
        line = await _dialled(place, host, reach)
        try:
            seconds = line.deadlines.login_seconds
            return await line.within(seconds, line.session.shown, explicit=place.tls == "explicit")
        finally:
            line.hang_up()
            await line.close()
    except (Failure, Refused):
        return None


async def _logged_in(line: Line, place: FtpsPlace, login: Login) -> bool:
    """Log in; whether the server wanted the password."""
    if login.password is None:
        raise LoginRefused("The connection has no password.")
    try:
        words = wire(place.username.encode()), wire(login.password.encode())
    except ValueError as error:
        raise LoginRefused("The password holds a line break or a NUL, which FTP cannot say.") from error
    try:
        is_asked = await line.within(line.deadlines.login_seconds, line.session.introduce, words[0])
        if is_asked:
            await _proved(line, words[1])
        return is_asked
    except Refused as refused:
        raise LoginRefused(f"Tried a password; the server answered {refused.code}.") from refused


async def _proved(line: Line, password: str) -> None:
    """Send the password. A server that then goes without a word may mean that it is wrong."""
    try:
        await line.untranslated(line.deadlines.login_seconds, line.session.prove, password)
    except Garbled as error:
        raise ProtocolRefused(f"{line.host.shown} does not answer as an FTP server does.") from error
    except (EOFError, ConnectionResetError, ssl.SSLEOFError) as error:
        raise LoginCutOff(f"{line.host.shown} closed the connection.") from error
    except OSError as error:
        raise ConnectionLost(f"{line.host.shown} ended the connection.") from error


async def _at_home(line: Line, place: FtpsPlace) -> str:
    """The path of the home directory, with all that follows encrypted."""
    try:
        await line.ask(line.session.look_round)
        await line.ask(line.session.protect)
    except Refused as refused:
        raise TlsRefused(f"It does not encrypt data connections; it said: {refused}.") from refused
    try:
        await line.ask(line.session.take_bytes)
    except Refused as refused:
        raise ProtocolRefused(f"It does not send bytes as they are; it said: {refused}.") from refused
    try:
        return await line.ask(line.session.home, wire(place.home_directory.encode()))
    except Refused as refused:
        raise DirectoryMissing(
            f"Looked for the home directory {place.home_directory!r}; it said: {refused}."
        ) from refused
