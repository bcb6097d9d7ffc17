"""A name in a hosted folder that another file takes between two steps of the importer: nobody's file is taken for
another's, marked for it or written over.
"""

import asyncio
import os
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest_asyncio

from services.importer.give_back import give_back
from services.importer.settle import settle
from services.importer.wiring import running as importing
from services.importer.wiring import tools_of
from services.poller.handlers import take_upload
from services.poller.look import look
from services.poller.wiring import tools_of as pollers_tools
from shared.contracts.runs import ArrivalEnded, ReturnRequested
from shared.runtime.service import Base
from shared.storage import arrivals, returns, uploads
from tests.integration.road.line import folder_id, lying, news, stands_in_line, uploaded
from tests.integration.road.place import Tenant, goal, make_tenant

FIRST = "email,name\nann@example.com,Ann\n"
LATER = "email,name\nann@example.com,Eve\n"
BAD = "email,name\nann@example.com,Ann\nnobody,x\n"


@pytest_asyncio.fixture
async def tenant(base: Base, account: UUID) -> Tenant:
    """A tenant whose news nobody hears."""
    made = await make_tenant(base, account)
    made.directory.mkdir(parents=True, exist_ok=True)
    return made


async def test_a_file_that_takes_the_name_while_another_is_to_be_marked_is_not_marked(
    tenant: Tenant, tmp_path: Path
) -> None:
    await tenant.save(goal())
    await _take(tenant, tmp_path, await uploaded(tenant, FIRST))
    first = await _imported(tenant)
    marking = settle(tools_of(tenant.base, tmp_path), ArrivalEnded(**_about(tenant), arrival_id=first["arrival_id"]))
    later = await _named_while_it_waits(tenant, marking)
    assert [each.read_text() for each in tenant.directory.iterdir()] == [LATER]
    assert (await tenant.arrivals())["a.csv"]["settled_as"] == "changed"
    await _take(tenant, tmp_path, later)
    assert (await _imported(tenant, first))["state"] == "completed"
    assert (await tenant.profile("ann@example.com"))["name"] == "Eve"


async def test_a_file_that_takes_the_name_while_another_is_fetched_is_not_imported_for_it(
    tenant: Tenant, tmp_path: Path
) -> None:
    await tenant.save(goal())
    await _take(tenant, tmp_path, await uploaded(tenant, FIRST))
    later = await _named_while_it_waits(tenant, _imported(tenant))
    [first] = await tenant.runs()
    assert (first["state"], first["reason_code"]) == ("failed", "file_changed")
    await _take(tenant, tmp_path, later)
    assert (await _imported(tenant, first))["state"] == "completed"
    assert (await tenant.profile("ann@example.com"))["name"] == "Eve"


async def test_what_is_returned_when_another_of_its_name_has_looked_is_not_written_over(
    tenant: Tenant, tmp_path: Path
) -> None:
    await tenant.save(goal(rejects={"return_to": "back"}))
    ended: list[dict[str, Any]] = []
    for content in (BAD, BAD.replace("x", "y")):
        tenant.drop("a.csv", content)
        await look(pollers_tools(tenant.base, tmp_path), tenant.account_id, tenant.connection_id)
        ended.append(await _imported(tenant, *ended))
    first, second = (run["run_id"] for run in ended)
    async with tenant.base.database.account(tenant.account_id) as tx:
        held = await returns.begin(tx, first, 60)
        assert held is not None
        assert await returns.name(tx, held, "back/a.csv", await arrivals.clock(tx))
    async with tenant.base.database.account(tenant.account_id) as tx:
        await arrivals.lock_connection(tx, tenant.connection_id)
        returning = give_back(tools_of(tenant.base, tmp_path), ReturnRequested(**_about(tenant), run_id=second))
        waiting = asyncio.create_task(returning)
        await stands_in_line(tenant)
        tenant.drop("back/a.csv.rejects.csv", "the first one's")
        async with tenant.base.database.account(tenant.account_id) as ending:
            assert await returns.end(ending, held, "returned", ["back/a.csv.rejects.csv"])
    await waiting
    assert (tenant.directory / "back/a.csv.rejects.csv").read_text() == "the first one's"
    [told] = [run["return_files"] for run in await tenant.runs() if run["run_id"] == second]
    assert told == [f"back/a.csv.{second.hex[:8]}{suffix}" for suffix in (".rejects.csv", ".ack")]


async def _named_while_it_waits(tenant: Tenant, work: Coroutine[Any, Any, Any]) -> UUID:
    """A client gives the name to a later file of the same size and time: on disk before that work begins, and in the
    ledger when it stands in line for the name. The upload that this is."""
    folder, there = await folder_id(tenant), (tenant.directory / "a.csv").stat()
    async with tenant.base.database.account(tenant.account_id) as tx:
        await uploads.hold(tx, folder, "a.csv")
        os.utime(tenant.drop("a.csv", LATER), ns=(there.st_atime_ns, there.st_mtime_ns))
        waiting = asyncio.create_task(work)
        await stands_in_line(tenant)
        later = await uploads.arrive(tx, folder, lying(tenant))
    await waiting
    return later


async def _take(tenant: Tenant, work: Path, upload_id: UUID) -> None:
    await take_upload(pollers_tools(tenant.base, work), news(tenant, upload_id))


async def _imported(tenant: Tenant, *before: dict[str, Any]) -> dict[str, Any]:
    """Have the next run carried out by an importer that hears nothing of what is to be done afterwards."""
    known, stopping = {run["run_id"] for run in before}, asyncio.Event()
    async with importing(tenant.base, stopping):
        run = await tenant.ended(lambda run: run["run_id"] not in known)
        stopping.set()
    return run


def _about(tenant: Tenant) -> dict[str, Any]:
    return {"message_id": uuid4(), "occurred_at": datetime.now(UTC), "account_id": tenant.account_id}
