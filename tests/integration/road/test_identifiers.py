"""What rows are known by, on the whole road: by nothing, by Tidegate's own number, and identifiers that files set."""

from tests.integration.road.place import Tenant, goal

NAME = {"field": "name", "property": "name"}


async def _ids(tenant: Tenant) -> dict[str, int]:
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await tx.connection.fetch(f"SELECT id, p_email FROM {tx.schema}.profiles")
    return {row["p_email"]: row["id"] for row in found}


async def test_without_identifiers_every_row_is_a_new_profile(tenant: Tenant) -> None:
    mapping = [NAME, {"field": "email", "property": "email"}]
    await tenant.save(goal(identifiers=[], mode="always_create", mapping=mapping))
    run = await tenant.imported(
        "new.csv", "email,name\na@b.example,Ann\n,Ben\n,Ben\nA@b.example,Ann again\nc@b.example,Cid\nc@b\n"
    )
    receipt = run["receipt"]
    assert (receipt["created"], receipt["profiles_affected"], receipt["rejected"]) == (4, 4, 2), receipt
    assert sorted(await tenant.rejects(run)) == [(5, "identifier_conflict", "email"), (7, "too_few_fields", None)]
    run = await tenant.imported("more.csv", "email,name\nc@b.example,Cid\n,Ben\n")
    assert (run["receipt"]["created"], await tenant.rejects(run)) == (1, [(2, "identifier_conflict", "email")])
    assert (await tenant.profile("c@b.example"))["name"] == "Cid"


async def test_an_opt_out_is_heard_by_any_name_of_a_rejected_row(tenant: Tenant) -> None:
    only = [{"pattern": {"wildcard": f"{name}*"}, "readiness": {"strategy": "rename"}} for name in ("all", "by_id")]
    says = {"declaration": "from_file", "field": "ok"}
    mapping = [NAME, {"field": "email", "property": "email"}]
    await tenant.save(goal(source=only[0], identifiers=[], mode="always_create", mapping=mapping, opt_in=says))
    by_id = [{"field": "id", "property": "system_id"}]
    await tenant.save(goal(source=only[1], identifiers=by_id, mode="update_only", mapping=mapping, opt_in=says))
    await tenant.imported("all_1.csv", "email,name,ok\n" + "".join(f"{name}@b.example,X,yes\n" for name in "abc"))
    ids = await _ids(tenant)
    run = await tenant.imported("all_2.csv", "email,name,ok\na@b.example,Again,no\nnot an address,New,no\n")
    assert run["receipt"]["rejects_by_code"] == {"identifier_conflict": 1, "not_an_email": 1}
    run = await tenant.imported("by_id.csv", f"id,email,name,ok\n{ids['b@b.example']},x@,Ben,no\n")
    assert run["receipt"]["rejects_by_code"] == {"not_an_email": 1}
    async with tenant.base.database.account(tenant.account_id) as tx:
        found = await tx.connection.fetch(f"SELECT p_email, opt_in FROM {tx.schema}.profiles ORDER BY p_email")
    assert [tuple(row) for row in found] == [("a@b.example", False), ("b@b.example", False), ("c@b.example", True)]


async def test_a_system_id_finds_profiles_and_makes_none(tenant: Tenant) -> None:
    await tenant.save(goal(source={"pattern": {"wildcard": "people*"}, "readiness": {"strategy": "rename"}}))
    await tenant.imported("people.csv", "email,name\na@b.example,Ann\nb@b.example,Ben\n")
    ids = await _ids(tenant)
    ann, ben = ids["a@b.example"], ids["b@b.example"]
    mapping = [NAME, {"field": "email", "property": "email"}]
    by_id = [{"field": "Internal_ID", "property": "system_id"}]
    source = {"pattern": {"wildcard": "by_id*"}, "readiness": {"strategy": "rename"}}
    await tenant.save(goal(source=source, identifiers=by_id, mode="update_only", mapping=mapping))
    run = await tenant.imported(
        "by_id.csv",
        "Internal_ID,email,name\n"
        f"{ann},new@b.example,Anna\n"
        f"{ben},new@b.example,Benno\n"
        f"{ben},A@b.example,Benno\n"
        f"{ben},B@B.example,Benedict\n"
        f"{max(ids.values()) + 1},x@b.example,Nobody\n"
        "twelve,y@b.example,Nobody\n"
        f"{2**63},y@b.example,Nobody\n"
        ",z@b.example,Nobody\n",
    )
    receipt = run["receipt"]
    assert (receipt["updated"], receipt["created"], receipt["profiles_affected"]) == (2, 0, 2), receipt
    # What Ann gave up in this file is free for the next one.
    assert sorted(await tenant.rejects(run)) == [
        (3, "identifier_conflict", "email"), (4, "identifier_conflict", "email"),
        (6, "unknown_system_id", "Internal_ID"), (7, "not_an_integer", "Internal_ID"),
        (8, "out_of_range", "Internal_ID"), (9, "no_identifier", "Internal_ID"),
    ]  # fmt: skip  # a table
    assert [(await tenant.profile(email))["name"] for email in ("new@b.example", "b@b.example")] == ["Anna", "Benedict"]
    run = await tenant.imported("by_id_2.csv", f"Internal_ID,email,name\n{ben},a@b.example,Benedict\n")
    assert (run["receipt"]["updated"], (await tenant.profile("a@b.example"))["name"]) == (1, "Benedict")
