"""Exports of what became of messages, against what a plain reading of the same events comes to."""

import csv
import random
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from services.poller.clock import tick
from services.poller.wiring import tools_of
from shared.domain.export_messages import FACTS_PER, Per, ResponseFact
from shared.domain.goal import Goal
from shared.storage import consent, domain_groups, events, goals, messages
from shared.storage.database import Tx
from shared.storage.events import Arrived
from shared.storage.messages import MessageFilter
from tests.integration.road.place import Tenant, goal

_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)
PEOPLE = ("ann", "bob", "cas", "dan")
BEGAN = datetime(2026, 3, 1, 6, tzinfo=UTC)
DIALECT = {"dateFormat": "YYYY-MM-DD HH:mm", "timezone": "UTC"}
MAILING_EVENTS = ("sent", "opened", "clicked", "bounced", "complained", "unsubscribed")
Row = dict[str, str]


def _responses(**changes: Any) -> Goal:
    per: Per = changes.get("per", "person_and_message")
    facts = [{"fact": each.value} for each in ResponseFact if each in FACTS_PER[per]]
    plain: dict[str, Any] = {
        "kind": "export_responses",
        "name": "Responses",
        "target": {"directory": "out", "file_name": "all.csv"},
        "dialect": DIALECT,
        "columns": facts if per == "message" else [{"property": "email"}, *facts],
    }
    return _GOAL.validate_python({**plain, **changes})


async def _told(tenant: Tenant, export: UUID, *, code: str | None = None) -> list[Row]:
    run = await tenant.exported(export)
    assert run["state"] == "completed", run["receipt"]
    assert [each["code"] for each in run["receipt"]["warnings"]] == ([] if code is None else [code])
    with (tenant.directory / "out" / "all.csv").open(newline="") as file:
        return list(csv.DictReader(file))


class Happenings:
    """Events of an account, and what they come to when they are counted one by one."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._told: list[Arrived] = []
        self._ids: dict[str, int] = {}

    async def begin(self, *, without_number: str = "") -> None:
        """Make the people, each with a number but for one of them."""
        await self._tenant.save(goal(mapping=[{"field": "number", "property": "number"}]))
        lines = "".join(f"{name}@example.com,{'' if name == without_number else name}\n" for name in PEOPLE)
        await self._tenant.imported("people.csv", "email,number\n" + lines)
        async with self._tenant.base.database.account(self._tenant.account_id) as tx:
            found = await tx.connection.fetch(f"SELECT id, p_email FROM {tx.schema}.profiles")
        self._ids = {row["p_email"].partition("@")[0]: row["id"] for row in found}

    async def happen(self, *told: tuple[str, str, str, int], **properties: str) -> None:
        """Events of a type, a person, a message and minutes after the beginning."""
        async with self._tenant.base.database.account(self._tenant.account_id) as tx:
            await self._happen(tx, told, properties)

    async def _happen(self, tx: Tx, told: tuple[tuple[str, str, str, int], ...], properties: dict[str, str]) -> None:
        kinds = {message: "sms" if kind.startswith("sms_") else "mailing" for kind, _, message, _ in told}
        numbers = await messages.referred(tx, [(kind, message) for message, kind in kinds.items()])  # type: ignore[misc]  # two literals
        made = [
            Arrived(
                event_type=kind,
                event_id=None,
                profile_id=self._ids[person],
                occurred_at=BEGAN + timedelta(minutes=minutes),
                message_number=numbers[(kinds[message], message)],  # type: ignore[index]  # the same
                properties=properties,
                items={},
            )
            for kind, person, message, minutes in told
        ]
        await events.record(tx, await domain_groups.number_of(tx, "default"), made)
        await consent.suppress(tx, run_id=None, source="test")
        self._told += made

    def rows(self) -> dict[tuple[str, str], Row]:
        """What is to be told of each person and message."""
        people = {number: name for name, number in self._ids.items()}
        found: dict[tuple[str, str], list[Arrived]] = defaultdict(list)
        for each in self._told:
            found[(people[each.profile_id], str(each.message_number))].append(each)
        return {(person, number): _row(person, number, of) for (person, number), of in found.items()}

    def totals(self) -> dict[str, Row]:
        """What is to be told of each message."""
        found: dict[str, list[Row]] = defaultdict(list)
        for (_, number), row in self.rows().items():
            found[number].append(row)
        return {number: _total(rows) for number, rows in found.items()}


def _at(moments: list[datetime]) -> tuple[str, str]:
    """The first and the last."""
    written = sorted(each.strftime("%Y-%m-%d %H:%M") for each in moments) or [""]
    return written[0], written[-1]


def _row(person: str, number: str, of: list[Arrived]) -> Row:
    times = {kind: _at([each.occurred_at for each in of if each.event_type == kind]) for kind in MAILING_EVENTS}
    kinds = {each.properties.get("kind", "") for each in of if each.event_type == "bounced"}
    return {
        "email": f"{person}@example.com",
        "record": "response",
        "message_number": number,
        "message_reference": f"m{number}",
        "message_name": "",
        "sent_at": times["sent"][0],
        "opens": str(sum(each.event_type == "opened" for each in of)),
        "clicks": str(sum(each.event_type == "clicked" for each in of)),
        "first_opened_at": times["opened"][0],
        "last_opened_at": times["opened"][1],
        "first_clicked_at": times["clicked"][0],
        "last_clicked_at": times["clicked"][1],
        "bounced_at": times["bounced"][1],
        "bounce_kind": "hard" if "hard" in kinds else "".join(kinds),
        "complained_at": times["complained"][0],
        "unsubscribed_at": times["unsubscribed"][0],
    }


def _total(rows: list[Row]) -> Row:
    def people(column: str) -> str:
        return str(sum(row[column] not in ("", "0") for row in rows))

    return {
        **{name: rows[0][name] for name in ("record", "message_number", "message_reference", "message_name")},
        "sent_at": min((row["sent_at"] for row in rows if row["sent_at"]), default=""),
        "opens": str(sum(int(row["opens"]) for row in rows)),
        "clicks": str(sum(int(row["clicks"]) for row in rows)),
        "sent": people("sent_at"),
        "unique_opens": people("opens"),
        "unique_clicks": people("clicks"),
        "bounces": people("bounced_at"),
        "hard_bounces": str(sum(row["bounce_kind"] == "hard" for row in rows)),
        "complaints": people("complained_at"),
        "unsubscribes": people("unsubscribed_at"),
    }


async def test_responses_are_told_per_person_and_message_and_later_only_what_is_new(tenant: Tenant) -> None:
    told = Happenings(tenant)
    await told.begin()
    # Numbers are given in the order of their coming, so that m1 is 1 and so on.
    chance = random.Random(5)
    for number in (1, 2, 3):
        await told.happen(*(("sent", person, f"m{number}", number) for person in PEOPLE))
    for kind, hardness in (
        ("opened", {}),
        ("clicked", {}),
        ("bounced", {"kind": "soft"}),
        ("bounced", {"kind": "hard"}),
    ):
        many = 25 if kind in ("opened", "clicked") else 3
        picked = [
            (kind, chance.choice(PEOPLE), f"m{chance.choice((1, 2, 3))}", chance.randrange(9_000)) for _ in range(many)
        ]
        await told.happen(*picked, **hardness)

    export = await tenant.save(_responses(period={"since_last": True}))
    by_message = await tenant.save(_responses(period={"since_last": True}, per="message"))
    known = told.rows()
    everything = [known[(person, str(number))] for number in (1, 2, 3) for person in PEOPLE]
    assert await _told(tenant, export, code="full_export") == everything
    assert await _told(tenant, by_message, code="full_export") == list(told.totals().values())
    assert await _told(tenant, export) == []
    assert await _told(tenant, by_message) == []

    # One message is answered for the first time, another once more, long before what was told.
    await told.happen(("opened", "bob", "m4", 5), ("unsubscribed", "bob", "m2", 9_999), ("opened", "ann", "m1", -10))
    await told.happen(("complained", "dan", "m2", 7))
    changed = [told.rows()[key] for key in (("ann", "1"), ("bob", "2"), ("dan", "2"), ("bob", "4"))]
    assert await _told(tenant, export) == changed
    assert await _told(tenant, by_message) == [told.totals()[number] for number in ("1", "2", "4")]

    # A message that is called otherwise is told otherwise, of everybody.
    async with tenant.base.database.account(tenant.account_id) as tx:
        [third] = await messages.page(tx, MessageFilter(number=3), limit=2)
        await messages.change(tx, await messages.lock(tx, third.id), "March", None)
    rows = await _told(tenant, export)
    assert [(row["email"], row["message_number"], row["message_name"]) for row in rows] == [
        (f"{person}@example.com", "3", "March") for person in PEOPLE
    ]
    assert [row["message_name"] for row in await _told(tenant, by_message)] == ["March"]
    assert await _told(tenant, export) == []
    assert await _told(tenant, by_message) == []

    # Of some messages, and of who is in a segment, which a column shows.
    of_bob = str(await tenant.segment({"property": "email", "equals": "bob@example.com"}))
    shown = [{"property": "email"}, {"fact": "message_number"}, {"segments": "all"}, {"lists": "all"}]
    asking = [{"kind": "keep_rows", "where": {"segment": of_bob}}]
    some = _responses(columns=shown, messages=[2, 4], period={"last_days": 10_000}, processors=asking)
    plain = {"email": "bob@example.com", "segments": of_bob, "lists": ""}
    expected = [{**plain, "message_number": number} for number in ("2", "4")]
    assert await _told(tenant, await tenant.save(some)) == expected
    assert await _told(tenant, await tenant.save(_responses(period={"last_days": 1}))) == []


async def test_unsubscribes_stand_behind_the_responses_and_who_had_no_identifier_is_told_of_later(
    tenant: Tenant,
) -> None:
    told = Happenings(tenant)
    await told.begin(without_number="cas")
    facts = ("record", "message_number", "opens", "bounced_at", "complained_at", "unsubscribed_at")
    columns = [{"property": "number"}, *({"fact": each} for each in facts)]
    export = await tenant.save(
        _responses(columns=columns, identifier="number", with_unsubscribes=True, period={"since_last": True})
    )

    async def texts() -> tuple[list[str], dict[str, int]]:
        run = await tenant.exported(export)
        assert run["state"] == "completed", run["receipt"]
        _, *lines = (tenant.directory / "out" / "all.csv").read_text().splitlines()
        return lines, run["receipt"]["held_back"]

    await told.happen(("opened", "ann", "m1", 1), ("unsubscribed", "bob", "m1", 60), ("opened", "cas", "m1", 3))
    await told.happen(("bounced", "cas", "m1", 4), kind="hard")
    left, came_back = "2026-03-01 07:00", "2026-03-01 06:04"
    first = ["ann,response,1,1,,,", f"bob,response,1,0,,,{left}", f"bob,unsubscribe,,,,,{left}"]
    assert await texts() == (first, {"no_identifier": 2})
    # Another number of Ann's is no response, and of Cas nothing can be told yet.
    await tenant.imported("more.csv", "email,number\nann@example.com,ann2\n")
    assert await texts() == ([], {})
    await tenant.imported("found.csv", "email,number\ncas@example.com,cas\n")
    await told.happen(("complained", "dan", "m2", 7), ("opened", "bob", "m2", 8))
    assert await texts() == (
        [
            f"cas,response,1,1,{came_back},,",
            "bob,response,2,1,,,",
            "dan,response,2,0,,2026-03-01 06:07,",
            f"cas,unsubscribe,,,{came_back},,",
            "dan,unsubscribe,,,,2026-03-01 06:07,",
        ],
        {},
    )
    assert await texts() == ([], {})
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(
            f"UPDATE {tx.schema}.profiles SET suppression = 'erased', suppressed_xid = pg_current_xact_id(), "
            "changed_xid = pg_current_xact_id() WHERE p_email = 'dan@example.com'"
        )
    assert await texts() == (["dan,unsubscribe,,,,,2026-03-01 06:07"], {})
    async with tenant.base.database.account(tenant.account_id) as tx:
        goal_of_all = (await goals.get(tx, export)).goal
        await goals.update(tx, export, goal_of_all.model_copy(update={"identifier": None}))
    everything, _ = await texts()
    assert len(everything) == len(told.rows()) + 3


async def test_what_became_of_sms_is_told(tenant: Tenant) -> None:
    told = Happenings(tenant)
    await told.begin()
    facts = ("message_reference", "sent_at", "delivered_at", "failed_at", "failure", "failure_code")
    export = await tenant.save(
        _GOAL.validate_python(
            {
                "kind": "export_sms",
                "name": "SMS",
                "target": {"directory": "out", "file_name": "all.csv"},
                "dialect": DIALECT,
                "columns": [{"property": "email"}, *({"fact": each} for each in facts)],
                "period": {"since_last": True},
            }
        )
    )

    async def texts(code: str | None = None) -> list[list[str]]:
        return [list(row.values()) for row in await _told(tenant, export, code=code)]

    await told.happen(("sms_sent", "ann", "s1", 0), ("sms_sent", "bob", "s1", 0), ("sms_delivered", "ann", "s1", 1))
    await told.happen(("sms_failed", "bob", "s1", 2), code="21", reason="Number unknown")
    await told.happen(("opened", "ann", "m1", 3))
    at = "2026-03-01 06:0"
    assert await texts("full_export") == [
        ["ann@example.com", "s1", at + "0", at + "1", "", "", ""],
        ["bob@example.com", "s1", at + "0", "", at + "2", "Number unknown", "21"],
    ]
    await told.happen(("sms_failed", "bob", "s1", 4), code="7")
    assert await texts() == [["bob@example.com", "s1", at + "0", "", at + "4", "7", "7"]]
    # That a mailing is answered is no news here, and a failure before the last changes nothing that is shown.
    await told.happen(("clicked", "bob", "m1", 5))
    assert await texts() == []


async def test_a_mailings_responses_come_in_and_go_out_when_they_have_ceased(tenant: Tenant, tmp_path: Path) -> None:
    await tenant.save(goal())
    await tenant.imported("people.csv", "email,name\nann@example.com,Ann\nbob@example.com,Bob\n")
    said: dict[str, Any] = {
        "type": {"field": "What", "types": {"open": "opened", "click": "clicked"}},
        "occurred_at": {"field": "When", "dateFormat": "YYYY-MM-DD HH:mm", "timezone": "Europe/Amsterdam"},
        "message": {"field": "Mailing"},
    }
    answers = {
        "kind": "import_events",
        "name": "Answers",
        "source": {"pattern": {"wildcard": "*.txt"}, "readiness": {"strategy": "rename"}},
        "identifiers": [{"field": "E-mail", "property": "email"}],
        "event": said,
    }
    await tenant.save(_GOAL.validate_python(answers))
    columns = [{"property": "name"}, *({"fact": each} for each in ("message_reference", "opens", "last_clicked_at"))]
    period, when = {"since_last": True}, [{"after_responses": {"minutes": 30}}]
    export = await tenant.save(_responses(columns=columns, period=period, when=when))
    # Who waits for another message's responses, or for what becomes of SMS, is not waiting for these.
    await tenant.save(_responses(when=when, messages=[2]))
    sms = {"kind": "export_sms", "name": "SMS", "columns": [{"fact": "failure"}], "when": when}
    await tenant.save(_GOAL.validate_python(sms))
    day = "2026-03-01 0"
    run = await tenant.imported(
        "answers.txt",
        "What,E-mail,When,Mailing\n"
        f"open,ann@example.com,{day}7:00,Spring\nopen,ann@example.com,{day}7:05,Spring\n"
        f"click,bob@example.com,{day}7:06,Spring\n",
    )
    assert run["state"] == "completed", run["receipt"]

    async def passed(minutes: int) -> None:
        moment = datetime.now(UTC) + timedelta(minutes=minutes)
        await tick(replace(tools_of(tenant.base, tmp_path), now=lambda: moment))

    await passed(29)
    assert [each for each in await tenant.runs() if each["kind"] == "export"] == []
    await passed(31)
    assert [each["goal_id"] for each in await tenant.runs() if each["kind"] == "export"] == [export]
    run = await tenant.ended(lambda each: each["goal_id"] == export)
    assert run["state"] == "completed", run["receipt"]
    assert (tenant.directory / "out" / "all.csv").read_text().splitlines()[1:] == [
        "Ann,Spring,2,",
        f"Bob,Spring,0,{day}6:06",
    ]
