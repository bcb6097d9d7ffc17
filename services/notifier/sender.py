"""Ways for a mail to leave: to an SMTP server, or as a file into a directory.

Both say only "sent", "not now" or "never". What a server answers is not passed on, because it may quote addresses;
its reply code is.
"""

import asyncio
import os
from dataclasses import dataclass, field
from email.headerregistry import UniqueDateHeader
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import aiosmtplib

from shared.domain.failures import AddressRefused, ConnectionLost, MailRefused, MailUnavailable, NameUnresolved
from shared.domain.host_name import checked_host
from shared.transfer.addresses import AddressPolicy, Resolver
from shared.transfer.dialling import Dialled, Reach, find
from shared.transfer.folder import Deadlines
from shared.transfer.resolver import SystemResolver

_AUTHENTICATION_REQUIRED = 530
"""RFC 4954: our login is missing, which the operator can mend; it says nothing about the recipient."""


class Sender(Protocol):
    """Sends one mail to one recipient."""

    async def send(self, message: EmailMessage) -> None:
        """Returns once the mail is safe with somebody else.

        Raises MailUnavailable when it may go later, MailRefused when it never will.
        """
        ...


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where the mail server is and how it is spoken to."""

    host: str
    port: int
    use_tls: bool
    start_tls: bool
    username: str | None = None
    password: str | None = field(default=None, repr=False)


_SCHEMES = {"smtp": (25, False, False), "smtp+starttls": (587, False, True), "smtps": (465, True, False)}
"""Scheme -> usual port, TLS from the start, STARTTLS required."""


def smtp_server(url: str) -> SmtpServer:
    """Read TIDEGATE_SMTP_URL. Raises ValueError, which quotes nothing of it since it may hold a password."""
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ValueError("expected a URL that begins with smtp://, smtp+starttls:// or smtps://")
    if not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("expected smtp://[user:password@]host[:port] and nothing after it")
    try:
        checked_host(parts.hostname)
    except ValueError as error:
        raise ValueError(f"found a host that is {error}") from None
    if (parts.username is None) != (parts.password is None):
        raise ValueError("expected both user and password, or neither; escape special characters with %")
    usual_port, use_tls, start_tls = _SCHEMES[parts.scheme]
    try:
        port = parts.port or usual_port
    except ValueError:
        raise ValueError("expected a port between 1 and 65535") from None
    return SmtpServer(
        host=parts.hostname,
        port=port,
        use_tls=use_tls,
        start_tls=start_tls,
        username=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
    )


class SmtpSender:
    """Sends each mail over a connection of its own, so that one bad conversation disturbs no other.

    Whatever its name comes to lead to, an address that the operator has not allowed gets no mail.
    """

    def __init__(
        self,
        server: SmtpServer,
        *,
        our_name: str,
        policy: AddressPolicy,
        step_seconds: float = 20.0,
        send_seconds: float = 90.0,
        resolver: Resolver | None = None,
    ):
        self._server = server
        self._our_name = our_name
        """What we say we are in EHLO; asking the resolver for it could block without a limit."""
        self._step_seconds = step_seconds
        self._send_seconds = send_seconds
        self._reach = Reach(policy, Deadlines(connect_seconds=step_seconds), resolver or SystemResolver())

    async def send(self, message: EmailMessage) -> None:
        """Hand the mail to the server. Raises MailUnavailable, MailRefused."""
        client: aiosmtplib.SMTP | None = None
        try:
            try:
                async with asyncio.timeout(self._send_seconds):
                    dialled = await self._dialled()
                    client = self._client(dialled)
                    with dialled.closed_on_failure():
                        await _connect(client)
                    await _hand_over(client, message)
            except TimeoutError as error:
                raise MailUnavailable(f"the mail server took more than {self._send_seconds:g} seconds") from error
            await _say_goodbye(client)
        finally:
            if client is not None:
                client.close()

    async def _dialled(self) -> Dialled:
        try:
            host = await find(self._server.host, self._server.port, self._reach)
            return await host.dial()
        except AddressRefused as error:
            raise MailUnavailable(
                "the mail server is at an address that is not public: name its network in TIDEGATE_SMTP_NETWORKS"
            ) from error
        except (NameUnresolved, ConnectionLost) as error:
            raise MailUnavailable(f"no session with the mail server: {error.code}") from error

    def _client(self, dialled: Dialled) -> aiosmtplib.SMTP:
        server = self._server
        return aiosmtplib.SMTP(
            # For TLS; the connection is made already.
            hostname=server.host,
            sock=dialled.socket,
            use_tls=server.use_tls,
            start_tls=server.start_tls,
            username=server.username,
            password=server.password,
            local_hostname=self._our_name,
            timeout=self._step_seconds,
        )


async def _connect(client: aiosmtplib.SMTP) -> None:
    # Whatever goes wrong here, a refused login too, is between us and the server: no mail is lost for it.
    try:
        await client.connect()
    except aiosmtplib.SMTPResponseException as error:
        raise MailUnavailable(f"the mail server answered {error.code} before any mail") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailUnavailable(f"no session with the mail server: {type(error).__name__}") from error


async def _hand_over(client: aiosmtplib.SMTP, message: EmailMessage) -> None:
    try:
        await client.send_message(message)
    except aiosmtplib.SMTPRecipientsRefused as error:
        raise _judged(error.recipients[0].code, "the recipient") from error
    except aiosmtplib.SMTPDataError as error:
        raise _judged(error.code, "the mail") from error
    except aiosmtplib.SMTPNotSupported as error:
        raise MailRefused("the mail server cannot write to addresses beyond ASCII (SMTPUTF8)") from error
    except aiosmtplib.SMTPResponseException as error:
        # Our own address refused, for instance: every mail fails until the operator mends it.
        raise MailUnavailable(f"the mail server answered {error.code}") from error
    except (aiosmtplib.SMTPException, OSError) as error:
        raise MailUnavailable(f"the session with the mail server broke: {type(error).__name__}") from error


def _judged(code: int, what: str) -> MailRefused | MailUnavailable:
    """RFC 5321, 4.2.1: 5yz is for good, 4yz is for now."""
    if 500 <= code < 600 and code != _AUTHENTICATION_REQUIRED:
        return MailRefused(f"the mail server refused {what} with {code}")
    return MailUnavailable(f"the mail server put {what} off with {code}")


async def _say_goodbye(client: aiosmtplib.SMTP) -> None:
    # The mail is the server's by now; how the farewell goes changes nothing.
    await asyncio.gather(client.quit(timeout=2.0), return_exceptions=True)


class FolderSender:
    """Writes each mail into a directory as an .eml file, whole or not at all.

    The name is made of the mail's date and Message-ID, so that a mail that leaves twice is one file.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def send(self, message: EmailMessage) -> None:
        """Write the file. Raises MailUnavailable when the directory cannot be written to."""
        try:
            await asyncio.to_thread(self._write, message)
        except OSError as error:
            raise MailUnavailable(f"the directory of mails cannot be written to: {type(error).__name__}") from error

    def _write(self, message: EmailMessage) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        target = self._directory / _file_name(message)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
        with temporary.open("wb") as file:
            file.write(message.as_bytes(policy=SMTP if str(message["To"]).isascii() else SMTPUTF8))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)


def _file_name(message: EmailMessage) -> str:
    date = message["Date"]
    assert isinstance(date, UniqueDateHeader)
    identity = str(message["Message-ID"]).strip("<>").partition("@")[0]
    return f"{date.datetime:%Y%m%dT%H%M%S}_{identity}.eml"
