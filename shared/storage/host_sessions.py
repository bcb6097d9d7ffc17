"""Sessions on partners' servers as all workers share them, and how logins went there.

Writes `host_sessions` and `partner_logins`, through the watching role: hosts and logins are no account's, and are known
by hashes alone. A session runs out by itself where its worker died. Nothing here waits.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage.database import Database


@dataclass(frozen=True, slots=True)
class Ticket:
    """One session that is wanted or held: of which host, for which login, and how many that host may have."""

    id: UUID
    host_key: bytes
    login_key: bytes
    most: int


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of asking: whether the session is ours, and what is known of the login."""

    is_held: bool
    is_barred: bool
    """The login was refused, and is not to be tried again now."""
    refused_at: datetime | None
    succeeded_at: datetime | None


async def take(
    database: Database, ticket: Ticket, *, insists: bool, held_seconds: float, waiting_seconds: float
) -> Turn:
    """Take a session, or a place in line, for so long each. Asking again keeps the place."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.lock", int.from_bytes(ticket.host_key[:8], signed=True))
        row = await watch.row(
            "host_sessions.take",
            ticket.id,
            ticket.host_key,
            ticket.most,
            ticket.login_key,
            held_seconds,
            waiting_seconds,
            insists,
        )
    assert row is not None
    return Turn(**dict(row))


async def keep(database: Database, ticket: Ticket, seconds: float) -> None:
    """The session goes on for so long."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.keep", ticket.id, ticket.host_key, ticket.login_key, ticket.most, seconds)


async def let_in(database: Database, ticket: Ticket) -> None:
    """The session goes on without the login having been tried; that it was refused once stands in nobody's way."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.let_in", ticket.id)
        await watch.execute("host_sessions.unasked", ticket.login_key)


async def give_back(database: Database, ticket: Ticket) -> None:
    """The session is over, or no longer wanted."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.give_back", ticket.id)


async def forget(database: Database) -> None:
    """Free every session: only for who knows that no other process lives."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.forget")


# Logins.


async def succeeded(database: Database, login_key: bytes) -> None:
    """The server accepted the login."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.succeeded", login_key)


async def refused(database: Database, login_key: bytes) -> None:
    """The server refused the login."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.refused", login_key)


async def cut_off(database: Database, login_key: bytes) -> bool:
    """The server hung up over the login; whether that counts as a refusal, because it was not the first time."""
    async with database.watching() as watch:
        return bool(await watch.value("host_sessions.cut_off", login_key))


async def forget_logins(database: Database) -> None:
    """Forget logins of which nothing was told for thirty days."""
    async with database.watching() as watch:
        await watch.execute("host_sessions.forget_logins")
