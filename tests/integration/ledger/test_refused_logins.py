"""A refused login is shown to the server once, stops every connection that uses it, and one verify mends them all."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from services.poller.answer import answer
from services.poller.look import look
from services.poller.tools import Tools
from shared.domain.connection import ConnectionSettings
from shared.domain.failures import HostBusy
from shared.domain.place import SftpPlace
from shared.observe.metrics import Metrics
from shared.runtime.sessions import SharedSessions
from shared.storage import connections, goals, inquiries
from shared.storage.connections import SecretChanges, StoredConnection
from shared.storage.database import Database
from tests.builders import import_goal
from tests.fakes.sessions import FreeSessions
from tests.integration.transfer.conftest import PASSWORD, partner
from tests.real.openssh import PrivateOpenSSH


async def test_a_refused_login_is_shown_once_stops_all_that_use_it_and_one_verify_mends_them(
    tools: Tools, database: Database, account: UUID, own_openssh: Callable[..., PrivateOpenSSH]
) -> None:
    server = own_openssh()
    if server.password is None:
        pytest.skip("the account that runs the tests has no password of ours")
    tools = _sharing(tools)
    logins: list[SecretChanges] = [{"password": "wrong one"}] * 3 + [{"password": "another wrong one"}]
    made = [await _connection(tools, account, server, login) for login in logins]

    for connection_id in made:
        assert await look(tools, account, connection_id)
    stopped = [await _of(database, account, each) for each in made]
    assert [each.stopped_code for each in stopped] == ["login_refused"] * 4
    assert ["Not tried" in (each.stopped_detail or "") for each in stopped] == [False, True, True, False]
    assert server.log.read_text().count("Failed password") == 2

    # The partner sets the password that we have; a person verifies one of the connections.
    server.set_password("wrong one")
    async with database.watching() as watch:
        await watch.connection.execute("UPDATE tidegate.partner_logins SET refused_at = now() - interval '61 s'")
    async with database.account(account) as tx:
        asked = await inquiries.ask(tx, made[1])
    await answer(tools, account, asked)
    mended = [(await _of(database, account, each)).stopped_code for each in made]
    assert mended == [None, None, None, "login_refused"]


async def test_a_login_that_was_corrected_is_tried_at_once(
    tools: Tools, database: Database, account: UUID, tmp_path: Path
) -> None:
    tools = _sharing(tools)
    made = UUID(int=0)

    async def tried() -> str:
        async with database.account(account) as tx:
            asked = await inquiries.ask(tx, made)
        await answer(tools, account, asked)
        async with database.account(account) as tx:
            found = (await inquiries.get(tx, asked)).answer
        assert found is not None
        return " ".join(step["detail"] for step in found["steps"] if step["name"] == "login")

    async def correct(password: str, **place: object) -> None:
        async with database.account(account) as tx:
            changed = ConnectionSettings(name="Partner", place=server.place(*server.lines, **place))
            await connections.update(tx, tools.keys, made, changed, {"password": password})

    async with partner(tmp_path) as server:
        settings = ConnectionSettings(name="Partner", place=server.place(*server.lines))
        async with database.account(account) as tx:
            made = (await connections.create(tx, tools.keys, settings, {"password": "wrong"}, email=None)).id
        assert "Tried a password" in await tried()
        assert "a minute later" in await tried()
        await correct("wrong", username="another")
        assert "Tried a password" in await tried()
        await correct(PASSWORD, username="another")
        assert await tried() == ""
    assert server.logins.count("password") == 3


async def test_a_host_that_is_busy_with_us_backs_no_connection_off(
    tools: Tools, database: Database, account: UUID
) -> None:
    tools = replace(tools, places=replace(tools.places, sessions=FreeSessions(failure=HostBusy())), lease_seconds=30)
    async with database.account(account) as tx:
        place = SftpPlace(transport="sftp", host="127.0.0.1", username="shop")
        settings = ConnectionSettings(name="Partner", place=place)
        made = (await connections.create(tx, tools.keys, settings, {"password": "x"}, email=None)).id
        await goals.create(tx, made, import_goal(), email=None)
    for _ in range(2):
        async with database.account(account) as tx:
            await connections.look_now(tx, made)
        assert await look(tools, account, made)
        found = await _of(database, account, made)
        assert (found.failures_in_a_row, found.stopped_code) == (0, None)
        left = found.next_look_at - datetime.now(UTC)
        assert 0 < left.total_seconds() <= found.settings.interval_seconds


def _sharing(tools: Tools) -> Tools:
    """A poller that keeps count of sessions and remembers refused logins."""
    sessions = SharedSessions(tools.database, tools.keys, Metrics(), per_host=8, lease_seconds=30)
    return replace(tools, places=replace(tools.places, sessions=sessions), lease_seconds=30)


async def _connection(tools: Tools, account: UUID, server: PrivateOpenSSH, login: SecretChanges) -> UUID:
    place = SftpPlace(
        transport="sftp",
        host=server.host,
        port=server.port,
        username=server.username,
        host_keys=tuple(server.host_keys()),
    )
    async with tools.database.account(account) as tx:
        settings = ConnectionSettings(name="Partner", place=place)
        made = await connections.create(tx, tools.keys, settings, login, email=None)
        await goals.create(tx, made.id, import_goal(), email=None)
    return made.id


async def _of(database: Database, account: UUID, connection_id: UUID) -> StoredConnection:
    async with database.account(account) as tx:
        return await connections.get(tx, connection_id)
