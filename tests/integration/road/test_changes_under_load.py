"""Exports of what changed, under writers that never rest: each tells the changes between two snapshots, and no others.

What was true at a snapshot is told by a journal that triggers keep (journal.py).
"""

import asyncio
import csv
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from shared.domain.goal import Goal
from shared.domain.group import GroupType
from shared.domain.property import Property, PropertyType, RecordType
from shared.storage import export_marks, group_members, group_types, groups, lists, properties
from tests.integration.api.asking import Client
from tests.integration.road import journal
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

PEOPLE = [f"p{number:02}@example.com" for number in range(40)]
ROUNDS = 5
AT_MOST = 60
"""Rounds, on a machine that exports much faster than others change something."""
LOOK_SECONDS = 0.1
"""Many wait for runs here; looking as often as other tests do would be most of what happens."""
CAUSES = {"suppression", *journal.TABLES}
"""Everything that is news to an export must have been met by one."""
GONE = ("unsubscribed", "unsubscribed", "bounced", "complained")
_GOAL: TypeAdapter[Goal] = TypeAdapter(Goal)


async def test_every_change_between_two_exports_is_told_and_nothing_else(tenant: Tenant) -> None:
    world = await _world(tenant)
    resting = asyncio.Event()
    async with gateway_of(tenant) as gateway, asyncio.TaskGroup() as writing:
        for each in _writers(tenant, world, gateway, resting):
            writing.create_task(each)
        for number in range(AT_MOST):
            await asyncio.gather(world.members.once(tenant), world.gone.once(tenant))
            if number + 1 >= ROUNDS and world.members.causes >= CAUSES:
                break
        resting.set()
    await asyncio.gather(world.members.once(tenant), world.gone.once(tenant))
    # Nothing happens any more: what each partner was told last is what the database has.
    for export in (world.members, world.gone):
        assert export.told == export.rows(export.people)
    assert world.members.causes >= CAUSES, "not everything that is news was met"


@dataclass(slots=True)
class _Export:
    """An export of changes, what its partner knows by it, and what it should."""

    goal_id: UUID
    file: str
    causes_of_news: set[str]
    """What is news to it, of what a journal notes."""
    row_of: Callable[[journal.Person], tuple[str, ...] | None]
    """What it shows of a person; None where it is not about them."""
    tells_leavers: bool = False
    snapshot: str = "1:1:"
    people: dict[int, journal.Person] = field(default_factory=dict)
    told: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """The last that was told of each person."""
    causes: set[str] = field(default_factory=set)

    def rows(self, people: dict[int, journal.Person]) -> dict[int, tuple[str, ...]]:
        """What there is to tell."""
        shown = {number: self.row_of(person) for number, person in people.items()}
        return {number: row for number, row in shown.items() if row is not None}

    async def once(self, tenant: Tenant) -> None:
        """Export, and hold what comes against the journal."""
        run = await tenant.exported(self.goal_id)
        assert run["state"] == "completed", run["reason_detail"]
        async with tenant.base.database.account(tenant.account_id) as tx:
            mark = await export_marks.last(tx, self.goal_id)
            assert mark is not None
            people = await journal.seen(tx, mark.moment.snapshot, self.snapshot)
        before, now = self.rows(self.people), self.rows(people)
        expected = {
            number: row
            for number, row in now.items()
            if number not in before or people[number].touched & self.causes_of_news
        }
        assert self._read(tenant, "") == expected
        if self.tells_leavers and self.people:
            left = self._read(tenant, "_left")
            assert left.keys() == before.keys() - now.keys()
        for number in before.keys() - now.keys():
            del self.told[number]
        self.told |= expected
        self.causes |= {each for number in expected.keys() & before.keys() for each in people[number].touched}
        self.snapshot, self.people = mark.moment.snapshot, people

    def _read(self, tenant: Tenant, part: str) -> dict[int, tuple[str, ...]]:
        with (tenant.directory / "out" / f"{self.file}{part}.csv").open(newline="") as file:
            _, *rows = csv.reader(file)
        found = {int(row[0]): tuple(row[1:]) for row in rows}
        assert len(found) == len(rows), "somebody is told of twice"
        return found


@dataclass(frozen=True, slots=True)
class _World:
    members: _Export
    gone: _Export
    buyers: int
    """The number of a list that is changed directly."""
    companies: list[int]
    """Groups, by number."""


async def _world(tenant: Tenant) -> _World:
    """People, two lists, groups, imports of all that can change, and two exports."""
    tenant.look_seconds = LOOK_SECONDS
    async with tenant.base.database.account(tenant.account_id) as tx:
        buyers, club = await lists.create(tx, "Buyers"), await lists.create(tx, "Club")
        for each in ("code", "motto"):
            made = Property(name=each, type=PropertyType.TEXT, is_identifier=each == "code")
            await properties.define(tx, made, RecordType.GROUP)
        company = (await group_types.create(tx, GroupType(name="company", identifier="code"))).number
        values = [{"p_code": each, "k_code": each, "p_motto": "none"} for each in ("a", "b", "c")]
        companies = [await groups.create(tx, company, 1, each, ["k_code"]) for each in values]
    said = {"declaration": "from_file", "field": "ok", "trueValues": ["ja"], "falseValues": ["nee"]}
    full: dict[str, Any] = {"full_file": True, "absent": {"then": "remove_from_list"}}
    full["guards"] = {"approve_when_absent_over": {"share": 1, "number": 1000}}
    points = [{"field": "points", "property": "points"}]
    for pattern, changes in {
        "points_*": {"mapping": points},
        "consent_*": {"mapping": [], "opt_in": said | {"resubscribe": "always"}},
        "club_*": {"mapping": points, "lists": {"add_to": [club.number]}, **full},
    }.items():
        source = {"pattern": {"wildcard": pattern}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(name=pattern, source=source, **changes))
    await _imported(tenant, "points", dict.fromkeys(PEOPLE, "0"))
    rich = await tenant.segment({"property": "points", "at_least": 5}, "Rich")
    written = {"all": [{"list": buyers.number}, {"not": {"consent": "opted_out"}}]}
    segment = await tenant.segment(written, "Buyers that may be written to")
    columns = [
        *({"property": each} for each in ("system_id", "points", "opt_in", "suppression")),
        {"lists": [buyers.number, club.number]},
        {"segments": [str(rich)]},
        {"group": {"type": "company", "property": "motto"}},
    ]
    changes = {"segment": str(segment), "changed_only": True, "leavers": True, "columns": columns}
    members = await _save(tenant, "members", "export_profiles", **changes)
    gone = await _save(
        tenant, "gone", "export_unsubscribes", period={"since_last": True}, columns=[columns[0], columns[3]]
    )
    async with tenant.base.database.account(tenant.account_id) as tx:
        await journal.begin(tx)

    def member(person: journal.Person) -> tuple[str, ...] | None:
        values = person.values
        if buyers.number not in person.lists or values["opt_in"] is False:
            return None
        opt_in = {True: "true", None: ""}[values["opt_in"]]
        shown = "|".join(map(str, sorted(person.lists)))
        segments = str(rich) if values["p_points"] >= 5 else ""
        mottos = "|".join(dict.fromkeys(each["p_motto"] for each in person.groups.values()))
        return str(values["p_points"]), opt_in, values["suppression"] or "", shown, segments, mottos

    def gone_one(person: journal.Person) -> tuple[str, ...] | None:
        reason = person.values["suppression"]
        return None if reason is None else (reason,)

    return _World(
        _Export(members, "members", set(journal.TABLES), member, tells_leavers=True),
        _Export(gone, "gone", {"suppression"}, gone_one),
        buyers.number,
        companies,
    )


async def _save(tenant: Tenant, name: str, kind: str, **changes: Any) -> UUID:
    plain = {"kind": kind, "name": name, "target": {"directory": "out", "file_name": f"{name}.csv"}}
    return await tenant.save(_GOAL.validate_python(plain | changes))


# The writers. Who holds people longer than a statement takes holds one alone, so that nobody waits in a circle.


def _writers(tenant: Tenant, world: _World, gateway: Client, resting: asyncio.Event) -> list[Any]:
    async def forever(once: Callable[[random.Random], Awaitable[object]], seed: int) -> None:
        chance = random.Random(seed)
        while not resting.is_set():
            await once(chance)

    async def points(chance: random.Random) -> None:
        await _imported(tenant, "points", {each: str(chance.randrange(10)) for each in chance.sample(PEOPLE, 6)})

    async def consents(chance: random.Random) -> None:
        chosen = chance.sample(PEOPLE, 8)
        await _imported(tenant, "consent", {each: chance.choice(("ja", "ja", "nee")) for each in chosen}, column="ok")

    async def club(chance: random.Random) -> None:
        await _imported(tenant, "club", dict.fromkeys(chance.sample(PEOPLE, 25), "7"))

    async def events(chance: random.Random) -> None:
        type_ = chance.choice(GONE)
        told = {"type": type_, "identifiers": {"email": chance.choice(PEOPLE)}, "occurred_at": _now()}
        if type_ == "bounced":
            told["properties"] = {"kind": "hard"}
        answer = await gateway.ask("POST", "/v1/events", 200, json={"events": [told]})
        assert answer["created"] == 1, answer
        await asyncio.sleep(0.05)

    async def in_groups(chance: random.Random) -> None:
        company, people = chance.choice(world.companies), chance.sample(sorted(world.members.people or (1,)), 1)
        async with tenant.base.database.account(tenant.account_id) as tx:
            held = await groups.lock(tx, [], company)
            if chance.random() < 0.2:
                await groups.change(tx, held, {"p_motto": f"motto {chance.randrange(5)}"}, [])
            elif chance.random() < 0.7:
                await group_members.add(tx, company, people)
            else:
                await group_members.remove(tx, company, people)
        await asyncio.sleep(0.05)

    async def one_by_one(chance: random.Random) -> None:
        email, pause = chance.choice(PEOPLE), chance.choice((0.0, 0.01, 0.01, 0.4))
        await _touch(tenant, world.buyers, email, on=chance.random() < 0.7, pause=pause)

    everybody = (points, consents, club, events, in_groups, one_by_one, one_by_one)
    return [forever(each, seed) for seed, each in enumerate(everybody)]


async def _imported(tenant: Tenant, kind: str, people: dict[str, str], column: str = "points") -> None:
    content = f"email,{column}\n" + "".join(f"{email},{value}\n" for email, value in people.items())
    run = await tenant.imported(f"{kind}_{random.randrange(10**12)}.csv", content)
    if run["state"] == "waiting":
        # It met others on the same rows too often, and is tried again in a moment.
        assert run["waits_for"] == "retry", run["reason_detail"]
        run_id = run["run_id"]
        run = await tenant.ended(lambda run: run["run_id"] == run_id and run["state"] != "waiting")
    assert run["state"] == "completed", run["receipt"]


def _now() -> str:
    return datetime.now(UTC).isoformat()


_POINT = (
    "UPDATE {schema}.profiles SET p_points = p_points + 1, changed_xid = pg_current_xact_id() "
    "WHERE k_email = $1 RETURNING id"
)
_PUT = (
    "INSERT INTO {schema}.list_members (list_number, profile_id) VALUES ($1, $2) "
    "ON CONFLICT (list_number, profile_id) DO UPDATE "
    "SET removed_at = CASE WHEN $3 THEN NULL ELSE now() END, changed_xid = pg_current_xact_id()"
)


async def _touch(tenant: Tenant, number: int, email: str, *, on: bool, pause: float) -> None:
    """Change a person in one transaction; it may last longer than an export."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        profile_id = await tx.connection.fetchval(_POINT.replace("{schema}", tx.schema), email)
        await tx.connection.execute(_PUT.replace("{schema}", tx.schema), number, profile_id, on)
        await asyncio.sleep(pause)
