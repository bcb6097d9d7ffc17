"""Whether anything wrote or locked profiles: by where their rows lie, and which transactions were there."""

from tests.integration.road.place import Tenant

_ROWS = "SELECT count(*), md5(string_agg(concat_ws(' ', id, ctid, xmin, xmax), ',' ORDER BY id)) FROM {schema}.profiles"


async def rows_as_they_lie(tenant: Tenant) -> tuple[int, str]:
    """How many profiles there are, and what is the same only as long as none of their rows is touched."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        row = await tx.connection.fetchrow(_ROWS.replace("{schema}", tx.schema))
    assert row is not None
    return row[0], row[1]
