"""Fetching a file that is not there: for good, or because the run was retried while the file was being put away."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from services.importer import fetch as fetching
from services.importer.fetch import fetch
from services.importer.order import Order
from shared.domain.arrival import FileStamp
from shared.domain.failures import ConnectionLost, Failure, FileChanged, FileGone, FileMoving
from shared.observe.metrics import Metrics
from shared.runtime.desk import Desk
from tests.builders import claimed_run

FILE = FileStamp(path="contacts.csv", size_bytes=3, modified_at=datetime(2026, 1, 1, tzinfo=UTC))


class Nowhere:
    """A place where the file is not."""

    async def stat(self, path: str) -> FileStamp:
        raise FileGone(f"Found nothing at {path!r}.")

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        raise FileGone(f"Found nothing at {path!r}.")
        yield b""


class Endless(Nowhere):
    """A place that gives more than it said, without end."""

    def __init__(self) -> None:
        self.given = 0

    async def stat(self, path: str) -> FileStamp:
        return FILE

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        while True:
            self.given += 1
            yield b"x"


async def test_no_more_of_a_file_is_fetched_than_was_said(tmp_path: Path) -> None:
    run = claimed_run(uuid4())
    order = Order(**dict.fromkeys((each.name for each in fields(Order)), None) | {"file": FILE})
    place = Endless()
    with pytest.raises(FileChanged):
        await fetch(place, order, tmp_path / "fetched", Desk(run, "import", Metrics()))
    assert place.given == FILE.size_bytes + 1


class Dripping(Nowhere):
    """A place that gives a byte now and then."""

    def __init__(self, size: int) -> None:
        self.file = FileStamp(FILE.path, size, FILE.modified_at)

    async def stat(self, path: str) -> FileStamp:
        return self.file

    async def read(self, path: str) -> AsyncGenerator[bytes, None]:
        for _ in range(self.file.size_bytes):
            await asyncio.sleep(0.02)
            yield b"x"


async def test_a_fetch_takes_no_longer_than_its_size_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow place with a large file has its time; one that would never come to an end does not."""
    monkeypatch.setattr(fetching, "PATIENCE_SECONDS", 0.1)
    run = claimed_run(uuid4())

    async def fetched(size: int) -> FileStamp:
        place = Dripping(size)
        order = Order(**dict.fromkeys((each.name for each in fields(Order)), None) | {"file": place.file})
        return await fetch(place, order, tmp_path / f"{size}", Desk(run, "import", Metrics()))

    with pytest.raises(ConnectionLost):
        await fetched(1_000)
    monkeypatch.setattr(fetching, "LEAST_BYTES_PER_SECOND", 1)
    assert (await fetched(10)).size_bytes == 10


@pytest.mark.parametrize(
    ("attempt", "token", "failure"), [(1, 1, FileGone), (1, 3, FileMoving), (2, 4, FileGone), (2, 2, FileGone)]
)
async def test_a_file_is_looked_for_once_more_after_a_retry_alone(
    attempt: int, token: int, failure: type[Failure], tmp_path: Path
) -> None:
    run = claimed_run(uuid4(), token=token).model_copy(update={"attempt": attempt})
    order = Order(**dict.fromkeys((each.name for each in fields(Order)), None) | {"file": FILE})
    with pytest.raises(failure) as failed:
        await fetch(Nowhere(), order, tmp_path / "fetched", Desk(run, "import", Metrics()))
    assert type(failed.value) is failure
