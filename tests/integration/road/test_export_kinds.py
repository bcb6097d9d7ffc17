"""Exports of profiles of one sort: who may no longer be written to."""

import csv
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from shared.domain.goal import Goal
from tests.integration.road.place import Tenant, goal

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)


async def _save(tenant: Tenant, kind: str, **changes: Any) -> UUID:
    plain: dict[str, Any] = {
        "kind": kind,
        "name": "Kinds",
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": [{"property": "email"}, {"property": "suppression"}],
    }
    return await tenant.save(_GOAL.validate_python({**plain, **changes}))


async def _told(tenant: Tenant, export: UUID, *, code: str | None = None) -> dict[str, str]:
    """What an export delivers: the second column by the name in the e-mail address."""
    run = await tenant.exported(export)
    assert run["state"] == "completed", run["receipt"]
    assert [each["code"] for each in run["receipt"]["warnings"]] == ([] if code is None else [code])
    with (tenant.directory / "out" / "all.csv").open(newline="") as file:
        _, *rows = csv.reader(file)
    return {row[0].partition("@")[0]: row[1] for row in rows}


async def _set(tenant: Tenant, text: str) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(text.replace("{schema}", tx.schema))


async def test_who_unsubscribed_is_told_once_and_no_other_change(tenant: Tenant) -> None:
    mapping = [{"field": "number", "property": "number"}]
    await tenant.save(goal(mapping=mapping))
    leaving = {"opt_in": {"declaration": "unsubscribe_everyone"}, "name": "Leaving"}
    source = {"pattern": {"wildcard": "leave_*.csv"}, "readiness": {"strategy": "rename"}}
    await tenant.save(goal(mapping=mapping, source=source, **leaving))
    await tenant.imported("in.csv", "email,number\nann@example.com,A1\nbob@example.com,\ncas@example.com,C1\n")
    await tenant.imported("leave_1.csv", "email,number\nann@example.com,A1\nbob@example.com,\n")

    since_last = await _save(tenant, "export_unsubscribes", period={"since_last": True}, identifier="number")
    recent = await _save(tenant, "export_unsubscribes", period={"last_days": 2}, reasons=["bounced", "unsubscribed"])
    everybody = await _save(tenant, "export_unsubscribes")
    assert await _told(tenant, since_last, code="full_export") == {"ann": "unsubscribed"}
    assert await _told(tenant, since_last) == {}
    # Ann changed otherwise, which is no news here; Bob can only now be told of; Cas is new.
    await tenant.imported("in.csv", "email,number\nann@example.com,A2\nbob@example.com,B1\n")
    await tenant.imported("leave_2.csv", "email,number\ncas@example.com,C1\n")
    assert await _told(tenant, since_last) == {"bob": "unsubscribed", "cas": "unsubscribed"}
    assert await _told(tenant, since_last) == {}

    await _set(
        tenant,
        """UPDATE {schema}.profiles SET suppressed_xid = pg_current_xact_id(),
        suppression = CASE WHEN id = 1 THEN 'complained' ELSE 'bounced' END,
        suppressed_at = CASE WHEN id = 2 THEN now() - interval '49 hours' ELSE now() END WHERE id < 3""",
    )
    assert await _told(tenant, since_last) == {"ann": "complained", "bob": "bounced"}
    assert await _told(tenant, recent) == {"cas": "unsubscribed"}
    assert await _told(tenant, everybody) == {"ann": "complained", "bob": "bounced", "cas": "unsubscribed"}
