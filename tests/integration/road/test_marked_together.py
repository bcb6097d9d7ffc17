"""Two files of one manifest whose imports end at the same time: whoever is the last to look puts the manifest away."""

import asyncio
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.importer import settle as settling
from services.importer.wiring import tools_of
from shared.contracts.runs import ArrivalEnded
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.receipt import Receipt
from shared.domain.run import RunState
from shared.runtime.service import Base
from shared.storage import arrivals, claims, companions, ending, runs
from shared.storage.arrivals import Explained, Sighting
from shared.storage.companions import Companion
from tests.integration.road.place import Tenant, goal, make_tenant

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)


async def test_a_manifest_of_files_that_are_marked_at_the_same_time_is_put_away(
    base: Base, account: UUID, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant = await make_tenant(base, account)
    ended = await _imported(tenant, "a.csv", "b.csv", manifest="all.json")
    tools = tools_of(base, tmp_path / "workplace")
    both, read = asyncio.Barrier(2), settling._task

    async def at_once(*asked: Any) -> Any:
        async with asyncio.timeout(20):
            await both.wait()
        return await read(*asked)

    monkeypatch.setattr(settling, "_task", at_once)
    about = {"message_id": uuid4(), "occurred_at": datetime.now(UTC), "account_id": account}
    await asyncio.gather(*(settling.settle(tools, ArrivalEnded(**about, arrival_id=each)) for each in ended))
    assert {path.name for path in tenant.directory.iterdir()} == {"a.csv.done", "b.csv.done", "all.json.done"}


async def _imported(tenant: Tenant, *names: str, manifest: str) -> list[UUID]:
    """Files that were imported because a manifest names them, and nobody has marked yet: their arrivals."""
    goal_id = await tenant.save(goal())
    stamps = [_stamp(tenant, name) for name in names]
    said = Companion(_stamp(tenant, manifest), is_manifest=True, names=len(names))
    async with tenant.base.database.account(tenant.account_id) as tx:
        sightings = [Sighting(each, Explained(ArrivalState.ACCEPTED)) for each in stamps]
        made = [each for each in await arrivals.insert(tx, tenant.connection_id, sightings) if each is not None]
        await companions.add(tx, tenant.connection_id, {each: [said] for each in made})
        for arrival_id, file in zip(made, stamps, strict=True):
            new = runs.NewRun("import", goal_id, file.modified_at, file.path, arrival_id=arrival_id)
            await runs.create(tx, new)
    for _ in made:
        run = await claims.claim(tenant.base.database, "import", "tests")
        assert run is not None
        receipt = Receipt(
            run_id=run.id,
            goal_id=goal_id,
            goal_version=1,
            state=RunState.COMPLETED,
            queued_at=run.queued_at,
            started_at=run.started_at,
        )
        async with tenant.base.database.account(tenant.account_id) as tx:
            await ending.end(tx, run, "import", receipt)
    return made


def _stamp(tenant: Tenant, name: str) -> FileStamp:
    os.utime(tenant.drop(name, "x"), (AT.timestamp(), AT.timestamp()))
    return FileStamp(name, 1, AT)
