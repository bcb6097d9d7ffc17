"""What a run owes its sender is brought until it lies there, to a real server too, and given up loudly in the end."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from services.importer.give_back import MOST_ATTEMPTS, give_back
from services.importer.tools import Tools
from services.importer.wiring import tools_of
from shared.contracts.runs import ReturnRequested
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.connection import ConnectionSettings
from shared.domain.place import SftpPlace
from shared.domain.receipt import Counts, FileFacts, Receipt
from shared.domain.reject import Reject, RejectCode
from shared.domain.run import RunState
from shared.runtime.service import Base
from shared.storage import (
    arrivals,
    claims,
    connections,
    ending,
    goals,
    notifications,
    outbox,
    rejects,
    removal,
    returns,
    runs,
)
from tests.integration.road.place import goal
from tests.real.openssh import PrivateOpenSSH
from tests.real.ports import free_port

REJECT = Reject(record_number=1, line_number=2, code=RejectCode.NOT_AN_EMAIL, field="email", raw=("canary", "x"))


class Debtor:
    """A run that has ended with a reject, at a partner's place."""

    def __init__(self, base: Base, account_id: UUID, work: Path) -> None:
        self.base, self.account_id = base, account_id
        self.tools: Tools = tools_of(base, work)
        self.connection_id = self.run_id = uuid4()

    async def owe(self, place: SftpPlace, private_key: str | None = None) -> None:
        """The run is over, and its return asked for."""
        async with self.base.database.account(self.account_id) as tx:
            settings = ConnectionSettings(name="Partner", place=place)
            secrets = {} if private_key is None else {"private_key": private_key}
            made = await connections.create(tx, self.base.keys, settings, secrets, email=None)  # type: ignore[arg-type] # a name of a secret
            self.connection_id = made.id
            stored = await goals.create(tx, made.id, goal(rejects={"return_to": "back/rejected"}), email=None)
            at = datetime.now(UTC)
            file = FileStamp("contacts.csv", 10, at)
            seen = arrivals.Sighting(file, arrivals.Explained(ArrivalState.ACCEPTED))
            [arrival_id] = await arrivals.insert(tx, made.id, [seen])
            await runs.create(tx, runs.NewRun("import", stored.id, at, file.path, arrival_id=arrival_id))
        run = await claims.claim(self.base.database, "import", "tests")
        assert run is not None
        self.run_id = run.id
        receipt = Receipt(
            **Counts(rows_read=1, rejected=1, rejects_by_code={"not_an_email": 1}).model_dump(),
            run_id=run.id,
            goal_id=run.goal_id,
            goal_version=run.goal_version,
            state=RunState.COMPLETED_WITH_REJECTS,
            file=FileFacts(name=file.path, size_bytes=10, columns=("email", "name")),
            queued_at=run.queued_at,
            finished_at=at,
        )
        async with self.base.database.account(self.account_id) as tx:
            await rejects.add(tx, run, [REJECT])
            await ending.end(tx, run, "import", receipt)
        await ending.release(self.base.database, run)

    async def give_back(self) -> tuple[str, list[str], str | None]:
        """An importer hears of it; how it stands then: state, files, code."""
        about = {"message_id": uuid4(), "occurred_at": datetime.now(UTC), "account_id": self.account_id}
        await give_back(self.tools, ReturnRequested(**about, run_id=self.run_id))
        async with self.base.database.account(self.account_id) as tx:
            run = await runs.get(tx, self.run_id)
        assert run is not None
        return run["return_state"], run["return_files"], run["return_reason_code"]

    async def wait_no_longer(self, attempts: int) -> None:
        """So many attempts were made, and the pause is over."""
        text = "UPDATE tidegate.run_returns SET attempt = $1, held_until = NULL WHERE run_id = $2"
        async with self.base.database.account(self.account_id) as tx:
            await tx.connection.execute(text, attempts, self.run_id)

    async def unreturned(self) -> list[UUID]:
        """What the sweeper would ring for."""
        async with self.base.database.watching() as watch:
            return [run_id for _, run_id in await returns.unreturned(watch, 0)]

    async def told(self) -> list[str]:
        """The codes of all notifications."""
        async with self.base.database.account(self.account_id) as tx:
            return [each.news.code for each in await notifications.page(tx, notifications.NotificationFilter(), 10)]


@pytest.fixture
def debtor(base: Base, account: UUID, tmp_path: Path) -> Debtor:
    """Somebody who owes."""
    return Debtor(base, account, tmp_path / "workplace")


async def test_a_place_that_does_not_answer_is_tried_again_later_and_given_up_in_the_end(debtor: Debtor) -> None:
    await debtor.owe(SftpPlace(transport="sftp", host="127.0.0.1", port=free_port(), username="partner"))
    async with debtor.base.database.watching() as watch:
        names = [name for _, _, name, _ in await outbox.unsent(watch, 100)]
    assert names.count("return.requested.v1") == 1
    assert await debtor.unreturned() == [debtor.run_id]
    assert await debtor.give_back() == ("asked", [], "connection_lost")
    assert await debtor.unreturned() == []
    assert await debtor.give_back() == ("asked", [], "connection_lost")
    assert await debtor.told() == []
    await debtor.wait_no_longer(MOST_ATTEMPTS - 1)
    assert await debtor.unreturned() == [debtor.run_id]
    assert await debtor.give_back() == ("failed", [], "connection_lost")
    assert await debtor.told() == ["rejects_not_returned"]
    assert await debtor.unreturned() == []


async def test_what_the_goal_puts_back_no_longer_is_given_up(debtor: Debtor) -> None:
    await debtor.owe(SftpPlace(transport="sftp", host="127.0.0.1", port=free_port(), username="partner"))
    async with debtor.base.database.account(debtor.account_id) as tx:
        await tx.connection.execute("UPDATE tidegate.goal_versions SET settings = settings - 'rejects'")
    assert await debtor.give_back() == ("failed", [], "invalid_goal")
    assert await debtor.told() == ["rejects_not_returned"]


async def test_nothing_is_owed_any_more_at_a_connection_that_is_deleted(debtor: Debtor) -> None:
    await debtor.owe(SftpPlace(transport="sftp", host="127.0.0.1", port=free_port(), username="partner"))
    async with debtor.base.database.account(debtor.account_id) as tx:
        await removal.remove_connection(tx, debtor.connection_id)
    assert await debtor.give_back() == ("failed", [], "connection_deleted")


async def test_on_openssh_a_repeat_replaces_its_own_files_and_no_others(
    debtor: Debtor, openssh_server: PrivateOpenSSH
) -> None:
    home = f"owed-{uuid4().hex[:8]}"
    openssh_server.put(f"{home}/back/rejected/contacts.csv.ack", b"another run's")
    place = SftpPlace(
        transport="sftp",
        host=openssh_server.host,
        port=openssh_server.port,
        username=openssh_server.username,
        home_directory=home,
        host_keys=tuple(openssh_server.host_keys()),
    )
    await debtor.owe(place, openssh_server.client_key.read_text())
    stem = f"contacts.csv.{debtor.run_id.hex[:8]}"
    names = [f"{stem}.rejects.csv", f"{stem}.ack"]
    for _ in range(2):
        assert await debtor.give_back() == ("returned", [f"back/rejected/{name}" for name in names], None)
        lying = {file.name: file.read_bytes() for file in (openssh_server.drop / home / "back/rejected").iterdir()}
        assert sorted(lying) == sorted([*names, "contacts.csv.ack"])
        assert lying["contacts.csv.ack"] == b"another run's"
        assert lying[names[0]].startswith(b"email,name,_row,_code,_field,_message,_run\ncanary,x,2,not_an_email,")
        assert json.loads(lying[names[1]])["rejects_file"] == names[0]
        async with debtor.base.database.account(debtor.account_id) as tx:
            await returns.ask(tx, debtor.run_id)
