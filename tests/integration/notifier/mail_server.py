"""A real SMTP server on loopback, in the test's own loop, that refuses and falls silent when told to."""

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import default

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """What a mail server does and what it has taken. Replies are used up one by one; without any it says 250."""

    host: str = "127.0.0.1"
    port: int = 0
    login: tuple[bytes, bytes] | None = None
    recipient_replies: dict[str, list[str]] = field(default_factory=dict)
    data_replies: dict[str, list[str]] = field(default_factory=dict)
    silent_for: set[str] = field(default_factory=set)
    """Recipients whose mail is taken in and then not answered."""
    taken: list[tuple[str, EmailMessage]] = field(default_factory=list)
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the server has fallen silent."""
    hangs_up: asyncio.Event = field(default_factory=asyncio.Event)
    """To be set where it ends the connections on which it has fallen silent."""
    conversations: int = 0

    def to(self, recipient: str) -> list[EmailMessage]:
        """The mails taken for one recipient."""
        return [message for to, message in self.taken if to == recipient]

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        self.conversations += 1
        return responses

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        reply = self._next(self.recipient_replies, address)
        if reply.startswith("250"):
            envelope.rcpt_tos.append(address)
        return reply

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        [recipient] = envelope.rcpt_tos
        if recipient in self.silent_for:
            self.silent.set()
            await self.hangs_up.wait()
            server.transport.abort()
        reply = self._next(self.data_replies, recipient)
        if reply.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = email.message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.taken.append((recipient, message))
        return reply

    @staticmethod
    def _next(replies: dict[str, list[str]], recipient: str) -> str:
        left = replies.get(recipient, [])
        return left.pop(0) if left else "250 OK"

    def check(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
        good = isinstance(given, LoginPassword) and (given.login, given.password) == self.login
        return AuthResult(success=good, handled=False)


@asynccontextmanager
async def serving(mailbox: Mailbox) -> AsyncIterator[Mailbox]:
    """Serve while inside, on the mailbox's port; the first time the system chooses it."""
    loop = asyncio.get_running_loop()
    sessions: list[SMTP] = []

    def session() -> SMTP:
        sessions.append(
            SMTP(
                mailbox,
                hostname="mail.test",
                enable_SMTPUTF8=True,
                loop=loop,
                authenticator=mailbox.check if mailbox.login else None,
                auth_required=mailbox.login is not None,
                auth_require_tls=False,
            )
        )
        return sessions[-1]

    server = await loop.create_server(session, mailbox.host, mailbox.port)
    mailbox.port = server.sockets[0].getsockname()[1]
    try:
        yield mailbox
    finally:
        server.close()
        handlers = [each._handler_coroutine for each in sessions if each._handler_coroutine is not None]
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()
