"""Goals that work within different domain groups of one account."""

from shared.storage import domain_groups, profiles
from tests.integration.road.place import Tenant, goal


async def test_one_address_is_two_profiles_in_two_domain_groups(tenant: Tenant) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        number = (await domain_groups.create(tx, "brand-b")).number
    for group in ("default", "brand-b"):
        source = {"pattern": {"wildcard": f"{group}_*.csv"}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(source=source, domain_group=group, name=f"Contacts of {group}"))
    first = await tenant.imported("default_1.csv", "email,name\na@b.example,Ann\n")
    second = await tenant.imported("brand-b_1.csv", "email,name\na@b.example,Anna\n")
    assert (first["receipt"]["created"], second["receipt"]["created"]) == (1, 1)
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = [await profiles.find(tx, tenant.properties, each, {"email": "a@b.example"}) for each in (1, number)]
    assert [each and each.values["name"] for each in found] == ["Ann", "Anna"]
