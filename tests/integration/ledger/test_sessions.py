"""Sessions on partners' hosts as workers share them: never more than may be, in turn, and free again after a crash."""

import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from shared.domain.connection import Login
from shared.domain.failures import HostBusy, LoginCutOff, LoginRefused
from shared.domain.place import SftpPlace
from shared.observe.metrics import Metrics
from shared.runtime.sessions import WAITING_SECONDS, HeldSession, SharedSessions
from shared.storage.database import Database, DatabaseAddress
from shared.storage.secrets import KeyRing
from tests.eventually import eventually
from tests.integration.ledger.session_holder import LEASE_SECONDS

LOGIN = Login(password="x")


@dataclass(frozen=True)
class Worker:
    """Sessions of one worker, with as much patience."""

    sessions: SharedSessions
    patience_seconds: float

    def held(self, place: SftpPlace, login: Login, *, insists: bool) -> AbstractAsyncContextManager[HeldSession]:
        return self.sessions.held(place, login, insists=insists, patience_seconds=self.patience_seconds)


MakeWorker = Callable[..., Worker]


def place(host: str = "files.partner.example", user: str = "shop", **more: int) -> SftpPlace:
    return SftpPlace(transport="sftp", host=host, username=user, **more)  # type: ignore[arg-type]  # checked by the model


@pytest.fixture
def worker(database: Database) -> MakeWorker:
    """Makes workers that know nothing of each other but through the database.

    They have patience: who is kept waiting wrongly is for as long as the test lasts.
    """

    def make(per_host: int = 2, patience_seconds: float = 30, lease_seconds: float = 30) -> Worker:
        ring, metrics = KeyRing((bytes(32),)), Metrics()
        sessions = SharedSessions(database, ring, metrics, per_host=per_host, lease_seconds=lease_seconds)
        return Worker(sessions, patience_seconds)

    return make


async def try_here(
    worker: Worker, login: Login, where: SftpPlace, *, insists: bool = False, failure: Exception | None = None
) -> None:
    """One session, in which the login is accepted, or which ends with a failure."""
    async with worker.held(where, login, insists=insists) as session:
        if failure is not None:
            raise failure
        await session.logged_in()


async def try_once(worker: Worker, login: Login = LOGIN, where: SftpPlace | None = None, **more: Any) -> None:
    """The same in a task of its own: nobody who holds a session may want another."""
    await asyncio.create_task(try_here(worker, login, where or place(), **more))


async def test_all_workers_together_never_have_more_than_may_be(worker: MakeWorker) -> None:
    workers = [worker(3) for _ in range(3)]
    now: dict[str, int] = {}
    most: dict[str, int] = {}
    await try_once(workers[0], where=place("one.example"))
    await try_once(workers[0], where=place("two.example"))

    async def work(number: int) -> None:
        host = ("one.example", "TWO.example")[number % 2]
        async with workers[number % 3].held(place(host), LOGIN, insists=False):
            now[host] = now.get(host, 0) + 1
            most[host] = max(most.get(host, 0), now[host])
            await asyncio.sleep(0.03)
            now[host] -= 1

    await asyncio.gather(*(work(number) for number in range(48)))
    assert max(most.values()) <= 3
    assert most.keys() == {"one.example", "TWO.example"}


async def _standing(database: Database, wanted: int) -> bool:
    async with database.watching() as watch:
        found = await watch.connection.fetchval("SELECT count(*) FROM tidegate.host_sessions WHERE NOT is_held")
    return bool(found == wanted)


async def _having(database: Database, wanted: int) -> bool:
    async with database.watching() as watch:
        found = await watch.connection.fetchval("SELECT count(*) FROM tidegate.host_sessions WHERE is_held")
    return bool(found == wanted)


async def test_who_asked_first_is_served_first_whichever_worker_it_is(worker: MakeWorker, database: Database) -> None:
    await try_once(first := worker(1))
    served: list[int] = []

    async def work(number: int, asks: Worker) -> None:
        async with asks.held(place(), LOGIN, insists=False):
            served.append(number)

    waiting = []
    async with first.held(place(), LOGIN, insists=False):
        for number in range(4):
            waiting.append(asyncio.create_task(work(number, worker(1))))
            await eventually(lambda wanted=number + 1: _standing(database, wanted), "the worker to stand in line")
        assert served == []
    await asyncio.gather(*waiting)
    assert served == [0, 1, 2, 3]


async def test_a_place_may_say_fewer_and_keeps_no_other_waiting(worker: MakeWorker, database: Database) -> None:
    await try_once(mine := worker(3))
    narrow = place(max_sessions=1)
    async with mine.held(place(), LOGIN, insists=False):
        with pytest.raises(HostBusy) as caught:
            await try_once(worker(3, patience_seconds=0.3), where=narrow)
        waiting = asyncio.create_task(try_once(worker(3), where=narrow))
        await eventually(lambda: _standing(database, 1), "the worker to stand in line")
        await try_once(worker(3))
        assert not waiting.done()
    await waiting
    assert caught.value.code == "host_busy"
    assert "files.partner.example:22" in caught.value.detail


async def test_who_waits_for_what_others_do_not_want_keeps_none_of_its_worker_waiting(
    worker: MakeWorker, database: Database
) -> None:
    await try_once(mine := worker(3))
    untried, narrow, done = Login(password="untried"), place(max_sessions=1), asyncio.Event()

    async def holding(login: Login) -> None:
        async with mine.held(place(), login, insists=False):
            await done.wait()

    tasks = [asyncio.create_task(holding(login)) for login in (LOGIN, untried)]
    await eventually(lambda: _having(database, 2), "two sessions to be held")
    waiting = [
        asyncio.create_task(try_once(mine, where=narrow)),
        asyncio.create_task(try_once(mine, untried)),
    ]
    await eventually(lambda: _standing(database, 2), "two to stand in line")
    await try_once(mine)
    await try_once(worker(3))
    assert not any(task.done() for task in waiting)
    done.set()
    await asyncio.gather(*tasks, *waiting)


async def test_who_waits_in_vain_leaves_the_line(worker: MakeWorker) -> None:
    await try_once(mine := worker(1))
    async with mine.held(place(), LOGIN, insists=False):
        with pytest.raises(HostBusy):
            await try_once(worker(1, patience_seconds=0.2))
    # Sooner than its place would run out.
    await try_once(worker(1, patience_seconds=0.8 * WAITING_SECONDS))


async def test_a_session_that_lasts_is_kept(worker: MakeWorker, database: Database) -> None:
    await try_once(mine := worker(1, lease_seconds=2))
    async with mine.held(place(), LOGIN, insists=False):
        async with database.watching() as watch:
            until = await watch.connection.fetchval("SELECT expires_at FROM tidegate.host_sessions")

        async def has_run_out() -> bool:
            async with database.watching() as watch:
                return bool(await watch.connection.fetchval("SELECT clock_timestamp() > $1", until))

        await eventually(has_run_out, "the end of what it was taken for")
        with pytest.raises(HostBusy):
            await try_once(worker(1, patience_seconds=0.1))


async def test_the_sessions_of_a_worker_that_is_killed_are_free_again_soon(
    worker: MakeWorker, database_address: DatabaseAddress
) -> None:
    command = [sys.executable, "-m", "tests.integration.ledger.session_holder"]
    urls = (database_address.service_url, database_address.watch_url)
    other = await asyncio.create_subprocess_exec(
        *command, *urls, "files.partner.example", stdout=asyncio.subprocess.PIPE
    )
    assert other.stdout is not None
    async with asyncio.timeout(30):
        assert [await other.stdout.readline() for _ in range(2)] == [b"held\n"] * 2
    with pytest.raises(HostBusy):
        await try_once(worker(2, patience_seconds=1.5 * LEASE_SECONDS))
    other.kill()
    await other.wait()
    await try_once(worker(2, patience_seconds=3 * LEASE_SECONDS))


async def test_who_holds_a_session_cannot_wait_for_another(worker: MakeWorker) -> None:
    mine = worker()
    async with mine.held(place(), LOGIN, insists=False):
        with pytest.raises(RuntimeError):
            await try_here(mine, LOGIN, place("elsewhere.example"))
    await try_here(mine, LOGIN, place())


async def test_a_refused_login_is_tried_by_nobody_else_until_a_person_insists(worker: MakeWorker) -> None:
    with pytest.raises(LoginRefused, match="first"):
        await try_once(worker(), failure=LoginRefused("first"))
    for insists in (False, True):
        with pytest.raises(LoginRefused, match=r"Not tried: files\.partner\.example:22 refused"):
            await try_once(worker(), insists=insists)
    for other in (Login(password="y"), Login(password="x", private_key="k")):
        await try_once(worker(), other)
    await try_once(worker(), where=place(user="another"))


async def test_who_insists_tries_again_after_a_minute_and_success_clears_it(
    worker: MakeWorker, database: Database
) -> None:
    with pytest.raises(LoginRefused):
        await try_once(worker(), failure=LoginRefused())
    async with database.watching() as watch:
        await watch.connection.execute("UPDATE tidegate.partner_logins SET refused_at = now() - interval '61 s'")
    with pytest.raises(LoginRefused, match="Not tried"):
        await try_once(worker())
    await try_once(worker(), insists=True)
    await try_once(worker())


async def test_a_login_that_was_never_accepted_is_tried_in_one_session_at_a_time(worker: MakeWorker) -> None:
    tried: list[int] = []

    async def work(number: int) -> None:
        async with worker(8).held(place(), LOGIN, insists=False):
            tried.append(number)
            await asyncio.sleep(0.05)
            raise LoginRefused("wrong")

    outcomes = await asyncio.gather(*(work(number) for number in range(10)), return_exceptions=True)
    assert [type(each) for each in outcomes] == [LoginRefused] * 10
    assert len(tried) == 1


async def test_a_server_that_asks_for_no_login_keeps_nobody_waiting_or_out_and_makes_none_good(
    worker: MakeWorker, database: Database
) -> None:
    async with worker(3).held(place(), LOGIN, insists=False) as session:
        await session.let_in()
        await try_once(worker(3))
    other = Login(password="refused")
    with pytest.raises(LoginRefused):
        await try_once(worker(), other, failure=LoginRefused())
    await _a_minute_later(database)

    async def let_in() -> None:
        async with worker().held(place(), other, insists=True) as session:
            await session.let_in()

    await asyncio.create_task(let_in())
    async with worker(3).held(place(), other, insists=False):
        with pytest.raises(HostBusy):  # it is being tried, and may be wrong
            await try_once(worker(3, patience_seconds=0.2), other)


async def test_a_server_that_hangs_up_over_a_login_again_after_a_minute_has_refused_it(
    worker: MakeWorker, database: Database
) -> None:
    for _ in range(3):  # one event may end several sessions
        with pytest.raises(LoginCutOff):
            await try_once(worker(), failure=LoginCutOff("It closed the connection."))
    await _a_minute_later(database)
    with pytest.raises(LoginRefused, match="twice"):
        await try_once(worker(), failure=LoginCutOff("It closed the connection."))
    with pytest.raises(LoginRefused, match="Not tried"):
        await try_once(worker())


async def test_a_login_that_was_refused_stays_so_when_the_server_hangs_up_over_another_trial(
    worker: MakeWorker, database: Database
) -> None:
    with pytest.raises(LoginRefused):
        await try_once(worker(), failure=LoginRefused())
    await _a_minute_later(database)
    # It may be mended, and the server be restarting: hanging up once is no refusal.
    with pytest.raises(LoginCutOff):
        await try_once(worker(), insists=True, failure=LoginCutOff("It closed the connection."))
    with pytest.raises(LoginRefused, match="Not tried"):
        await try_once(worker())


async def _a_minute_later(database: Database) -> None:
    async with database.watching() as watch:
        await watch.connection.execute(
            "UPDATE tidegate.partner_logins"
            " SET cut_off_at = cut_off_at - interval '61 s', refused_at = refused_at - interval '61 s'"
        )


async def test_a_login_that_works_in_between_forgives_a_server_that_hung_up(
    worker: MakeWorker, database: Database
) -> None:
    for _ in range(2):
        with pytest.raises(LoginCutOff):
            await try_once(worker(), failure=LoginCutOff())
        await _a_minute_later(database)
        await try_once(worker())


async def test_what_is_remembered_leads_back_to_no_host_user_or_password(
    worker: MakeWorker, database: Database
) -> None:
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(worker().held(place(), Login(password="x"), insists=False))
        await session.logged_in()
        async with database.watching() as watch:
            kept = [
                bytes(value)
                for table in ("host_sessions", "partner_logins")
                for row in await watch.connection.fetch(f"SELECT * FROM tidegate.{table}")
                for value in row.values()
                if isinstance(value, bytes)
            ]
    assert [len(each) for each in kept] == [32] * 3
