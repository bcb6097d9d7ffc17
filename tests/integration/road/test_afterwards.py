"""What becomes of a file afterwards where its server does not let it be done: told, and never imported twice."""

from collections.abc import Callable
from uuid import UUID

from shared.runtime.service import Base
from shared.storage import notifications
from tests.eventually import eventually
from tests.integration.road.conftest import watched
from tests.integration.road.place import Tenant, goal
from tests.integration.road.watched import tenant_on
from tests.real.openssh import PrivateOpenSSH

READ_ONLY = ("write", "setstat", "rename", "posix-rename", "remove", "mkdir")


async def test_a_server_that_lets_nothing_be_changed_is_told_of_and_nothing_is_imported_twice(
    base: Base, account: UUID, own_openssh: Callable[..., PrivateOpenSSH]
) -> None:
    server = own_openssh()
    server.deny(*READ_ONLY)
    tenant = await tenant_on(base, account, server)
    async with watched(base, tenant):
        await tenant.save(goal())
        tenant.drop("a.csv", "email,name\na@b.example,x\n")
        assert (await tenant.settled("a.csv"))["settled_as"] == "not_marked"
        # Other looks see the file lie there.
        tenant.drop("b.csv", "email,name\nb@b.example,x\n")
        await tenant.settled("b.csv")
        tenant.drop("c.txt", "")
        await eventually(lambda: _is_known(tenant), "another look")
        runs = await tenant.runs()
        assert sorted((run["path"], run["state"]) for run in runs) == [("a.csv", "completed"), ("b.csv", "completed")]
        async with tenant.base.database.account(account, read_only=True) as tx:
            told = await notifications.page(tx, notifications.NotificationFilter(code="file_not_marked"), 10)
        assert len(told) == 2
        # A new version is another file.
        tenant.drop("a.csv", "email,name\na@b.example,longer\n")
        await tenant.ended(
            lambda run: run["path"] == "a.csv" and run["run_id"] not in {each["run_id"] for each in runs}
        )
        assert (await tenant.profile("a@b.example"))["name"] == "longer"


async def _is_known(tenant: Tenant) -> bool:
    return "c.txt" in await tenant.arrivals()
