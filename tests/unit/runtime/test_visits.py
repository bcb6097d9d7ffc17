"""How many runs may be at their partners' at a time, of whom, and with how much of the disk."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.domain.failures import WorkerBusy
from shared.domain.place import DirectoryPlace, HostedPlace, OneShotPlace, SftpPlace
from shared.domain.run import PassedOver
from shared.runtime.visits import Visit, Visits, host_of
from tests.builders import claimed_run

ACCOUNT = UUID(int=1)


@contextmanager
def works(count: int) -> Iterator[list["asyncio.Task[Any]"]]:
    """So many pieces of work."""
    loop = asyncio.new_event_loop()
    tasks = [loop.create_task(asyncio.sleep(0)) for _ in range(count)]
    yield tasks
    loop.run_until_complete(asyncio.wait(tasks))
    loop.close()


def visit(host: str, *, account_id: UUID = ACCOUNT, size_bytes: int = 1, attempt: int = 1) -> Visit:
    """A run's, of a connection of its own."""
    return Visit(claimed_run(account_id).model_copy(update={"attempt": attempt}), host, size_bytes)


def test_a_host_gets_an_eighth_and_an_account_three_quarters() -> None:
    visits = Visits(16)
    with works(18) as tasks:
        for number in range(2):
            assert visits.passed_over() == PassedOver([], [])
            visits.begin(tasks[number], visit("hangs"))
        further = visit("hangs", account_id=uuid4())
        with pytest.raises(WorkerBusy):
            visits.begin(tasks[2], further)
        # From now on it is known where that connection leads.
        assert further.run.connection_id in visits.passed_over().connections
        assert len(visits.passed_over().connections) == 3
        for number in range(2, 12):
            assert visits.passed_over().accounts == []
            visits.begin(tasks[number], visit(f"other {number}"))
        assert visits.passed_over().accounts == [ACCOUNT]
        for number in range(12, 16):
            visits.begin(tasks[number], visit(f"other {number}", account_id=uuid4()))
        with pytest.raises(WorkerBusy):
            visits.begin(tasks[16], visit("the last", account_id=uuid4()))
        assert visits.end(tasks[0])
        assert not visits.end(tasks[0])
        assert visits.passed_over() == PassedOver([], [])
        visits.begin(tasks[16], further)


def test_what_is_tried_again_gets_half() -> None:
    visits = Visits(8)
    with works(5) as tasks:
        for number in range(4):
            assert not visits.passed_over().tried_before
            visits.begin(tasks[number], visit(f"{number}", attempt=2))
        assert visits.passed_over().tried_before
        visits.begin(tasks[4], visit("a healthy one"))
    assert not Visits().passed_over().tried_before, "a worker whose runs go nowhere passes nothing over"


def test_files_share_half_of_the_room_and_one_at_a_time_may_be_larger(tmp_path: Path) -> None:
    visits, room = Visits(100, tmp_path), shutil.disk_usage(tmp_path).free
    with works(5) as tasks:
        visits.begin(tasks[0], visit("a", size_bytes=2 * room))
        visits.begin(tasks[1], visit("b", size_bytes=room // 4))
        with pytest.raises(WorkerBusy):
            visits.begin(tasks[2], visit("c", size_bytes=room // 3))
        visits.begin(tasks[2], visit("c", size_bytes=0))
        # What a file takes may be known only there.
        visits.takes(tasks[2], 10)
        with pytest.raises(WorkerBusy):
            visits.takes(tasks[2], room)
        visits.takes(tasks[0], 3 * room)
        visits.end(tasks[0])
        visits.begin(tasks[3], visit("d", size_bytes=2 * room))
        # Of who is not there nothing is known.
        visits.takes(tasks[4], 2 * room)


def test_nobody_else_hangs_where_we_keep_the_files() -> None:
    sftp = SftpPlace(transport="sftp", host="Files.Partner.example", port=2222, username="shop")
    assert host_of(sftp) == "files.partner.example 2222"
    assert host_of(DirectoryPlace(transport="directory", root="share")) == "directory share"
    assert host_of(HostedPlace(transport="hosted", drop_folder_id=uuid4())) is None
    # Its run knows the server by the user who logs in there.
    assert host_of(OneShotPlace(host="files.partner.example", port=22)) is None
