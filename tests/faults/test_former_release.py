"""The release before and this one side by side, for real: on one database of the new schema and one broker.

The release before is checked out beside the tests, so the case wants a clone that holds its commit. What is recorded of
that release is proved without a checkout in tests/contracts/test_upgrades.py.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance import process
from tests.acceptance.conftest import make_operator_key, own_system
from tests.acceptance.ledger import assert_invariants, open_ledger
from tests.acceptance.shop import content_of, open_shop, people
from tests.acceptance.system import System
from tests.faults.report import Table
from tests.real.postgres import PrivatePostgres
from tests.real.rabbitmq import RabbitServer

ROOT = Path(__file__).parents[2]
RELEASED = ROOT / "tests/contracts/released"
"""A folder a release, called by its version and its commit."""
PEOPLE = 50
FILES = 6


@pytest.fixture
def former(tmp_path: Path) -> Iterator[Path]:
    """The release before, checked out."""
    commit = max(RELEASED.iterdir()).name.rpartition("-")[2]
    if _git("cat-file", "-e", f"{commit}^{{commit}}").returncode:
        pytest.skip(f"this clone does not hold {commit}, the release before")
    place = tmp_path / "former"
    _git("worktree", "add", "--detach", str(place), commit).check_returncode()
    try:
        yield place
    finally:
        _git("worktree", "remove", "--force", str(place)).check_returncode()


def _git(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["git", "-C", ROOT, *arguments], capture_output=True, text=True, check=False)


@contextmanager
def _run_from(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is started inside is that checkout's."""
    with monkeypatch.context() as patched:
        patched.setattr(process, "ROOT", checkout)
        yield


@pytest.fixture
def empty_system(postgres_server: PrivatePostgres, template_database: str, rabbitmq: RabbitServer) -> Iterator[System]:
    """A system of which nothing runs."""
    with own_system(postgres_server, template_database, rabbitmq) as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_both_releases_work_side_by_side_and_the_old_one_is_rolled_out(
    empty_system: System, former: Path, monkeypatch: pytest.MonkeyPatch, faults_table: Table
) -> None:
    system = empty_system
    with _run_from(former, monkeypatch):
        old = system.start("api", "dropserver", "notifier", "importer", "exporter")
    system.start("poller")
    # The former release's gateway knows no integrations; of an account that it makes nothing is said, and all is open.
    async with open_shop(system, await make_operator_key(system.place), activates=False) as shop:
        await shop.add_goal()
        for number in range(FILES):
            await shop.drop(f"contacts_{number:02}.csv", content_of(people(PEOPLE, points=2**number)))
            if number == FILES // 3:
                system.start("importer")
            if number == 2 * FILES // 3:
                system.stop(*old)
                system.start("api", "dropserver", "notifier", "exporter")
        for number in range(FILES):
            await shop.await_runs(f"contacts_{number:02}.csv", "completed")
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {2**FILES - 1}
        async with open_ledger(system.place.superuser_dsn, shop.account_id) as ledger:
            await assert_invariants(ledger)
    faults_table.add(
        "upgrade",
        "two releases at once",
        done="the former release's services on the new schema with a new poller, then replaced under a stream of files",
        seen="every file imported once",
        seconds=None,
    )
