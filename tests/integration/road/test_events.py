"""Files of timeline events: rows become events of profiles that there are, once and as a whole, and do what they do."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from shared.domain.goal import ImportEvents
from shared.observe import failpoints
from shared.storage import decisions, events, messages, profiles
from shared.storage.events import Event, EventFilter
from tests.integration.road.place import Tenant, goal
from tests.integration.road.test_full_files import zip_of

PEOPLE = "email,name\nann@example.com,Ann\nbob@example.com,Bob\n"
ORDERS = """Order;E-mail;Date;Total;SKU;Price
17;ann@example.com;01.03.2026 10:00;12,50;A;5
17;ann@example.com;01.03.2026 10:00;12,50;B;7,50
18;bob@example.com;02.03.2026 11:30;;;
"""
EVENT: dict[str, Any] = {
    "type": "order",
    "id": {"field": "Order"},
    "occurred_at": {"field": "Date", "dateFormat": "DD.MM.YYYY HH:mm", "timezone": "Europe/Amsterdam"},
    "mapping": [{"field": "Total", "property": "total"}, {"constant": "web", "property": "channel"}],
    "items": [
        {"kind": "products", "mapping": [{"field": "SKU", "property": "sku"}, {"field": "Price", "property": "price"}]}
    ],
}


def _goal(event: dict[str, Any] | None = None, **changes: Any) -> ImportEvents:
    plain: dict[str, Any] = {
        "kind": "import_events",
        "name": "Orders",
        "source": {"pattern": {"wildcard": "*.txt"}, "readiness": {"strategy": "rename"}},
        "dialect": {"delimiter": ";", "decimalChar": ","},
        "identifiers": [{"field": "E-mail", "property": "email"}],
        "event": EVENT | (event or {}),
    }
    return ImportEvents.model_validate({**plain, **changes})


async def _with_people(tenant: Tenant) -> None:
    await tenant.save(goal())
    await tenant.imported("people.csv", PEOPLE)


async def _events(tenant: Tenant) -> list[Event]:
    async with tenant.base.database.account(tenant.account_id) as tx:
        return await events.page(tx, EventFilter(), after_number=0, limit=1000)


def _counts(run: dict[str, Any]) -> tuple[int, ...]:
    receipt = run["receipt"]
    names = ("rows_read", "created", "updated", "unchanged", "rejected", "events_affected", "items_affected")
    return tuple(receipt[name] for name in names)


async def test_rows_of_one_event_are_one_event_with_items_and_the_same_file_again_changes_nothing(
    tenant: Tenant,
) -> None:
    await _with_people(tenant)
    source = {"pattern": {"wildcard": "orders*"}, "readiness": {"strategy": "rename"}}
    await tenant.save(_goal(duplicate_content="import", source=source))
    run = await tenant.imported("orders.txt", ORDERS)
    assert (run["state"], _counts(run)) == ("completed", (3, 3, 0, 0, 0, 2, 2)), run["receipt"]
    first, second = await _events(tenant)
    assert (first.id, first.type, first.occurred_at.isoformat()) == ("17", "order", "2026-03-01T09:00:00+00:00")
    assert first.properties == {"total": "12.5", "channel": "web"}
    assert first.items == {"products": [{"sku": "A", "price": "5"}, {"sku": "B", "price": "7.5"}]}
    assert (second.properties, second.items) == ({"channel": "web"}, {})
    assert first.created_by_run == run["run_id"]
    assert _counts(await tenant.imported("orders_again.txt", ORDERS)) == (3, 0, 0, 3, 0, 0, 0)
    header, *rows = ORDERS.splitlines(keepends=True)
    run = await tenant.imported("orders_later.txt", header + rows[0] + rows[2])
    assert _counts(run) == (2, 0, 1, 1, 0, 1, 1)
    assert (await _events(tenant))[0].items == {"products": [{"sku": "A", "price": "5"}]}
    # The files of an archive are one file: an event may stand in several.
    parts = (header + rows[0] + "19;nobody@example.com;01.03.2026 10:00;1;A;1\n", header + rows[1] + rows[2])
    run = await tenant.imported("orders.zip", zip_of(*parts))
    assert _counts(run) == (4, 0, 2, 1, 1, 1, 2)
    assert [
        (each["updated"], each["unchanged"], each["rejects_by_code"]) for each in run["receipt"]["file"]["members"]
    ] == [(1, 0, {"unknown_profile": 1}), (1, 1, {})]
    assert (await _events(tenant))[0] == replace(first, updated_by_run=run["run_id"])


async def test_an_event_is_whole_or_comes_back_whole(tenant: Tenant) -> None:
    await _with_people(tenant)
    await tenant.save(_goal())
    day = "01.03.2026 10:00"
    run = await tenant.imported(
        "orders.txt",
        "Order;E-mail;Date;Total;SKU;Price\n"
        f"1;ann@example.com;{day};1;A;x\n"
        f"1;ann@example.com;{day};1;B;2\n"
        f"2;ann@example.com;{day};1;A;1\n"
        f"2;ann@example.com;{day};2;B;1\n"
        f"3;nobody@example.com;{day};1;A;1\n"
        f"3;ann@example.com;{day};1;B;1\n"
        f";ann@example.com;{day};1;A;1\n"
        "4;ann@example.com;;1;A;1\n"
        f"5;;{day};1;A;1\n"
        f"6;ann@example.com;{day};1;A;1\n",
    )
    assert sorted(await tenant.rejects(run)) == [
        (2, "not_a_number", "Price"),
        (3, "event_incomplete", None),
        (4, "event_contradicted", None),
        (5, "event_contradicted", None),
        (6, "unknown_profile", "E-mail"),
        (7, "event_incomplete", None),
        (8, "empty_value", "Order"),
        (9, "empty_value", "Date"),
        (10, "no_identifier", "E-mail"),
    ]
    assert _counts(run) == (10, 1, 0, 0, 9, 1, 1)
    assert [each.id for each in await _events(tenant)] == ["6"]
    # Handed back as they came, and mended: the whole event.
    raw = await tenant.raw_rejects(run)
    mended = (
        "Order;E-mail;Date;Total;SKU;Price\n" + "\n".join(";".join(row).replace("x", "3") for row in raw[:2]) + "\n"
    )
    assert _counts(await tenant.imported("mended.txt", mended.replace("e3ample", "example"))) == (2, 2, 0, 0, 0, 1, 2)
    assert (await _events(tenant))[1].items == {"products": [{"sku": "A", "price": "3"}, {"sku": "B", "price": "2"}]}


RESPONSES = """What,E-mail,At,Mailing,Link,Kind
open,ann@example.com,2026-03-01T10:00:00Z,spring,,
click,ann@example.com,2026-03-01T10:01:00Z,spring,https://shop.example/,
bounce,bob@example.com,2026-03-01T10:02:00Z,spring,,HardBounce
bounce,ann@example.com,2026-03-01T10:02:00Z,spring,,soft
order,ann@example.com,2026-03-01T10:03:00Z,spring,https://shop.example/,hard
gone,ann@example.com,2026-03-01T10:04:00Z,spring,,
"""


async def test_responses_make_messages_and_suppress_whom_they_say(tenant: Tenant) -> None:
    await _with_people(tenant)
    told = {
        "type": {
            "field": "What",
            "types": {"open": "opened", "click": "clicked", "bounce": "bounced", "order": "order"},
        },
        "id": None,
        "occurred_at": {"field": "At"},
        "message": {"field": "Mailing"},
        "mapping": [
            {"field": "Link", "property": "url"},
            {"field": "Kind", "property": "kind", "choices": {"HardBounce": "hard"}},
        ],
        "items": [],
    }
    await tenant.save(_goal(told, name="Responses", dialect={}))
    run = await tenant.imported("responses.txt", RESPONSES)
    assert await tenant.rejects(run) == [(7, "unknown_choice", "What")]
    assert _counts(run) == (6, 5, 0, 0, 1, 5, 0)
    assert (run["receipt"]["suppressed"], run["receipt"]["profiles_affected"]) == ({"bounced": 1}, 1)
    found = await _events(tenant)
    async with tenant.base.database.account(tenant.account_id) as tx:
        (spring,) = await messages.page(tx, messages.MessageFilter(), 10)
        bob = await profiles.find(tx, tenant.properties, 1, {"email": "bob@example.com"})
    assert (spring.kind, spring.reference, spring.created_by_run) == ("mailing", "spring", run["run_id"])
    assert [(each.type, each.properties, each.message_number) for each in found] == [
        ("opened", {}, 1),
        ("clicked", {"url": "https://shop.example/"}, 1),
        ("bounced", {"kind": "hard"}, 1),
        ("bounced", {"kind": "soft"}, 1),
        ("order", {}, None),
    ]
    assert bob is not None
    assert (bob.suppression, bob.opt_in, bob.updated_by_run) == ("bounced", None, run["run_id"])
    # Without an id each row is a new event, so that the same bytes are not taken twice in silence.
    again = await tenant.imported("again.txt", RESPONSES)
    assert (again["state"], again["reason_code"]) == ("waiting", "duplicate_content")


async def test_an_import_that_is_struck_leaves_nothing_and_is_repeated_once(tenant: Tenant, tmp_path: Path) -> None:
    await _with_people(tenant)
    # Without ids, so that nothing would keep a second telling apart from a first.
    told = {"id": None, "items": [], "type": "unsubscribed", "mapping": [], "message": {"field": "Order"}}
    await tenant.save(_goal(told))
    failpoints.arm("importer.finishing=raise", tmp_path)
    run = await tenant.imported("orders.txt", ORDERS)
    assert (run["state"], run["reason_code"]) == ("failed", "internal_error")
    async with tenant.base.database.account(tenant.account_id) as tx:
        assert await events.page(tx, EventFilter(), after_number=0, limit=10) == []
        assert await messages.page(tx, messages.MessageFilter(), 10) == []
        ann = await profiles.find(tx, tenant.properties, 1, {"email": "ann@example.com"})
        assert ann is not None
        assert ann.suppression is None
        await decisions.retry(tx, run["run_id"])
    run = await tenant.ended(lambda each: each["run_id"] == run["run_id"] and each["state"] != "failed")
    assert (_counts(run), run["receipt"]["suppressed"]) == ((3, 3, 0, 0, 0, 3, 0), {"unsubscribed": 2})
    assert len(await _events(tenant)) == 3


async def test_profiles_are_named_as_other_imports_name_them(tenant: Tenant) -> None:
    named = [{"field": each, "property": each} for each in ("email", "number")]
    await tenant.save(goal(identifiers=named, mapping=[]))
    await tenant.imported("people.csv", "email,number\nann@example.com,1\nbob@example.com,2\n")
    async with tenant.base.database.account(tenant.account_id) as tx:
        ann = await profiles.find(tx, tenant.properties, 1, {"email": "ann@example.com"})
    assert ann is not None
    told = {"id": None, "items": [], "occurred_at": {"field": "at"}, "mapping": []}
    by_number = [{"field": "id", "property": "system_id"}]
    await tenant.save(_goal(told, identifiers=named, dialect={}))
    numbered = {"pattern": {"wildcard": "*.log"}, "readiness": {"strategy": "rename"}}
    await tenant.save(_goal(told, name="Numbered", identifiers=by_number, dialect={}, source=numbered))
    day = "2026-03-01"
    rows = f"email,number,at\nANN@example.com,,{day}\nann@example.com,2,{day}\n,1,{day}\n"
    assert await tenant.rejects(await tenant.imported("e.txt", rows)) == [(3, "identifier_conflict", "number")]
    rows = f"id,at\n{ann.id},{day}\n987654321,{day}\n"
    assert await tenant.rejects(await tenant.imported("e.log", rows)) == [(3, "unknown_profile", "id")]
    assert [each.profile_id for each in await _events(tenant)] == [ann.id] * 3
