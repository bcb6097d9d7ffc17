"""A connection that cannot even be read harms no other."""

from shared.domain.connection import ConnectionSettings
from shared.domain.failures import InternalError
from shared.domain.place import HostedPlace
from shared.storage import connections, drop_folders
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal


async def test_a_look_that_breaks_is_counted_and_ends_no_other(tenant: Tenant) -> None:
    await _spoil_another_connection(tenant)
    counted = f'tidegate_connection_failures_total{{code="{InternalError.code}"}}'.encode()
    await eventually(lambda: counted in tenant.base.metrics.text(), "the look at the spoilt connection to break")

    await tenant.save(goal())
    run = await tenant.imported("good.csv", "email,name\nann@example.com,Ann\n")

    assert run["state"] == "completed", run["receipt"]


async def _spoil_another_connection(tenant: Tenant) -> None:
    """As a version of Tidegate that knows other settings could leave it."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        folder = await drop_folders.create(tx, "other", 10**9)
        place = HostedPlace(transport="hosted", drop_folder_id=folder.id)
        settings = ConnectionSettings(name="Other", interval_seconds=10, place=place)
        spoilt = await connections.create(tx, tenant.base.keys, settings, {}, email=None)
        await tx.connection.execute(
            "UPDATE tidegate.connections SET settings = '{}' WHERE account_id = $1 AND connection_id = $2",
            tenant.account_id,
            spoilt.id,
        )
