"""What becomes of a connection that was tried: it is stopped or goes on, and what was written to try is gone."""

import asyncio
from collections import Counter
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from services.poller.answer import answer
from services.poller.questions import OF_ONE_ACCOUNT, WAITING_OF_ONE_ACCOUNT, answering
from services.poller.sweep import sweep_once
from services.poller.tools import Tools
from shared.domain.connection import ConnectionSettings
from shared.domain.export_goal import ExportProfiles
from shared.domain.integration import Integration, IntegrationState
from shared.storage import connections, goals, inquiries, integrations, notifications, samples
from shared.storage.database import Database
from tests.builders import import_goal
from tests.eventually import eventually
from tests.integration.api.asking import EXPORT_GOAL
from tests.integration.transfer.conftest import PASSWORD, Partner, partner
from tests.real.database_fixtures import make_account


class _Verifying:
    """A connection to that server, with a goal each way, and a poller that is asked to try it."""

    def __init__(self, database: Database, tools: Tools, account_id: UUID) -> None:
        self.database = database
        self.tools = replace(tools, lease_seconds=30)
        self.account_id = account_id
        self.connection_id = UUID(int=0)

    async def connect(self, server: Partner, password: str) -> None:
        settings = ConnectionSettings(name="Partner", place=server.place(*server.lines))
        secrets: connections.SecretChanges = {"password": password}
        async with self.database.account(self.account_id) as tx:
            if self.connection_id.int:
                await connections.update(tx, self.tools.keys, self.connection_id, settings, secrets)
            else:
                made = await connections.create(tx, self.tools.keys, settings, secrets, email=None)
                self.connection_id = made.id
                await goals.create(tx, made.id, import_goal(), email=None)
                await goals.create(tx, made.id, ExportProfiles.model_validate(EXPORT_GOAL), email=None)

    async def ask(self) -> UUID:
        async with self.database.account(self.account_id) as tx:
            return await inquiries.ask(tx, self.connection_id)

    async def tried(self) -> inquiries.Inquiry:
        asked = await self.ask()
        await answer(self.tools, self.account_id, asked)
        async with self.database.account(self.account_id) as tx:
            return (await inquiries.verifications(tx, [self.connection_id]))[self.connection_id]

    async def state(self, inquiry_id: UUID) -> str:
        async with self.database.account(self.account_id) as tx:
            return (await inquiries.get(tx, inquiry_id)).state

    async def stopped(self) -> str | None:
        async with self.database.account(self.account_id) as tx:
            return (await connections.get(tx, self.connection_id)).stopped_code

    async def told(self) -> list[str]:
        async with self.database.account(self.account_id) as tx:
            chosen = notifications.NotificationFilter()
            return [each.news.code for each in await notifications.page(tx, chosen, 10)]


async def test_a_refused_login_stops_the_connection_and_a_trial_that_works_lets_it_go_on(
    database: Database, tools: Tools, account: UUID, tmp_path: Path
) -> None:
    verifying = _Verifying(database, tools, account)
    async with partner(tmp_path) as server:
        await verifying.connect(server, "wrong")
        found = await verifying.tried()
        assert found.answer is not None
        assert [step["code"] for step in found.answer["steps"] if step["outcome"] == "failed"] == ["login_refused"]
        assert (await verifying.stopped(), await verifying.told()) == ("login_refused", ["login_refused"])
        # Told once, however often a person tries; the password stands nowhere.
        await verifying.tried()
        assert await verifying.told() == ["login_refused"]
        assert "wrong" not in str(found.answer)
        # The server saw it once a trial.
        assert server.logins.count("password") == 2

        await verifying.connect(server, PASSWORD)
        found = await verifying.tried()
        assert found.answer is not None
        assert found.answer["ok"] is True, found.answer
        assert {step["name"] for step in found.answer["steps"]} >= {"list", "write", "read", "replace", "remove"}
        assert await verifying.stopped() is None
        assert list(tmp_path.iterdir()) == []


async def test_what_a_poller_that_died_left_of_a_trial_is_removed_by_the_one_that_answers(
    database: Database, tools: Tools, account: UUID, tmp_path: Path
) -> None:
    verifying = _Verifying(database, tools, account)
    async with partner(tmp_path) as server:
        await verifying.connect(server, PASSWORD)
        asked = await verifying.ask()
        (tmp_path / f".tidegate-{asked.hex}.part").write_text("half")
        await answer(verifying.tools, account, asked)
    assert list(tmp_path.iterdir()) == []


async def test_what_is_paused_when_its_turn_comes_is_left_alone(
    database: Database, tools: Tools, account: UUID, tmp_path: Path
) -> None:
    verifying = _Verifying(database, tools, account)
    async with partner(tmp_path) as server:
        await verifying.connect(server, PASSWORD)
        tried = await verifying.ask()
        async with database.account(account) as tx:
            sample = await samples.ask(tx, verifying.connection_id, "a.csv", 60)
            fetched = await inquiries.ask(tx, verifying.connection_id, sample_id=sample.id)
            await integrations.hold(tx, Integration.PARTNER_SERVERS)
            await integrations.change(tx, Integration.PARTNER_SERVERS, IntegrationState.PAUSED)
        for each in (tried, fetched):
            await answer(verifying.tools, account, each)
        assert server.logins == []
    async with database.account(account) as tx:
        told = [(await inquiries.get(tx, each)).answer for each in (tried, fetched)]
        failed = await samples.get(tx, sample.id)
    assert [each and each["reason"]["code"] for each in told] == ["integration_off"] * 2
    assert failed.reason is not None
    assert (failed.state, failed.reason.code) == ("failed", "integration_off")


async def test_a_question_that_nobody_answers_says_so(database: Database, tools: Tools, account: UUID) -> None:
    """A client that waits for it must come to an end; what somebody is at, and what is new, is left to them."""
    verifying = _Verifying(database, tools, account)
    await verifying.connect(Partner(1, [], []), PASSWORD)
    lost, in_hand = await verifying.ask(), await verifying.ask()
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.inquiries SET asked_at = now() - interval '16 minutes'")
        await inquiries.take(tx, in_hand, 30)
    new = await verifying.ask()
    await sweep_once(tools)
    assert [await verifying.state(each) for each in (lost, in_hand, new)] == ["answered", "taken", "asked"]
    async with database.account(account) as tx:
        told = (await inquiries.get(tx, lost)).answer
        assert not await inquiries.answer(tx, lost, {"ok": True, "steps": []})
    assert told is not None
    assert (told["ok"], told["reason"]["code"]) == (False, "not_answered")


async def test_servers_that_hang_hold_up_no_other_question_and_no_account_takes_all_the_room(
    database: Database, tools: Tools, account: UUID, tmp_path: Path
) -> None:
    verifying = _Verifying(database, tools, account)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.append(writer)

    met: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    hanging = Partner(server.sockets[0].getsockname()[1], [], [])
    other_id = await make_account(database)
    other = _Verifying(database, tools, other_id)
    async with server, partner(tmp_path) as well, answering(verifying.tools) as questions:
        await verifying.connect(hanging, PASSWORD)
        await other.connect(well, PASSWORD)
        for _ in range(WAITING_OF_ONE_ACCOUNT + 15):
            await questions.hear(account, await verifying.ask())
        assert len(questions._tasks) == WAITING_OF_ONE_ACCOUNT
        asked = await other.ask()
        for account_id in (account, other_id):
            async with database.account(account_id) as tx:
                await tx.connection.execute("UPDATE tidegate.inquiries SET asked_at = asked_at - interval '1 minute'")
        async with database.watching() as watch:
            rung = await inquiries.unheard(watch, 5, 21, of_one_account=20)
        # What is put off is rung again beside what waits, and leaves room for others.
        assert Counter(account_id for account_id, _ in rung) == {account: 20, other_id: 1}
        for _ in range(2):
            await questions.hear(other_id, asked)

        async def is_answered() -> bool:
            return await other.state(asked) == "answered"

        await eventually(is_answered, "the answer of the other account")
        await eventually(lambda: len(met) == OF_ONE_ACCOUNT, "as many as an account may ask at once")
    assert well.logins.count("password") == 1
    for writer in met:
        writer.transport.abort()
