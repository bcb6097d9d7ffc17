"""Timeline events beside the profiles of an export: a file a type, and a file for what its events hold several of."""

import csv
import gzip
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from shared.domain.event import EventProperty, EventType, ItemKind
from shared.domain.event_files import EventFiles
from shared.domain.export_goal import ExportProfiles
from shared.domain.failures import PreviewTooSlow
from shared.domain.property import PropertyType
from shared.observe import failpoints
from shared.runtime.export_preview import export_preview
from shared.storage import decisions, event_types, events, messages
from shared.storage.events import Arrived
from tests.integration.openpgp.sender import sender
from tests.integration.road.place import Tenant, goal
from tests.integration.road.test_packed_exports import add_keys, lying, ours, partner
from tests.openpgp import public

NOON = datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)
Rows = list[dict[str, str]]


def _export(**changes: Any) -> ExportProfiles:
    plain: dict[str, Any] = {
        "kind": "export_profiles",
        "name": "With events",
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": [{"property": "number"}, {"property": "email", "header": "E-mail"}],
        "identifier": "email",
        "events": {"types": "all"},
    }
    return ExportProfiles.model_validate({**plain, **changes})


def _event(person: int, at: datetime = NOON, kind: str = "order", **changes: Any) -> Arrived:
    plain: dict[str, Any] = {"event_id": None, "message_number": None, "properties": {}, "items": {}}
    return Arrived(event_type=kind, profile_id=person, occurred_at=at, **{**plain, **changes})


async def _tell(tenant: Tenant, *told: Arrived) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        await events.record(tx, 1, told)


async def _people(tenant: Tenant, *emails: str) -> list[int]:
    """The numbers of profiles with these addresses, or without; and with the numbers 1, 2 and so on of their own."""
    named = [{"field": "email", "property": "email"}, {"field": "number", "property": "number"}]
    await tenant.save(goal(identifiers=named, mapping=[]))
    rows = (f"{email},{number}\n" for number, email in enumerate(emails, start=1))
    await tenant.imported("people.csv", "email,number\n" + "".join(rows))
    async with tenant.base.database.account(tenant.account_id) as tx:
        query = f"SELECT id FROM {tx.schema}.profiles ORDER BY p_number"
        return [row["id"] for row in await tx.connection.fetch(query)]


async def _exported(tenant: Tenant, export: UUID) -> dict[str, Rows]:
    """What lies there after an export, by name; nothing else lies there."""
    for file in (tenant.directory / "out").glob("*"):
        file.unlink()
    run = await tenant.exported(export)
    assert run["state"] == "completed", run["receipt"]
    found: dict[str, Rows] = {}
    for file in (tenant.directory / "out").iterdir():
        with file.open(newline="", encoding="utf-8") as text:
            found[file.name] = list(csv.DictReader(text))
    assert {f"out/{name}": len(rows) for name, rows in found.items()} == {
        each["name"]: each["rows"] for each in run["receipt"]["files"]
    }
    return found


def _ids(rows: Sequence[dict[str, str]]) -> list[str]:
    return [row["event_id"] for row in rows]


AWKWARD = 'a,"b"\n\\N\tä|\u2028'
VISIT = EventType(
    name="visit",
    message="sms",
    properties=tuple(
        EventProperty(name=name, type=kind, choices=("Ä|b", "c") if kind is PropertyType.MULTI_CHOICE else ())
        for name, kind in {
            "event_id": PropertyType.TEXT,
            "n": PropertyType.INTEGER,
            "x": PropertyType.NUMBER,
            "yes": PropertyType.BOOLEAN,
            "day": PropertyType.DATE,
            "at": PropertyType.DATETIME,
            "tags": PropertyType.LIST,
            "chosen": PropertyType.MULTI_CHOICE,
        }.items()
    ),
    items=(ItemKind(name="page", properties=(EventProperty(name="url", type=PropertyType.URL),)),),
)
SAID = {
    "event_id": AWKWARD,
    "n": "-9223372036854775808",
    "x": "9999999999999999999999999999.9999999999",
    "yes": False,
    "day": "0001-01-01",
    "at": "2026-03-29T01:30:00.000001+00:00",
    "tags": ['a,"b', "NULL", "\\N"],
    "chosen": ["c"],
}


async def test_events_and_their_items_are_written_as_typed_values_and_joined_by_their_keys(tenant: Tenant) -> None:
    ann, nobody, cas = await _people(tenant, "ann@example.com", "", "cas@example.com")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await event_types.create(tx, VISIT)
        await event_types.create(tx, EventType(name="unused"))
        # Of the same name as the file of orders' products would be.
        await event_types.create(tx, EventType(name="order_products"))
        sms = await messages.create(tx, "sms", "spring;1", "=Spring", None)
    products = [{"sku": "A", "price": "12.5"}, {"name": AWKWARD}, {"sku": "=1"}]
    await _tell(
        tenant,
        _event(cas, event_id="17", properties={"total": "0.0000000001"}, items={"products": products}),
        _event(ann, NOON + timedelta(days=1), event_id="18", items={"products": products[:1]}),
        _event(ann, event_id="19"),
        _event(nobody, event_id="nobody's", items={"products": products}),
        _event(
            ann,
            kind="visit",
            message_number=sms.number,
            properties=SAID,
            items={"page": [{"url": "https://a.example"}]},
        ),
        _event(ann, kind="order_products"),
    )
    dialect = {"dateFormat": "YYYY-MM-DD HH:mm:ss.SSS", "timezone": "Europe/Amsterdam", "listDelimiter": ";"}
    export = _export(dialect=dialect, defuse_formulas=True)
    export_id = await tenant.save(export)
    found = await _exported(tenant, export_id)
    assert set(found) == {
        "all.csv",
        "all_order.csv",
        "all_order_products.csv",
        "all_order_products_events.csv",
        "all_visit.csv",
        "all_visit_page.csv",
    }
    assert [row["E-mail"] for row in found["all.csv"]] == ["ann@example.com", "cas@example.com"]
    orders = found["all_order.csv"]
    assert [(row["event_id"], row["E-mail"], row["occurred_at"], row["total"]) for row in orders] == [
        ("19", "ann@example.com", "2026-03-01 13:00:00.250", ""),
        ("18", "ann@example.com", "2026-03-02 13:00:00.250", ""),
        ("17", "cas@example.com", "2026-03-01 13:00:00.250", "0.0000000001"),
    ]
    items = found["all_order_products.csv"]
    owners = {row["event_number"]: row for row in orders}
    assert all(owners[row["event_number"]][key] == row[key] for row in items for key in ("event_id", "E-mail"))
    assert [(row["event_id"], row["item_number"], row["sku"], row["price"], row["name"]) for row in items] == [
        ("18", "1", "A", "12.5", ""),
        ("17", "1", "A", "12.5", ""),
        ("17", "2", "", "", AWKWARD),
        ("17", "3", "'=1", "", ""),
    ]
    [visit] = found["all_visit.csv"]
    assert list(visit.items()) == [
        ("event_number", "5"),
        ("event_id", ""),
        ("E-mail", "ann@example.com"),
        ("occurred_at", "2026-03-01 13:00:00.250"),
        ("message_reference", "spring;1"),
        ("message_name", "'=Spring"),
        ("visit.event_id", AWKWARD),
        ("n", "-9223372036854775808"),
        ("x", "9999999999999999999999999999.9999999999"),
        ("yes", "false"),
        ("day", "0001-01-01 00:00:00.000"),
        ("at", "2026-03-29 03:30:00.000"),
        ("tags", 'a,"b;NULL;\\N'),
        ("chosen", "c"),
    ]
    assert [(row["event_number"], row["item_number"]) for row in found["all_visit_page.csv"]] == [("5", "1")]
    async with tenant.base.database.account(tenant.account_id, read_only=True) as tx:
        shown = await export_preview(tx, export, rows=1)
    assert [each.name for each in shown.files[:3]] == ["all.csv", "all_order.csv", "all_order_products.csv"]
    assert {each.name for each in shown.files} == set(found)
    assert shown.files[1].rows[0][:3] == ("3", "19", "ann@example.com")
    await _waited_for_no_longer(tenant, export.model_copy(update={"events": EventFiles(types=("order", "visit"))}))


async def _waited_for_no_longer(tenant: Tenant, export: ExportProfiles) -> None:
    """A preview shows what it finds in its time, where somebody else holds the events, and then the profiles."""
    database = tenant.base.database
    async with database.account(tenant.account_id) as other:
        await other.connection.execute(f"LOCK TABLE {other.schema}.events IN ACCESS EXCLUSIVE MODE")
        async with database.account(tenant.account_id, read_only=True) as tx:
            shown = await export_preview(tx, export, rows=1, seconds=2)
            assert [each.name for each in shown.files] == ["all.csv"]
            names = ("all_order.csv", "all_order_products.csv", "all_visit.csv", "all_visit_page.csv")
            assert (shown.not_shown, shown.trouble) == (names, None)
        await other.connection.execute(f"LOCK TABLE {other.schema}.profiles IN ACCESS EXCLUSIVE MODE")
        async with database.account(tenant.account_id, read_only=True) as tx:
            with pytest.raises(PreviewTooSlow):
                await export_preview(tx, export, rows=1, seconds=0.2)


async def test_a_period_counts_from_when_the_run_was_asked_for_and_may_lie_ahead(tenant: Tenant) -> None:
    (ann,) = await _people(tenant, "ann@example.com")
    now = datetime.now(UTC)
    days = (-2.5, -1.5, -0.5, 0.5, 1.5)
    await _tell(tenant, *(_event(ann, now + timedelta(days=each), event_id=str(each)) for each in days))
    for period, told in (
        (None, ["-2.5", "-1.5", "-0.5", "0.5", "1.5"]),
        ({"last_days": 2}, ["-1.5", "-0.5"]),
        ({"next_days": 1}, ["0.5"]),
    ):
        export = await tenant.save(_export(events={"types": ["sent", "order"], "period": period}))
        found = await _exported(tenant, export)
        assert _ids(found["all_order.csv"]) == told
        # Types that are named have their files always.
        assert found["all_sent.csv"] == found["all_order_products.csv"] == []


async def test_changes_alone_are_new_events_those_that_came_near_and_all_of_new_people(tenant: Tenant) -> None:
    ann, bob, cas = await _people(tenant, "ann@example.com", "bob@example.com", "cas@example.com")
    segment = await tenant.segment({"property": "number", "not_equals": "3"})
    now = datetime.now(UTC)
    async with tenant.base.database.account(tenant.account_id) as tx:
        mailing = await messages.create(tx, "mailing", "m1", "", None)
    known = _event(ann, now + timedelta(hours=1), event_id="known")
    await _tell(
        tenant,
        known,
        _event(ann, now + timedelta(hours=1), "opened", event_id="seen", message_number=mailing.number),
        _event(ann, now + timedelta(hours=1), "opened", event_id="of none"),
        _event(bob, now + timedelta(hours=1), event_id="same"),
        _event(cas, now + timedelta(hours=1), event_id="hers"),
        _event(ann, now + timedelta(days=7, hours=1), event_id="far"),
    )
    told = {"types": ["order", "opened"], "period": {"next_days": 7}}
    export = _export(segment=str(segment), changed_only=True, events=told)
    export_id = await tenant.save(export)
    assert _ids((await _exported(tenant, export_id))["all_order.csv"]) == ["known", "same"]
    found = await _exported(tenant, export_id)
    assert set(map(len, found.values())) == {0}
    async with tenant.base.database.account(tenant.account_id) as tx:
        await messages.change(tx, await messages.lock(tx, mailing.id), "Spring", None)
    found = await _exported(tenant, export_id)
    assert [(row["event_id"], row["message_name"]) for row in found.pop("all_opened.csv")] == [("seen", "Spring")]
    assert set(map(len, found.values())) == {0}

    # The day before yesterday's export: what is far off now was farther off then.
    async with tenant.base.database.account(tenant.account_id) as tx:
        moved = "UPDATE tidegate.runs SET queued_at = queued_at - interval '2 days' WHERE goal_id = $1"
        await tx.connection.execute(moved, export_id)
        nearer = "UPDATE {schema}.events SET occurred_at = occurred_at - interval '1 day' WHERE event_id = 'far'"
        await tx.connection.execute(nearer.replace("{schema}", tx.schema))
    await _tell(
        tenant,
        _event(ann, now + timedelta(hours=2), event_id="known", items={"products": [{"sku": "A"}]}),
        _event(bob, now + timedelta(hours=2), event_id="new"),
        _event(bob, now + timedelta(days=9), event_id="too far"),
    )
    await tenant.imported("more.csv", "email,number\ncas@example.com,4\n")
    found = await _exported(tenant, export_id)
    assert [row["number"] for row in found["all.csv"]] == ["4"]
    assert _ids(found["all_order.csv"]) == ["known", "far", "new", "hers"]
    assert _ids(found["all_order_products.csv"]) == ["known"]


async def test_all_files_are_shaped_packed_and_delivered_together_and_a_repeat_has_the_same(
    tenant: Tenant, tmp_path: Path
) -> None:
    await add_keys(tenant.base, tenant.account_id)
    (ann,) = await _people(tenant, "ann@example.com")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await event_types.create(tx, VISIT)
    products = [{"sku": "A"}, {"sku": "B"}, {"sku": "A"}]
    await _tell(
        tenant,
        _event(ann, event_id="1", properties={"status": "paid"}, items={"products": products}),
        _event(ann, event_id="2", properties={"status": "cancelled"}),
    )
    processors = {
        "order": [{"kind": "drop_rows", "where": {"field": "status", "equals": "cancelled"}}],
        "order_products": [
            {"kind": "deduplicate", "fields": ["event_number", "sku"], "keep": "first"},
            {"kind": "value_map", "field": "sku", "values": {"B": "b"}},
        ],
        "visit_page": [{"kind": "trim"}],
    }
    how = {
        "packing": {"compression": "gzip"},
        "encrypt_to": [partner().facts.fingerprint],
        "split": {"rows": 1},
        **{"checksum": True, "manifest": True, "done_file": {}},
    }
    export = await tenant.save(_export(events={"types": "all", "processors": processors}, **how))
    failpoints.arm("exporter.delivered=raise", tmp_path)
    run = await tenant.exported(export)
    assert (run["state"], run["reason_code"]) == ("failed", "internal_error")
    first = lying(tenant.directory / "out")
    # Since it was asked for there are events of another type: the next export would not tell of them.
    await _tell(tenant, _event(ann, kind="visit", items={"page": [{"url": "https://a.example"}]}))
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.retry(tx, run["run_id"])
    run = await tenant.ended(lambda each: each["run_id"] == run["run_id"] and each["state"] != "failed")
    assert run["state"] == "completed", run["receipt"]
    found, receipt = lying(tenant.directory / "out"), run["receipt"]
    data = [f"all{part}_001.csv.gz.pgp" for part in ("", "_order", "_order_products", "_visit", "_visit_page")]
    beside = [f"{name}.sha256" for name in data]
    assert set(found) == {*data, *beside, "all.csv.gz.pgp.manifest.json", "all.csv.gz.pgp.done"}
    assert set(found) - set(first) == {*data[3:], *beside[3:]}
    assert set(first) < set(found)
    assert (receipt["held_back"], receipt["left_out"]) == ({"value_not_mapped": 1}, {"duplicate": 1, "filtered": 1})
    assert (receipt["rows_exported"], receipt["profiles_exported"]) == (1, 1)
    told = json.loads(found["all.csv.gz.pgp.manifest.json"])["files"]
    assert [(each["name"], each["rows"]) for each in told] == [(name, 1) for name in data]
    assert all(hashlib.sha256(found[each["name"]]).hexdigest() == each["sha256"] for each in told)
    with sender() as theirs:
        theirs.knows(partner(), public(ours()))
        plain = [theirs.run("--decrypt", content=found[name], passphrase=partner().passphrase) for name in data]
    rows = [list(csv.DictReader(gzip.decompress(each).decode().splitlines())) for each in plain]
    assert [(row["event_id"], row["status"]) for row in rows[1]] == [("1", "paid")]
    assert [(row["event_id"], row["item_number"], row["sku"]) for row in rows[2]] == [("1", "2", "b")]
