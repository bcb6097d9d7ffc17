"""Of several who try a connection that trusts the first host key, the first pins one, and all others keep to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import asyncssh
import pytest

from services.poller.answer import answer
from services.poller.look import look
from services.poller.tools import Tools
from shared.domain.connection import ConnectionSettings, Login
from shared.domain.export_goal import ExportProfiles
from shared.domain.place import PartnerPlace, SftpPlace
from shared.storage import connections, goals, inquiries, pinned_keys, samples
from shared.storage.connections import StoredConnection
from shared.transfer.keys import described
from tests.builders import import_goal
from tests.fakes.sessions import FreeSessions
from tests.integration.api.asking import EXPORT_GOAL
from tests.integration.transfer.conftest import PASSWORD, Partner, partner


@dataclass
class Met(FreeSessions):
    """Before a server is dialled something happens; the keys are kept with which it was dialled."""

    before: Callable[[], Awaitable[None]] | None = None
    keys: list[tuple[str, ...]] = field(default_factory=list)

    @asynccontextmanager
    async def held(
        self, place: PartnerPlace, login: Login, *, insists: bool, patience_seconds: float
    ) -> AsyncIterator["Met"]:
        assert isinstance(place, SftpPlace)
        self.keys.append(place.host_keys)
        if self.before is not None:
            await self.before()
        yield self


@dataclass
class Trusting:
    """Connections that trust the first key of a server."""

    tools: Tools
    account_id: UUID
    sessions: Met

    async def connect(self, server: Partner, *, exports: bool = False) -> UUID:
        place = server.place(trust_on_first_use=True)
        async with self.tools.database.account(self.account_id) as tx:
            settings = ConnectionSettings(name="Partner", place=place)
            made = await connections.create(tx, self.tools.keys, settings, {"password": PASSWORD}, email=None)
            goal = ExportProfiles.model_validate(EXPORT_GOAL) if exports else import_goal()
            await goals.create(tx, made.id, goal, email=None)
        return made.id

    async def stored(self, connection_id: UUID) -> StoredConnection:
        async with self.tools.database.account(self.account_id) as tx:
            return await connections.get(tx, connection_id)

    async def answered(self, connection_id: UUID, sample_id: UUID | None = None) -> inquiries.Inquiry:
        async with self.tools.database.account(self.account_id) as tx:
            asked = await inquiries.ask(tx, connection_id, sample_id=sample_id)
        await answer(self.tools, self.account_id, asked)
        async with self.tools.database.account(self.account_id) as tx:
            return await inquiries.get(tx, asked)


@pytest.fixture
def trusting(tools: Tools, account: UUID) -> Trusting:
    sessions = Met()
    return Trusting(
        replace(tools, places=replace(tools.places, sessions=sessions), lease_seconds=30), account, sessions
    )


def _failed(inquiry: inquiries.Inquiry) -> list[str]:
    assert inquiry.answer is not None
    return [f"{step['name']}: {step['code']}" for step in inquiry.answer["steps"] if step["outcome"] == "failed"]


async def test_who_sees_another_key_than_was_pinned_meanwhile_shows_nothing_and_pins_nothing(
    trusting: Trusting, tmp_path: Path
) -> None:
    other = described(asyncssh.generate_private_key("ssh-ed25519")).line

    async with partner(tmp_path) as server:
        looked, tried, sampled = [await trusting.connect(server) for _ in range(3)]

        def pinning(connection_id: UUID) -> Callable[[], Awaitable[None]]:
            async def pin() -> None:
                async with trusting.tools.database.account(trusting.account_id) as tx:
                    await pinned_keys.pin_first_host_key(tx, connection_id, ("127.0.0.1", server.port), other)

            return pin

        trusting.sessions.before = pinning(looked)
        assert await look(trusting.tools, trusting.account_id, looked)
        trusting.sessions.before = pinning(tried)
        assert _failed(await trusting.answered(tried)) == ["host_key: host_key_changed"]
        trusting.sessions.before = pinning(sampled)
        async with trusting.tools.database.account(trusting.account_id) as tx:
            sample = await samples.ask(tx, sampled, "a.csv", 3600)
        await trusting.answered(sampled, sample.id)
        async with trusting.tools.database.account(trusting.account_id) as tx:
            reason = (await samples.get(tx, sample.id)).reason
        assert reason is not None
        assert reason.code == "host_key_changed"
        for connection_id in (looked, tried, sampled):
            place = (await trusting.stored(connection_id)).settings.place
            assert isinstance(place, SftpPlace)
            assert place.host_keys == (other,)
        assert server.logins == []
        # It was pinned by nobody who looked at the server; the next look compares, and stops.
        trusting.sessions.before = None
        assert await look(trusting.tools, trusting.account_id, looked)
    assert (await trusting.stored(looked)).stopped_code == "host_key_changed"


async def test_a_trial_that_comes_back_knows_the_key_that_it_pinned(trusting: Trusting, tmp_path: Path) -> None:
    class Breaking(asyncssh.SFTPServer):
        def write(self, file_obj: object, offset: int, data: bytes) -> int:
            self.channel.get_connection().abort()
            return len(data)

    async with partner(tmp_path, server=Breaking) as server:
        made = await trusting.connect(server, exports=True)
        assert _failed(await trusting.answered(made)) == ["write: connection_lost"]
    assert trusting.sessions.keys == [(), server.lines]


@pytest.mark.parametrize("changed", [{"trust_on_first_use": False}, {"host": "localhost"}])
async def test_a_connection_that_was_changed_meanwhile_gets_no_key_of_what_it_was(
    trusting: Trusting, tmp_path: Path, changed: dict[str, object]
) -> None:
    async with partner(tmp_path) as server:
        made = await trusting.connect(server)

        async def change() -> None:
            place = server.place(**{"trust_on_first_use": True, **changed})
            async with trusting.tools.database.account(trusting.account_id) as tx:
                settings = ConnectionSettings(name="Partner", place=place)
                await connections.update(tx, trusting.tools.keys, made, settings, {})

        trusting.sessions.before = change
        assert await look(trusting.tools, trusting.account_id, made)
        found = await trusting.stored(made)
        assert isinstance(found.settings.place, SftpPlace)
        assert (found.settings.place.host_keys, found.stopped_code, server.logins) == ((), None, [])
