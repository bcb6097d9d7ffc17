"""Files whose import failed, renamed where they lie: no arrivals of their own, found by whatever runs them again."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest

from services.poller.retention import Task, clean
from services.poller.wiring import tools_of
from shared.domain.place import HostedPlace
from shared.runtime.service import Base
from shared.storage import connections, decisions, notifications
from shared.transfer.tree import Tree
from tests.integration.api.asking import Client
from tests.integration.road.conftest import watched
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal, make_tenant
from tests.integration.road.test_afterwards import READ_ONLY
from tests.integration.road.watched import tenant_on
from tests.real.openssh import PrivateOpenSSH

# Of all names: only that they are the goal's own keeps renamed files from being taken.
SOURCE = {
    "pattern": {"wildcard": "*"},
    "readiness": {"strategy": "rename"},
    "afterwards": {"failed": {"rename_suffix": ".failed"}},
}
OF_ANOTHER_DELIMITER = "email;name\nann@example.com;Ann\n"
Where = Literal["hosted", "at a partner's"]


async def _tenant(where: Where, base: Base, account: UUID, server: PrivateOpenSSH) -> Tenant:
    return await (make_tenant(base, account) if where == "hosted" else tenant_on(base, account, server))


@pytest.mark.parametrize("where", ["hosted", "at a partner's"])
async def test_a_failed_file_keeps_its_new_name_until_a_retry_imports_it_from_there(
    base: Base, account: UUID, openssh_server: PrivateOpenSSH, where: Where
) -> None:
    tenant = await _tenant(where, base, account, openssh_server)
    async with watched(base, tenant), gateway_of(tenant) as client:
        goal_id = await tenant.save(goal(source=SOURCE))
        tenant.drop("contacts.csv.failed", "an older one")
        run = await _failed(tenant, "contacts.csv", "contacts.csv.failed.1")
        # Another look sees the renamed files lie there.
        await tenant.imported("other.csv", "email,name\nbob@example.com,Bob\n")
        await tenant.settled("other.csv")
        assert _lying(tenant) == ["contacts.csv.failed", "contacts.csv.failed.1", "other.csv.done"]
        assert (tenant.directory / "contacts.csv.failed").read_text() == "an older one"
        assert (await tenant.arrivals()).keys() == {"contacts.csv", "other.csv"}
        assert (await _again(tenant, run))["state"] == "failed"
        again = await tenant.settled("contacts.csv")
        assert (again["settled_as"], again["settled_path"]) == ("left", "contacts.csv.failed.1")
        await _mend(client, goal_id)
        assert (await _again(tenant, run))["state"] == "completed"
        done = await tenant.settled("contacts.csv")
        assert (done["settled_as"], done["settled_path"]) == ("renamed", "contacts.csv.done")
        assert _lying(tenant) == ["contacts.csv.done", "contacts.csv.failed", "other.csv.done"]
        assert (await tenant.profile("ann@example.com"))["name"] == "Ann"
        assert len(await tenant.runs()) == 2


@pytest.mark.parametrize("where", ["hosted", "at a partner's"])
async def test_a_failed_file_is_replayed_from_under_its_new_name_and_stays_there(
    base: Base, account: UUID, openssh_server: PrivateOpenSSH, where: Where
) -> None:
    tenant = await _tenant(where, base, account, openssh_server)
    async with watched(base, tenant), gateway_of(tenant) as client:
        goal_id = await tenant.save(goal(source=SOURCE))
        await _failed(tenant, "contacts.csv", "contacts.csv.failed")
        await _mend(client, goal_id)
        [planned] = (await client.ask("POST", "/v1/replays", 202, json=_period(goal_id)))["items"]
        assert (planned["lies_at"], planned["passed_over"]) == ("contacts.csv.failed", None)
        run = await tenant.ended(lambda run: run["run_id"] == UUID(planned["run_id"]))
        assert (run["state"], run["path"], run["receipt"]["created"]) == ("completed", "contacts.csv", 1)
        assert _lying(tenant) == ["contacts.csv.failed"]


async def test_who_gives_a_failed_file_its_name_back_drops_it_anew(tenant: Tenant) -> None:
    goal_id = await tenant.save(goal(source=SOURCE))
    first = await _failed(tenant, "contacts.csv", "contacts.csv.failed")
    async with gateway_of(tenant) as client:
        await _mend(client, goal_id)
    (tenant.directory / "contacts.csv.failed").rename(tenant.directory / "contacts.csv")
    run = await tenant.ended(lambda run: run["run_id"] != first["run_id"])
    assert (run["state"], run["path"]) == ("completed", "contacts.csv")
    assert (await tenant.settled("contacts.csv"))["settled_path"] == "contacts.csv.done"


async def test_a_file_that_was_renamed_for_nothing_keeps_that_name_when_it_is_imported(tenant: Tenant) -> None:
    await tenant.save(goal(source=SOURCE, duplicate_content="ask"))
    await tenant.imported("first.csv", "email,name\nann@example.com,Ann\n")
    run = await tenant.imported("same.csv", "email,name\nann@example.com,Ann\n")
    assert run["state"] == "waiting"
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.cancel(tx, run["run_id"])
    assert (await tenant.settled("same.csv"))["settled_path"] == "same.csv.done"
    assert (await _again(tenant, run))["state"] == "waiting"
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.approve(tx, run["run_id"])
    await tenant.ended(lambda each: each["run_id"] == run["run_id"] and each["state"] == "completed")
    arrival = await tenant.settled("same.csv")
    assert (arrival["settled_as"], arrival["settled_path"]) == ("left", "same.csv.done")
    assert _lying(tenant) == ["first.csv.done", "same.csv.done"]


async def test_what_says_that_a_failed_file_is_complete_goes_when_it_is_imported_or_kept_no_longer(
    tenant: Tenant, tmp_path: Path
) -> None:
    marked = {**SOURCE, "readiness": {"strategy": ["marker", "rename"], "marker": "{name}.ok"}}
    goal_id = await tenant.save(goal(source=marked))
    for name in ("kept.csv", "mended.csv"):
        tenant.drop(f"{name}.ok", "")
        run = await _failed(tenant, name, f"{name}.failed")
    assert _lying(tenant) == ["kept.csv.failed", "kept.csv.ok", "mended.csv.failed", "mended.csv.ok"]
    async with gateway_of(tenant) as client:
        await _mend(client, goal_id)
    assert (await _again(tenant, run))["state"] == "completed"
    assert (await tenant.settled("mended.csv"))["settled_path"] == "mended.csv.done"
    assert _lying(tenant) == ["kept.csv.failed", "kept.csv.ok", "mended.csv.done", "mended.csv.ok.done"]
    async with tenant.base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
    assert isinstance(place, HostedPlace)
    in_a_month = datetime.now(UTC) + timedelta(days=31)
    task = Task(tenant.account_id, place.drop_folder_id, Tree(tenant.directory), 30, in_a_month)
    await clean(tools_of(tenant.base, tmp_path), task, asyncio.Event())
    assert _lying(tenant) == []


async def test_a_failed_file_that_cannot_be_renamed_is_told_and_not_taken_again(
    base: Base, account: UUID, own_openssh: Callable[..., PrivateOpenSSH]
) -> None:
    server = own_openssh()
    server.deny(*READ_ONLY)
    tenant = await tenant_on(base, account, server)
    async with watched(base, tenant), gateway_of(tenant) as client:
        goal_id = await tenant.save(goal(source=SOURCE))
        run = await _failed(tenant, "contacts.csv", None)
        assert await _told_of_marks(tenant) == 1
        # Another look sees it lie there.
        await tenant.imported("other.csv", "email,name\nbob@example.com,Bob\n")
        assert len(await tenant.runs()) == 2
        await _mend(client, goal_id)
        assert (await _again(tenant, run))["state"] == "completed"
        await tenant.settled("contacts.csv")
        assert len(await tenant.runs()) == 2


async def test_a_file_that_cannot_be_renamed_once_more_is_still_known_where_it_lies(
    base: Base, account: UUID, own_openssh: Callable[..., PrivateOpenSSH]
) -> None:
    server = own_openssh()
    tenant = await tenant_on(base, account, server)
    async with watched(base, tenant), gateway_of(tenant) as client:
        goal_id = await tenant.save(goal(source=SOURCE))
        run = await _failed(tenant, "contacts.csv", "contacts.csv.failed")
        server.deny(*READ_ONLY)
        await _mend(client, goal_id)
        assert (await _again(tenant, run))["state"] == "completed"
        arrival = await tenant.settled("contacts.csv")
        assert (arrival["settled_as"], arrival["settled_path"]) == ("not_marked", "contacts.csv.failed")
        assert await _told_of_marks(tenant) == 1
        [planned] = (await client.ask("POST", "/v1/replays", 200, json=_period(goal_id, dry_run=True)))["items"]
        assert (planned["lies_at"], planned["passed_over"]) == ("contacts.csv.failed", None)


async def _failed(tenant: Tenant, name: str, settled_path: str | None) -> dict[str, Any]:
    """The run of a file that was dropped and failed, once the file was marked."""
    run = await tenant.imported(name, OF_ANOTHER_DELIMITER)
    assert (run["state"], run["reason_code"]) == ("failed", "delimiter_changed")
    arrival = await tenant.settled(name)
    expected = "not_marked" if settled_path is None else "renamed"
    assert (arrival["settled_as"], arrival["settled_path"]) == (expected, settled_path)
    return run


async def _again(tenant: Tenant, run: dict[str, Any]) -> dict[str, Any]:
    """The run's next attempt, once it has ended."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.retry(tx, run["run_id"], out_of_order=True)
    return await tenant.ended(lambda each: each["run_id"] == run["run_id"])


async def _mend(client: Client, goal_id: UUID) -> None:
    change = {"dialect": {"delimiter": ";"}}
    await client.ask("PATCH", f"/v1/goals/{goal_id}", 200, json=change, headers={"If-Match": "*"})


async def _told_of_marks(tenant: Tenant) -> int:
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        return len(await notifications.page(tx, notifications.NotificationFilter(code="file_not_marked"), 10))


def _period(goal_id: UUID, **more: Any) -> dict[str, Any]:
    since = datetime.now(UTC) - timedelta(hours=1)
    return {
        "goal_id": str(goal_id),
        "since": since.isoformat(),
        "until": (since + timedelta(hours=3)).isoformat(),
        **more,
    }


def _lying(tenant: Tenant) -> list[str]:
    return sorted(str(each.relative_to(tenant.directory)) for each in tenant.directory.rglob("*") if each.is_file())
