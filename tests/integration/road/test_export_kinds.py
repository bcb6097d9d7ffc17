"""Exports of profiles of one sort: who may no longer be written to, and who may."""

import csv
from typing import Any
from uuid import UUID

import pytest
from pydantic import TypeAdapter

from shared.domain.failures import ListInUse
from shared.domain.goal import Goal
from shared.storage import lists
from tests.integration.road.place import Tenant, goal

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)


async def _takes(tenant: Tenant, pattern: str, **changes: Any) -> None:
    """Import the files of these names, and no other goal's."""
    source = {"pattern": {"wildcard": pattern}, "readiness": {"strategy": "rename"}}
    await tenant.save(goal(name=pattern, source=source, **changes))


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
    await _takes(tenant, "in*", mapping=mapping)
    await _takes(tenant, "leave_*", mapping=mapping, opt_in={"declaration": "unsubscribe_everyone"})
    await tenant.imported("in.csv", "email,number\nann@example.com,A1\nbob@example.com,\ncas@example.com,C1\n")
    await tenant.imported("leave_1.csv", "email,number\nann@example.com,A1\nbob@example.com,\n")

    # As whoever was suppressed before it was noted when.
    await _set(tenant, "UPDATE {schema}.profiles SET suppressed_xid = NULL WHERE id = 1")
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


async def test_who_is_on_a_list_and_may_be_written_to_is_told_and_who_left_apart(tenant: Tenant) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = await lists.create(tx, "News")
    points = [{"field": "points", "property": "points"}]
    await _takes(tenant, "in*", mapping=points, lists={"add_to": [made.number]})
    await _takes(tenant, "leave_*", mapping=[], opt_in={"declaration": "unsubscribe_everyone"})
    await _takes(tenant, "else_*", mapping=[])
    await tenant.imported("in.csv", "email,points\nann@example.com,1\nbob@example.com,2\ncas@example.com,3\n")
    await tenant.imported("else_1.csv", "email\ndan@example.com\n")
    await tenant.imported("leave_1.csv", "email\ncas@example.com\n")

    columns = [{"property": "email"}, {"property": "points"}]
    by_id, changes = str(made.id), {"changed_only": True, "leavers": True}
    export = await _save(tenant, "export_subscribers", list=by_id, columns=columns, **changes)
    assert await _told(tenant, export, code="full_export") == {"ann": "1", "bob": "2"}
    await tenant.imported("in.csv", "email,points\nbob@example.com,5\n")
    await tenant.imported("leave_2.csv", "email\nann@example.com\n")
    assert await _told(tenant, export) == {"bob": "5"}
    assert (tenant.directory / "out" / "all_left.csv").read_text() == "email,points\nann@example.com,1\n"
    whole = await _save(tenant, "export_subscribers", list=made.number, columns=columns, name="Whole")
    assert await _told(tenant, whole) == {"bob": "5"}
    # What an export is about cannot be deleted, whether it is named by id or number.
    async with tenant.base.database.account(tenant.account_id) as tx:
        with pytest.raises(ListInUse) as refused:
            await lists.delete(tx, made)
    assert all(str(each) in refused.value.detail for each in (export, whole))
