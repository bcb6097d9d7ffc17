"""What was put away is known again where it lies, whatever goals have become since; what is new there is taken."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.poller.put_away import leave_out
from services.poller.spot import New, Seen, Spotted
from shared.domain.arrival import ArrivalState, FileStamp
from shared.domain.goal import Goal
from shared.domain.place import HostedPlace
from shared.runtime.service import Base
from shared.storage import arrivals, connections, goals, uploads
from shared.storage.arrivals import Explained, Sighting
from shared.transfer.tree import stamp_of
from tests.integration.road.conftest import watched
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal, make_tenant
from tests.integration.road.watched import tenant_on
from tests.real.openssh import PrivateOpenSSH

ANN = "email,points\nann@example.com,1\n"
BOB = "email,points\nbob@example.com,1\n"
OF_ANOTHER_DELIMITER = ANN.replace(",", ";")
SUFFIXES = {"done": {"rename_suffix": ".done"}, "failed": {"rename_suffix": ".failed"}}
OTHERS = {"done": {"rename_suffix": ".seen"}, "failed": {"rename_suffix": ".bad"}}
BELOW = {"done": {"move_to": "done"}, "failed": {"move_to": "failed"}}


def adding(afterwards: dict[str, Any], wildcard: str = "*", *, strategy: str = "rename", **more: Any) -> Goal:
    """A goal that adds points, and so shows what is imported twice; also of files below the place."""
    source = {
        "pattern": {"wildcard": wildcard},
        "readiness": {"strategy": strategy},
        "subdirectories": 2,
        "afterwards": afterwards,
    }
    return goal(source=source, mapping=[{"field": "points", "property": "points", "rule": "sum"}], **more)


FORMERLY = {
    "done": (SUFFIXES, ANN, "contacts.csv.done"),
    "failed": (SUFFIXES, OF_ANOTHER_DELIMITER, "contacts.csv.failed"),
    "moved when done": (BELOW, ANN, "done/contacts.csv"),
    "moved when failed": (BELOW, OF_ANOTHER_DELIMITER, "failed/contacts.csv"),
}


@pytest.mark.parametrize("becomes", ["changed", "switched off", "deleted"])
@pytest.mark.parametrize("formerly", FORMERLY)
@pytest.mark.parametrize("where", ["hosted", "at a partner's"])
async def test_a_file_that_was_put_away_is_not_taken_again_when_goals_put_files_elsewhere(
    base: Base, account: UUID, openssh_server: PrivateOpenSSH, where: str, formerly: str, becomes: str
) -> None:
    afterwards, content, lies_at = FORMERLY[formerly]
    tenant = await (make_tenant(base, account) if where == "hosted" else tenant_on(base, account, openssh_server))
    async with watched(base, tenant):
        goal_id = await tenant.save(adding(afterwards))
        await tenant.imported("contacts.csv", content)
        assert (await tenant.settled("contacts.csv"))["settled_path"] == lies_at
        await _becomes(tenant, goal_id, becomes, adding(OTHERS, dialect={"delimiter": content[5]}))
        # The look that sees the one sees the other lie there.
        run = await tenant.imported("other.csv", BOB.replace(",", content[5]))
        assert run["state"] == "completed"
        assert sorted(each["path"] for each in await tenant.runs()) == ["contacts.csv", "other.csv"]
        assert lies_at not in await tenant.arrivals()
        assert (tenant.directory / lies_at).read_text() == content


@pytest.mark.parametrize(
    ("where", "name", "afterwards", "lies_at", "becomes"),
    [
        ("hosted", "in/contacts.csv", BELOW, "done/in/contacts.csv.ok", "deleted"),
        ("at a partner's", "contacts.csv", SUFFIXES, "contacts.csv.ok.done", "changed"),
    ],
)
async def test_a_marker_that_was_put_away_with_its_file_is_not_taken_for_one(
    base: Base,
    account: UUID,
    openssh_server: PrivateOpenSSH,
    where: str,
    name: str,
    afterwards: dict[str, Any],
    lies_at: str,
    becomes: str,
) -> None:
    tenant = await (make_tenant(base, account) if where == "hosted" else tenant_on(base, account, openssh_server))
    async with watched(base, tenant):
        goal_id = await tenant.save(adding(afterwards, strategy="marker"))
        tenant.drop(name, ANN)
        tenant.drop(f"{name}.ok", "")
        await tenant.settled(name)
        assert (tenant.directory / lies_at).exists()
        await _becomes(tenant, goal_id, becomes, adding(OTHERS).model_copy(update={"name": "Since"}))
        await tenant.imported("other.csv", BOB)
        assert sorted(each["path"] for each in await tenant.runs()) == [name, "other.csv"]
        assert lies_at not in await tenant.arrivals()


async def test_a_file_that_was_put_away_is_replayed_from_there_and_taken_anew_under_its_old_name(
    tenant: Tenant,
) -> None:
    goal_id = await tenant.save(adding(SUFFIXES))
    await tenant.imported("contacts.csv", ANN)
    await tenant.settled("contacts.csv")
    await _becomes(tenant, goal_id, "changed", adding(OTHERS, duplicate_content="import"))
    since = datetime.now(UTC) - timedelta(hours=1)
    body = {"goal_id": str(goal_id), "since": since.isoformat(), "until": (since + timedelta(hours=3)).isoformat()}
    async with gateway_of(tenant) as client:
        [planned] = (await client.ask("POST", "/v1/replays", 202, json=body))["items"]
    assert (planned["lies_at"], planned["passed_over"]) == ("contacts.csv.done", None)
    run = await tenant.ended(lambda run: run["run_id"] == UUID(planned["run_id"]))
    assert (run["state"], (await tenant.profile("ann@example.com"))["points"]) == ("completed", 2)
    known = {each["run_id"] for each in await tenant.runs()}
    (tenant.directory / "contacts.csv.done").rename(tenant.directory / "contacts.csv")
    assert (await tenant.ended(lambda run: run["run_id"] not in known))["path"] == "contacts.csv"
    assert (await tenant.settled("contacts.csv"))["settled_path"] == "contacts.csv.seen"


async def test_a_new_file_under_the_name_of_one_that_was_put_away_is_taken(afar: Tenant) -> None:
    goal_id = await afar.save(adding(SUFFIXES))
    await afar.imported("contacts.csv", ANN)
    await afar.settled("contacts.csv")
    await _becomes(afar, goal_id, "changed", adding(OTHERS))
    # As large, and of another time.
    new = afar.directory / ".new.part"
    new.write_text(ANN.replace("ann", "eve"))
    os.utime(new, (0, 0))
    new.rename(afar.directory / "contacts.csv.done")
    run = await afar.ended(lambda run: run["path"] == "contacts.csv.done")
    assert run["state"] == "completed"
    assert (await afar.profile("eve@example.com"))["points"] == 1


async def test_what_is_uploaded_under_the_name_of_a_file_that_was_put_away_is_taken_however_alike_it_is(
    base: Base, account: UUID
) -> None:
    tenant = await make_tenant(base, account)
    async with watched(base, tenant):
        goal_id = await tenant.save(adding(SUFFIXES))
        await tenant.imported("contacts.csv", ANN)
        await tenant.settled("contacts.csv")
    await _becomes(tenant, goal_id, "changed", adding(OTHERS))
    await _uploaded(tenant, tenant.directory / "contacts.csv.done")
    async with watched(base, tenant):
        await tenant.ended(lambda run: run["path"] == "contacts.csv.done")
        assert (await tenant.profile("ann@example.com"))["points"] == 2


async def test_what_no_goal_takes_is_told_and_what_was_put_away_is_not(tenant: Tenant) -> None:
    goal_id = await tenant.save(adding(SUFFIXES, "*.csv"))
    await tenant.imported("contacts.csv", ANN)
    await tenant.settled("contacts.csv")
    await _becomes(tenant, goal_id, "changed", adding(OTHERS, "*.csv"))
    tenant.drop("stray.csv.done", BOB)
    await tenant.imported("other.csv", BOB)
    told = await tenant.arrivals()
    assert (told["stray.csv.done"]["state"], "contacts.csv.done" in told) == ("unmatched", False)


async def test_what_an_earlier_release_told_of_a_file_that_was_put_away_ends_and_it_is_not_taken(
    base: Base, account: UUID
) -> None:
    tenant = await make_tenant(base, account)
    async with watched(base, tenant):
        goal_id = await tenant.save(adding(SUFFIXES, "*.csv"))
        await tenant.imported("contacts.csv", ANN)
        await tenant.settled("contacts.csv")
    async with base.database.account(account) as tx:
        unmatched = Explained(ArrivalState.UNMATCHED, "unmatched", "The nearest pattern is *.csv.")
        await arrivals.insert(tx, tenant.connection_id, [Sighting(_stamp(tenant, "contacts.csv.done"), unmatched)])
    await _becomes(tenant, goal_id, "changed", adding(OTHERS))
    async with watched(base, tenant):
        await tenant.imported("other.csv", BOB)
        assert sorted(each["path"] for each in await tenant.runs()) == ["contacts.csv", "other.csv"]
        assert (await tenant.arrivals())["contacts.csv.done"]["state"] == "vanished"


async def test_a_file_whose_marking_has_not_been_written_down_is_not_taken_under_its_new_name_nor_its_marker(
    base: Base, account: UUID
) -> None:
    tenant = await make_tenant(base, account)
    async with watched(base, tenant):
        goal_id = await tenant.save(adding(SUFFIXES, strategy="marker"))
        tenant.drop("contacts.csv.done", "taken")
        tenant.drop("contacts.csv.ok", "")
        arrival = await _imported(tenant)
        assert arrival["settled_path"] == "contacts.csv.done.1"
    await _unsettle(tenant)
    await _becomes(tenant, goal_id, "changed", adding(OTHERS))
    async with watched(base, tenant):
        await tenant.imported("other.csv", BOB)
        async with base.database.account(account) as tx:
            await arrivals.settle(tx, arrival["arrival_id"], "already", "contacts.csv.done.1", is_gone=True)
        await tenant.imported("third.csv", BOB)
        assert {"contacts.csv.done.1", "contacts.csv.ok.done"}.isdisjoint(await tenant.arrivals())


async def test_what_was_put_away_is_looked_up_by_plans_for_what_there_is_now(base: Base, account: UUID) -> None:
    tenant = await make_tenant(base, account)
    seen = Seen(FileStamp(path="contacts.csv.done.1", size_bytes=1, modified_at=datetime.now(UTC)))
    async with base.database.account(account) as tx:
        for _ in range(20):
            await leave_out(tx, tenant.connection_id, Spotted(new=[New(seen, Explained(ArrivalState.WAITING))]))
        planned = await tx.connection.fetch(
            "SELECT custom_plans, generic_plans FROM pg_prepared_statements WHERE statement LIKE $1",
            "%FROM tidegate.%path = ANY%",
        )
    assert [(each["custom_plans"], each["generic_plans"]) for each in planned] == [(20, 0)] * 3


async def _imported(tenant: Tenant) -> dict[str, Any]:
    await tenant.imported("contacts.csv", ANN)
    return await tenant.settled("contacts.csv")


async def _unsettle(tenant: Tenant) -> None:
    """Leave the ledger as one leaves it who dies between the renaming of a file and the word of it."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(
            "UPDATE tidegate.arrivals SET state = 'accepted', settled_at = NULL, settled_as = NULL,"
            " settled_path = NULL, settling_until = now() + interval '1 hour' WHERE path = 'contacts.csv'"
        )


async def _becomes(tenant: Tenant, goal_id: UUID, what: str, since: Goal) -> None:
    """What happens to a goal, and which one there is since."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        if what == "changed":
            await goals.update(tx, goal_id, since)
            return
        if what == "deleted":
            await goals.delete(tx, goal_id)
        else:
            formerly = (await goals.get(tx, goal_id)).goal
            await goals.update(tx, goal_id, formerly.model_copy(update={"active": False}))
    await tenant.save(since.model_copy(update={"name": "Since"}))


def _stamp(tenant: Tenant, name: str) -> FileStamp:
    return stamp_of(name, (tenant.directory / name).stat())


async def _uploaded(tenant: Tenant, path: Path) -> None:
    """A client puts the same bytes there once more, and keeps their time."""
    file = _stamp(tenant, path.name)
    async with tenant.base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
        assert isinstance(place, HostedPlace)
        upload_id = await uploads.open_(tx, place.drop_folder_id, path.name)
        await uploads.close(tx, upload_id, file.size_bytes, file.modified_at)
