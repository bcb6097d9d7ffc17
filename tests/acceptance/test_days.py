"""Whole days of two systems whose pages Tidegate was made by, on a clock that the tests set."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import pytest_asyncio

from tests.acceptance.day import Clock, delivered, open_clock, runs_of
from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop
from tests.acceptance.system import System

ROME = ZoneInfo("Europe/Rome")
MONDAY = datetime.combine(datetime.now(ROME).date() + timedelta(days=2), time(5), ROME)
"""05:00 of a day that has not begun anywhere."""
SUNDAY = MONDAY - timedelta(hours=9)
"""What people do, they do after they have consented."""
NEWS = {"period": {"since_last": True}}


@pytest_asyncio.fixture
async def clock(system: System, tmp_path: Path) -> AsyncIterator[Clock]:
    """A clock that the test sets."""
    async with open_clock(system, tmp_path) as made:
        yield made


@pytest.fixture(autouse=True)
def workers(system: System, importer: ServiceProcess) -> None:
    """Who imports and exports."""
    system.ensure("exporter")


async def add_import(shop: Shop, kind: str, pattern: str, **goal: Any) -> None:
    """A goal for files with the columns Email and others."""
    source = {"pattern": {"wildcard": pattern}, "readiness": {"strategy": "closed"}}
    identifiers = [{"field": "Email", "property": "email"}]
    await shop.add_goal({"kind": kind, "name": pattern, "source": source, "identifiers": identifiers, **goal})


async def add_export(shop: Shop, kind: str, name: str, columns: str, when: dict[str, Any], **goal: Any) -> str:
    """A goal for a file of what is new, with these columns: facts, and properties where a name has a dot before it."""
    shown = [{"property": each[1:]} if each.startswith(".") else {"fact": each} for each in columns.split()]
    target = {"directory": "out", "file_name": f"{name}_{{requested_at:YYYYMMDDHHmmss}}.csv"}
    settings = {"kind": kind, "name": name, "target": target, "columns": shown, "when": [when], **NEWS, **goal}
    return await shop.add_goal(settings)


async def import_file(shop: Shop, name: str, text: str) -> None:
    """Drop a file, and see it imported."""
    await shop.drop(name, text.encode())
    await shop.await_runs(name, "completed")


async def tell(shop: Shop, *events: str) -> None:
    """What people did with the mailing called spring, as the system that sent it tells it: `ann opened`."""
    told = [
        {
            "type": event.split()[1],
            "id": event,
            "identifiers": {"email": f"{event.split()[0]}@shop.example"},
            "occurred_at": SUNDAY.isoformat(),
            "message": {"reference": "spring"},
        }
        for event in events
    ]
    taken = await shop.ask("POST", "/v1/events", 200, json={"events": told})
    assert taken["refused"] == 0, taken


async def test_mailups_day(shop: Shop, clock: Clock) -> None:
    """At 04:00 the customer's file comes; at 05:00 unsubscribes and statistics go out, apart and together."""
    recipients = await shop.ask("POST", "/v1/lists", 201, json={"name": "Recipients"})
    mapping = [{"field": "Name", "property": "first_name"}]
    on_list: dict[str, Any] = {"lists": {"add_to": [recipients["number"]]}, "opt_in": {"declaration": "everyone"}}
    await add_import(shop, "import_profiles", "recipients_*.csv", mapping=mapping, **on_list)
    at_five = {"cron": "0 5 * * *", "timezone": "Europe/Rome"}
    unsubscribes = await add_export(shop, "export_unsubscribes", "unsubscribes", ".email .suppression", at_five)
    columns = ".email message_reference opens clicks"
    statistics = await add_export(shop, "export_responses", "statistics", columns, at_five)
    both = await add_export(shop, "export_responses", "both", f"record {columns}", at_five, with_unsubscribes=True)

    # Sunday: the list is there, a mailing is out, and Bob has enough of it.
    await import_file(
        shop, "recipients_1.csv", "Email,Name\nann@shop.example,Ann\nbob@shop.example,Bob\ncas@shop.example,Cas\n"
    )
    await tell(shop, "ann sent", "bob sent", "cas sent", "ann opened", "bob unsubscribed")
    await clock.shows(MONDAY)
    assert await delivered(shop, unsubscribes, 1) == ["email,suppression", "bob@shop.example,unsubscribed"]
    assert await delivered(shop, statistics, 1) == [
        "email,message_reference,opens,clicks",
        "ann@shop.example,spring,1,0",
        "bob@shop.example,spring,0,0",
        "cas@shop.example,spring,0,0",
    ]
    assert len(await delivered(shop, both, 1)) == 1 + 4

    # In the course of Monday Cas leaves, and Ann clicks. On Tuesday at 04:00 the customer's file comes.
    await tell(shop, "cas unsubscribed", "ann clicked")
    tuesday = MONDAY + timedelta(days=1)
    await clock.shows(tuesday - timedelta(hours=1))
    await import_file(shop, "recipients_2.csv", "Email,Name\nann@shop.example,Anna\ndan@shop.example,Dan\n")
    assert (await shop.ask("GET", f"/v1/lists/{recipients['id']}", 200))["members"] == 4
    await clock.shows(tuesday - timedelta(seconds=1))
    assert len(await runs_of(shop, kind="export")) == 3

    # At 05:00 what is new goes out, and neither Ann's new name nor Dan is.
    await clock.shows(tuesday)
    assert await delivered(shop, unsubscribes, 2) == ["email,suppression", "cas@shop.example,unsubscribed"]
    news = ["ann@shop.example,spring,1,1", "cas@shop.example,spring,0,0"]
    assert await delivered(shop, statistics, 2) == ["email,message_reference,opens,clicks", *news]
    assert await delivered(shop, both, 2) == [
        "record,email,message_reference,opens,clicks",
        *(f"response,{each}" for each in news),
        "unsubscribe,cas@shop.example,,,",
    ]
    assert {run["kind"] for run in await runs_of(shop, connection_id=shop.connection_id)} == {"import", "export"}
    await shop.await_quiet()


async def test_spotlers_mailing(shop: Shop, clock: Clock) -> None:
    """A mailing's responses come in, by file and one by one; half an hour after the last new one they go out."""
    await add_import(shop, "import_profiles", "contacts_*.csv", mapping=[], opt_in={"declaration": "undefined"})
    event = {
        "type": {"field": "What", "types": {"open": "opened", "click": "clicked", "bounce": "bounced"}},
        "id": {"field": "Id"},
        "occurred_at": {"field": "At"},
        "message": {"field": "Mailing"},
        "mapping": [{"field": "Kind", "property": "kind"}],
    }
    await add_import(shop, "import_events", "responses_*.csv", event=event)
    quiet = {"after_responses": {"minutes": 30}}
    columns = ".email message_reference opens clicks bounce_kind .suppression"
    export = await add_export(shop, "export_responses", "responses", columns, quiet)
    half_an_hour = timedelta(minutes=30)

    await import_file(shop, "contacts_1.csv", "Email\nann@shop.example\nbob@shop.example\ncas@shop.example\n")
    await import_file(
        shop,
        "responses_1.csv",
        "Id,What,Email,At,Mailing,Kind\n"
        "1,open,ann@shop.example,2026-03-01T10:00:00Z,spring,\n"
        "2,bounce,bob@shop.example,2026-03-01T10:00:00Z,spring,hard\n",
    )
    after_the_file = datetime.now(UTC)
    await tell(shop, "ann clicked")
    after_the_click = datetime.now(UTC)
    # What is told once more is no new response, and what nobody sent as a mailing is none at all.
    await tell(shop, "ann clicked")

    await clock.shows(after_the_file + half_an_hour)
    assert await runs_of(shop, kind="export") == []
    await clock.shows(after_the_click + half_an_hour)
    heading = "email,message_reference,opens,clicks,bounce_kind,suppression"
    assert await delivered(shop, export, 1) == [
        heading,
        "ann@shop.example,spring,1,1,,",
        "bob@shop.example,spring,0,0,hard,bounced",
    ]
    await clock.shows(after_the_click + 2 * half_an_hour)
    assert len(await runs_of(shop, kind="export")) == 1

    # Cas comes home later.
    await tell(shop, "cas opened")
    await clock.shows(datetime.now(UTC) + half_an_hour)
    assert await delivered(shop, export, 2) == [heading, "cas@shop.example,spring,1,0,,"]
    await shop.await_quiet()
