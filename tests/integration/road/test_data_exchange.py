"""What a connection has exchanged in all: unique profiles, runs, files, rows, bytes; nothing of it twice."""

from pathlib import Path
from typing import Any

from shared.domain.export_goal import ExportProfiles
from shared.domain.goal import ImportEvents
from shared.observe import failpoints
from shared.storage import decisions, exchanges
from shared.storage.exchanges import Totals
from tests.integration.road.place import Tenant, goal

FIRST = "email,name\nann@example.com,Ann\nbob@example.com,Bob\nann@example.com,Anna\nnobody,Nobody\n"
SECOND = "email,name\nann@example.com,Anna\ncas@example.com,Cas\ndan@example.com,\n"


async def _totals(tenant: Tenant) -> dict[str, Totals]:
    async with tenant.base.database.account(tenant.account_id) as tx:
        return await exchanges.totals(tx, tenant.connection_id)


async def _profiles(tenant: Tenant, kind: str = "import") -> int:
    return (await _totals(tenant))[kind].profiles


async def _takes(tenant: Tenant, pattern: str, **changes: Any) -> None:
    source = {"pattern": {"wildcard": pattern}, "readiness": {"strategy": "rename"}}
    await tenant.save(goal(name=pattern, source=source, **changes))


async def _are_there_otherwise(tenant: Tenant, *names: str) -> None:
    """Profiles that no connection brought."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        text = """INSERT INTO {schema}.profiles (domain_group, p_email, k_email, p_number, k_number)
        SELECT 1, n || '@example.com', n || '@example.com', n, n FROM unnest($1::text[]) AS n"""
        await tx.connection.execute(text.replace("{schema}", tx.schema), names)


async def test_each_profile_that_came_counts_once_whatever_its_rows_did(tenant: Tenant) -> None:
    await _takes(tenant, "all_*")
    await _takes(tenant, "new_*", mode="create_only")
    await _takes(tenant, "known_*", mode="update_only", lists={"create": {"name": "Known"}})
    keys = [{"field": name, "property": name} for name in ("number", "email")]
    await _takes(tenant, "both_*", identifiers=keys)
    assert await _totals(tenant) == {}
    await tenant.imported("all_1.csv", FIRST)
    found = (await _totals(tenant))["import"]
    assert (found.profiles, found.runs, found.files, found.rows, found.size_bytes) == (2, 1, 1, 4, len(FIRST))

    await _are_there_otherwise(tenant, "dan", "eve", "fay", "gus")
    # Ann and Dan stay as they are; Cas is new.
    run = await tenant.imported("all_2.csv", SECOND)
    assert (run["receipt"]["created"], run["receipt"]["unchanged"]) == (1, 2)
    found = (await _totals(tenant))["import"]
    assert (found.profiles, found.runs, found.files, found.rows) == (4, 2, 2, 7)
    assert found.size_bytes == len(FIRST) + len(SECOND)
    assert found.first_at < found.last_at

    # Whom the mode skips did not come.
    await tenant.imported("new_1.csv", "email,name\neve@example.com,Eve\nhal@example.com,Hal\n")
    assert await _profiles(tenant) == 5
    run = await tenant.imported("known_1.csv", "email,name\neve@example.com,\nida@example.com,Ida\n")
    assert (await _profiles(tenant), run["receipt"]["lists"][0]["added"]) == (6, 1)
    # Found by either identifier; a row that names two people is nobody's.
    await tenant.imported(
        "both_1.csv", "number,email,name\nfay,,\n,gus@example.com,Gus\neve,ann@example.com,\njim,,Jim\n"
    )
    assert await _profiles(tenant) == 9
    # A run without rows is one; what is deleted was exchanged nevertheless.
    await tenant.imported("all_3.csv", "email,name\n")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(f"DELETE FROM {tx.schema}.profiles")
    found = (await _totals(tenant))["import"]
    assert (found.profiles, found.runs, found.rows) == (9, 6, 15)


async def test_what_fails_counts_nothing_and_what_is_repeated_counts_once(tenant: Tenant, tmp_path: Path) -> None:
    await _takes(tenant, "*.csv")
    await tenant.imported("bad.csv", "e-mail,name\nann@example.com,Ann\n")
    assert await _totals(tenant) == {}
    failpoints.arm("importer.finishing=raise", tmp_path)
    run = await tenant.imported("all.csv", FIRST)
    assert run["state"] == "failed"
    assert await _totals(tenant) == {}
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.retry(tx, run["run_id"])
    await tenant.ended(lambda each: each["run_id"] == run["run_id"] and each["state"] != "failed")
    await tenant.imported("same.csv", FIRST)
    found = (await _totals(tenant))["import"]
    assert (found.profiles, found.runs, found.rows) == (2, 1, 4), "the same bytes again are skipped"


async def test_whom_events_tell_of_counts_and_who_is_exported_once(tenant: Tenant) -> None:
    await _are_there_otherwise(tenant, "ann", "bob", "cas")
    told = {
        "kind": "import_events",
        "name": "Orders",
        "source": {"pattern": {"wildcard": "*.txt"}, "readiness": {"strategy": "rename"}},
        "identifiers": [{"field": "email", "property": "email"}],
        "event": {"type": "order", "id": {"field": "order"}, "occurred_at": {"field": "at"}},
    }
    await tenant.save(ImportEvents.model_validate(told))
    text = "order,email,at\n1,ann@example.com,2026-03-01\n2,ann@example.com,2026-03-02\n3,zoe@example.com,2026-03-01\n"
    await tenant.imported("orders_1.txt", text)
    await tenant.imported("orders_2.txt", text.replace("3,zoe", "1,ann").replace("2,ann", "2,bob"))
    found = (await _totals(tenant))["import"]
    assert (found.profiles, found.runs, found.rows) == (2, 2, 6)

    export = {
        "kind": "export_profiles",
        "name": "Out",
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": [{"property": "email"}],
        "processors": [{"kind": "keep_rows", "where": {"field": "email", "not_equals": "cas@example.com"}}],
        "split": {"rows": 1},
    }
    goal_id = await tenant.save(ExportProfiles.model_validate(export))
    for _ in range(2):
        run = await tenant.exported(goal_id)
        assert run["state"] == "completed", run["receipt"]
    found = (await _totals(tenant))["export"]
    assert (found.profiles, found.runs, found.files, found.rows) == (2, 2, 4, 4)
    assert found.size_bytes == 2 * sum(each["size_bytes"] for each in run["receipt"]["files"])
