"""An upload that ends while its name is given away, or its file deleted, is counted once."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from services.dropserver.ledger import DatabaseUploads
from services.dropserver.tenant import Tenant
from services.dropserver.uploads import Upload
from services.dropserver.writing import Writing
from shared.observe.metrics import Metrics
from shared.storage import drop_usage, uploads
from shared.storage.database import Database
from shared.transfer.tree import Tree
from tests.eventually import eventually
from tests.integration.dropserver.replicas import Replicas, replicas
from tests.integration.dropserver.test_two_writers import ANEW, Replica, _wait

TAKES = pytest.mark.parametrize(
    "take",
    [
        lambda writing: writing.begin("a.csv", os.O_RDWR),
        lambda writing: writing.remove("a.csv"),
        lambda writing: writing.rename("whole", "a.csv", replace=True),
    ],
    ids=["resumed", "deleted", "replaced"],
)


@TAKES
async def test_nothing_happens_to_a_file_before_its_upload_can_end_no_more(
    database: Database, account: UUID, tmp_path: Path, take: Callable[[Writing], Awaitable[Upload | None]]
) -> None:
    async with _two(database, account, tmp_path) as (house, first, second):
        whole = await second.begin("whole", ANEW)
        second.write(whole, 0, b"whole")
        await second.finish(whole)
        second._house.register.end(second._tenant, whole)
        upload = await first.begin("a.csv", ANEW)
        assert upload.begun is not None
        async with database.account(account) as tx:
            # It is just about to end.
            await uploads.is_under_way(tx, upload.begun.id)
            taking = asyncio.ensure_future(take(second))
            await eventually(partial(_wait, database, 1), "the other to want its name")
            first.write(upload, 0, b"half")
            assert (house.directory / "a.csv").read_bytes() == b"half"
            await uploads.break_off(tx, upload.begun.id)
            await drop_usage.change(tx, house.folder_id, 4 - upload.begun.counted_bytes)
        other = await taking
        await first.break_off(upload)
        if other is not None:
            await second.break_off(other)
        files = list(house.directory.iterdir())
        async with database.account(account, read_only=True) as tx:
            used = await drop_usage.get(tx, house.folder_id)
        assert (used.bytes, used.files) == (sum(each.stat().st_size for each in files), len(files))


@asynccontextmanager
async def _two(database: Database, account: UUID, tmp_path: Path) -> AsyncIterator[tuple[Replicas, Writing, Writing]]:
    """Two writers of one login, at two replicas."""
    async with replicas(database, account, tmp_path) as house:
        made, _ = await house.login()
        house.directory.mkdir(parents=True)
        tenant = Tenant(account, house.folder_id, made.id, house.directory)
        first, second = (
            Writing(Replica(DatabaseUploads(database, Metrics())), tenant, Tree(house.directory)) for _ in range(2)
        )
        yield house, first, second
