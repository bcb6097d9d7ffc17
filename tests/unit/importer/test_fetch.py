"""Fetching a file that is not there: for good, or because the run was retried while the file was being put away."""

from collections.abc import AsyncGenerator
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from services.importer.fetch import fetch
from services.importer.order import Order
from shared.domain.arrival import FileStamp
from shared.domain.failures import Failure, FileGone, FileMoving
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
