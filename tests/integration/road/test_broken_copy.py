"""A copy into the database that breaks while the next rows are being read."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from services.importer import ingest
from services.importer.slices import Slice
from shared.domain.failures import StorageUnavailable
from shared.storage import staging
from tests.integration.road.place import Tenant, goal


async def test_a_copy_that_breaks_leaves_the_loop_to_others_while_the_thread_reads_on(
    tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Waited for where it is closed, the thread would keep heartbeats, and all other runs, from going on."""
    really_sliced, really_loaded = ingest.slices, staging.load
    loop = asyncio.get_running_loop()
    goes_on = threading.Event()
    outcomes: list[bool] = []

    def sliced(*given: Any) -> Iterator[Slice]:
        for each in really_sliced(*given):
            yield each
            if each.csv:
                outcomes.append(goes_on.wait(10))

    async def loaded(connection: Any, staged: Any, chunks: AsyncIterator[bytes]) -> int:
        if outcomes:
            return await really_loaded(connection, staged, chunks)
        await anext(chunks)
        loop.call_later(0.1, goes_on.set)
        raise StorageUnavailable("The connection broke.")

    monkeypatch.setattr(ingest, "slices", sliced)
    monkeypatch.setattr(staging, "load", loaded)
    await tenant.save(goal())
    tenant.drop("a.csv", "email,name\nann@example.com,Ann\n")
    await tenant.ended(lambda run: run["state"] == "completed")
    assert outcomes[0], "nothing went on while the thread was waited for"
