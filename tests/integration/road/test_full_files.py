"""Full files: who is absent from one is kept, taken off the list or unsubscribed, with all the care that takes."""

import io
import zipfile
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest_asyncio

from shared.storage import absent, decisions, list_members, lists
from shared.storage.goals import update
from tests.eventually import eventually
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

OFF = {"full_file": True, "absent": {"then": "remove_from_list"}}
PEOPLE = [f"{letter}@b.example" for letter in "abcdefghij"]


@pytest_asyncio.fixture
async def number(tenant: Tenant) -> AsyncIterator[int]:
    """The number of a list that is there."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        made = await lists.create(tx, "Regulars")
    yield made.number


def file_of(*emails: str, points: str = "1") -> str:
    """A file of these people."""
    return "email,points\n" + "".join(f"{each},{points}\n" for each in emails)


def zip_of(*parts: str) -> bytes:
    """A zip of these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for place, part in enumerate(parts):
            archive.writestr(f"{place}.csv", part)
    return packed.getvalue()


def full(number: int, **changes: Any) -> Any:
    """A goal whose full files are the list's."""
    mapping = [{"field": "points", "property": "points"}]
    return goal(**{"mapping": mapping, "lists": {"add_to": [number]}, **OFF, **changes})


async def on_list(tenant: Tenant, number: int) -> list[str]:
    """Who is on the list, as its table and its count have it."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        rows = await tx.connection.fetch(
            f"SELECT p.p_email FROM {tx.schema}.list_members m JOIN {tx.schema}.profiles p ON p.id = m.profile_id "
            "WHERE m.list_number = $1 AND m.removed_at IS NULL ORDER BY 1",
            number,
        )
        (one,) = await lists.page(tx, lists.ListFilter(number=number), 1)
    assert one.members == len(rows)
    return [row["p_email"] for row in rows]


async def opted(tenant: Tenant) -> dict[str, bool | None]:
    """What everybody says about being written to."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        rows = await tx.connection.fetch(f"SELECT p_email, opt_in FROM {tx.schema}.profiles")
    return {row["p_email"]: row["opt_in"] for row in rows}


def told(run: dict[str, Any]) -> tuple[Any, ...]:
    """What the receipt says of who was absent."""
    counts = run["receipt"]["absent"]
    names = ("looked_at", "found", "removed", "unsubscribed", "not_judged")
    return tuple(counts[name] for name in names)


async def test_who_is_absent_from_a_full_file_is_taken_off_the_list(tenant: Tenant, number: int) -> None:
    await tenant.save(full(number))
    run = await tenant.imported("1.csv", file_of(*PEOPLE[:5]))
    assert told(run) == (0, 0, 0, 0, None)
    # d is rejected by name, c twice named and once rejected: both stand in the file.
    rows = "a@b.example,1\nb@b.example,2\nd@b.example,x\nc@b.example,y\nc@b.example,1\nnew@b.example,1\n"
    run = await tenant.imported("2.csv", f"email,points\n{rows}")
    assert (run["state"], told(run)) == ("completed_with_rejects", (5, 1, 1, 0, None))
    assert run["receipt"]["lists"][0]["added"] == 1
    assert await on_list(tenant, number) == [*PEOPLE[:4], "new@b.example"]
    # An export of what changed since before can tell it.
    async with tenant.base.database.account(tenant.account_id) as tx:
        (row,) = await tx.connection.fetch(
            f"SELECT m.removed_by_run, m.changed_xid::text::bigint > n.changed_xid::text::bigint AS is_later "
            f"FROM {tx.schema}.list_members m, {tx.schema}.list_members n "
            "WHERE m.removed_at IS NOT NULL AND n.profile_id = (SELECT min(profile_id) FROM "
            f"{tx.schema}.list_members)"
        )
    assert (row["removed_by_run"], row["is_later"]) == (run["run_id"], True)
    run = await tenant.imported("3.csv", file_of(*PEOPLE[:5], "new@b.example"))
    assert (told(run), run["receipt"]["lists"][0]["added"]) == ((5, 0, 0, 0, None), 1)
    assert await on_list(tenant, number) == [*PEOPLE[:5], "new@b.example"]


async def test_whom_a_row_of_two_people_names_stands_in_the_file(tenant: Tenant, number: int) -> None:
    both = [{"field": "number", "property": "number"}, {"field": "email", "property": "email"}]
    await tenant.save(full(number, identifiers=both, mapping=[]))
    await tenant.imported("1.csv", "number,email\n1,a@b.example\n2,b@b.example\n3,c@b.example\n")
    run = await tenant.imported("2.csv", "number,email\n1,b@b.example\n4,d@b.example\n")
    assert (run["receipt"]["rejects_by_code"], told(run)) == ({"identifier_conflict": 1}, (3, 1, 1, 0, None))
    assert await on_list(tenant, number) == ["a@b.example", "b@b.example", "d@b.example"]


async def test_a_row_with_an_identifier_that_cannot_be_read_may_be_anybodys(tenant: Tenant, number: int) -> None:
    both = [{"field": "email", "property": "email"}, {"field": "number", "property": "number"}]
    await tenant.save(full(number, identifiers=both, mapping=[]))
    await tenant.imported("1.csv", "email,number\na@b.example,\nb@b.example,2\nc@b.example,3\n")
    run = await tenant.imported("2.csv", "email,number\na at b.example,77\nb@b.example,2\nc@b.example,3\n")
    assert (run["receipt"]["rejects_by_code"], told(run)) == ({"not_an_email": 1}, (0, 0, 0, 0, "nameless_rejects"))
    assert await on_list(tenant, number) == ["a@b.example", "b@b.example", "c@b.example"]


async def test_whom_a_row_names_that_could_be_read_only_in_part_stands_in_the_file(tenant: Tenant, number: int) -> None:
    source = {"pattern": {"wildcard": "*.jsonl"}, "readiness": {"strategy": "rename"}}
    await tenant.save(full(number, source=source, format="jsonl"))
    one = '{"email": "%s", "points": 1}\n'
    await tenant.imported("1.jsonl", "".join(one % each for each in PEOPLE[:4]))
    bad = '{"email": "c@b.example", "points": [[1]]}\n'
    run = await tenant.imported("2.jsonl", one % PEOPLE[0] + one % PEOPLE[1] + bad)
    assert (run["receipt"]["rejects_by_code"], told(run)) == ({"nested_value": 1}, (4, 1, 1, 0, None))
    assert await on_list(tenant, number) == PEOPLE[:3]
    run = await tenant.imported("3.jsonl", one % PEOPLE[0] + '{"email": "b@b.example", "email": "c@b.example"}')
    assert told(run) == (0, 0, 0, 0, "nameless_rejects")


async def test_who_has_opted_in_since_a_file_was_written_is_not_unsubscribed_by_it(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=[], full_file=True, absent={"then": "unsubscribe"}))
    await tenant.imported("1.csv", "email\na@b.example\nb@b.example\nc@b.example\n")
    async with tenant.base.database.account(tenant.account_id) as tx:
        await tx.connection.execute(
            f"UPDATE {tx.schema}.profiles SET opt_in = true, consent_at = now() + interval '1 hour' * "
            "CASE p_email WHEN 'b@b.example' THEN 1 ELSE -1 END"
        )
    run = await tenant.imported("2.csv", "email\na@b.example\n")
    assert told(run) == (2, 1, 0, 1, None)
    assert await opted(tenant) == {"a@b.example": True, "b@b.example": True, "c@b.example": False}


async def test_an_old_full_file_that_comes_again_is_asked_about(tenant: Tenant, number: int) -> None:
    await tenant.save(full(number))
    for name, people in (("1.csv", PEOPLE[:2]), ("2.csv", PEOPLE[:3])):
        assert (await tenant.imported(name, file_of(*people)))["state"] == "completed"
    run = await tenant.imported("3.csv", file_of(*PEOPLE[:2]))
    assert (run["state"], run["receipt"]["reason"]["code"]) == ("waiting", "duplicate_content")
    assert await on_list(tenant, number) == PEOPLE[:3]
    async with tenant.base.database.account(tenant.account_id) as tx:
        await decisions.approve(tx, run["run_id"])
    run = await tenant.ended(lambda each: each["run_id"] == run["run_id"] and each["state"] != "waiting")
    assert (run["state"], told(run)) == ("completed", (3, 1, 1, 0, None))


async def test_nobody_is_absent_where_that_cannot_be_told(tenant: Tenant, number: int) -> None:
    goal_id = await tenant.save(full(number))
    first = await tenant.imported("1.csv", file_of(*PEOPLE))
    everybody = await on_list(tenant, number)
    cases = {
        "nameless_rejects": file_of("a@b.example", "not an address"),
        "names_nobody": "email,points\n",
        "hands_rejects_back": "email,points,_row,_code,_field,_message,_run\n"
        f"a@b.example,2,2,not_an_integer,points,?,{first['run_id']}\n",
    }
    for why, content in cases.items():
        run = await tenant.imported(f"{why}.csv", content)
        assert told(run) == (0, 0, 0, 0, why)
        warned = [each["code"] for each in run["receipt"]["warnings"]]
        assert ("absent_not_judged" in warned) is (why != "hands_rejects_back")
    async with tenant.base.database.account(tenant.account_id) as tx:
        # The file of a run that was put off until later ones had been imported.
        await tx.connection.execute(
            "UPDATE tidegate.runs SET order_at = now() + interval '1 hour' WHERE run_id = $1 AND goal_id = $2",
            first["run_id"],
            goal_id,
        )
    run = await tenant.imported("late.csv", file_of("a@b.example"))
    assert told(run) == (0, 0, 0, 0, "imported_late")
    assert await on_list(tenant, number) == everybody


async def test_who_came_after_the_file_was_written_is_not_absent_from_it(tenant: Tenant, number: int) -> None:
    contacts = {"pattern": {"wildcard": "*.txt"}, "readiness": {"strategy": "rename"}}
    await tenant.save(full(number))
    await tenant.save(goal(name="All", mapping=[], source=contacts, full_file=True, absent={"then": "unsubscribe"}))
    await tenant.imported("1.csv", file_of(*PEOPLE[:3]))
    await put_on(tenant, number, "known@b.example")
    await put_on(tenant, number, "later@b.example", when="-1 minute")
    run = await tenant.imported("2.csv", file_of(*PEOPLE[:2]))
    assert told(run) == (4, 2, 2, 0, None)
    assert await on_list(tenant, number) == [*PEOPLE[:2], "later@b.example"]
    run = await tenant.imported("all.txt", "email\na@b.example\n")
    assert told(run)[2:] == (0, 3, None)
    assert (await opted(tenant))["later@b.example"] is None


async def test_an_archive_of_which_a_part_is_empty_holds_not_everybody(tenant: Tenant, number: int) -> None:
    await tenant.save(full(number))
    await tenant.imported("1.csv", zip_of(file_of(*PEOPLE[:3]), file_of(*PEOPLE[3:5])))
    for name, parts in (("2.csv", (file_of(*PEOPLE[:3]), "")), ("3.csv", ("", file_of(*PEOPLE[3:5])))):
        run = await tenant.imported(name, zip_of(*parts))
        assert (run["state"], run["reason_code"]) == ("failed", "empty_file")
    assert await on_list(tenant, number) == PEOPLE[:5]


async def test_who_is_absent_is_unsubscribed_within_the_goals_domain_group(tenant: Tenant) -> None:
    async with gateway_of(tenant) as gateway:
        await gateway.ask("POST", "/v1/domain-groups", 201, json={"name": "other"})
        vips = await gateway.ask("POST", "/v1/lists", 201, json={"name": "VIPs"})
    for name, changes in (
        ("all", {}),
        ("vip", {"lists": {"add_to": [vips["id"]]}}),
        ("other", {"domain_group": "other", "lists": {"add_to": [vips["number"]]}}),
    ):
        source = {"pattern": {"wildcard": f"{name}_*.csv"}, "readiness": {"strategy": "rename"}}
        unsubscribing = {"full_file": True, "absent": {"then": "unsubscribe"}, "name": name, "source": source}
        await tenant.save(goal(mapping=[], **unsubscribing, **changes))
    await tenant.imported("other_1.csv", "email\nz@b.example\n")
    await tenant.imported("vip_1.csv", "email\na@b.example\nb@b.example\n")
    run = await tenant.imported("all_1.csv", "email\na@b.example\nc@b.example\n")
    assert told(run) == (2, 1, 0, 1, None)
    assert await opted(tenant) == {"z@b.example": None, "a@b.example": None, "b@b.example": False, "c@b.example": None}
    run = await tenant.imported("vip_2.csv", "email\na@b.example\n")
    assert told(run) == (2, 1, 0, 0, None), "b had unsubscribed before"
    assert await on_list(tenant, vips["number"]) == ["a@b.example", "b@b.example", "z@b.example"]
    run = await tenant.imported("vip_3.csv", "email\nd@b.example\n")
    assert (run["state"], told(run)) == ("waiting", (2, 2, 0, 1, None))


async def test_what_a_guard_holds_back_waits_changes_nothing_and_goes_on_as_approved(
    tenant: Tenant, number: int
) -> None:
    guards = {"approve_when_absent_over": {"share": 0.1, "number": 2}}
    goal_id = await tenant.save(full(number, guards=guards))
    await tenant.imported("1.csv", file_of(*PEOPLE))
    parts = file_of(*PEOPLE[:4], points="7"), file_of(*PEOPLE[4:6], "new@b.example", points="7")
    run = await tenant.imported("2.csv", zip_of(*parts))
    assert (run["state"], run["waits_for"], run["reason_code"]) == ("waiting", "approval", "absent_over_guard")
    assert told(run) == (10, 4, 4, 0, None)
    whole, members = run["receipt"], run["receipt"]["file"]["members"]
    assert [(each["created"], each["updated"]) for each in (whole, *members)] == [(1, 6), (0, 4), (1, 2)]
    assert "4 of 10 profiles on the list are absent from the file" in run["reason_detail"]
    assert await on_list(tenant, number) == PEOPLE
    assert (await tenant.profile("a@b.example"))["points"] == 1

    # Cancelled, nothing of it is left.
    await decide(tenant, run["run_id"], "cancel")
    assert await on_list(tenant, number) == PEOPLE

    # More than was approved: asked again. No more than that: done.
    run = await tenant.imported("4.csv", file_of(*PEOPLE[:6], points="8"))
    await put_on(tenant, number, "late@b.example")
    again = await approved(tenant, run["run_id"])
    assert (again["state"], told(again)) == ("waiting", (11, 5, 5, 0, None))
    done = await approved(tenant, run["run_id"])
    assert (done["state"], told(done)) == ("completed", (11, 5, 5, 0, None))
    assert await on_list(tenant, number) == PEOPLE[:6]

    # Another version of the goal than the one that was approved: judged by what it says now.
    run = await tenant.imported("5.csv", file_of(*PEOPLE[:3]))
    assert (run["state"], run["goal_version"]) == ("waiting", 1)
    async with tenant.base.database.account(tenant.account_id) as tx:
        await update(tx, goal_id, full(number, guards=guards, name="Changed"))
    again = await approved(tenant, run["run_id"])
    assert (again["state"], again["goal_version"], told(again)) == ("waiting", 2, (6, 3, 3, 0, None))
    assert (await approved(tenant, run["run_id"]))["state"] == "completed"
    assert await on_list(tenant, number) == PEOPLE[:3]


async def test_two_full_files_of_one_list_are_judged_one_after_the_other(tenant: Tenant, number: int) -> None:
    await tenant.save(full(number))
    await tenant.imported("1.csv", file_of(*PEOPLE[:3]))
    async with tenant.base.database.account(tenant.account_id) as tx:
        # As a run of another goal does that has come first.
        await absent.alone(tx, f"list {number}")
        tenant.drop("2.csv", file_of(*PEOPLE[:3], points="2"))

        async def waits() -> bool:
            query = (
                "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
                "WHERE d.datname = current_database() AND l.locktype = 'advisory' AND NOT l.granted"
            )
            return bool(await tx.connection.fetchval(query))

        await eventually(waits, "the run to wait for the other")
        await put_on(tenant, number, "theirs@b.example")
    run = await tenant.ended(lambda run: run["path"] == "2.csv")
    assert told(run) == (4, 1, 1, 0, None)
    assert await on_list(tenant, number) == PEOPLE[:3]


async def decide(tenant: Tenant, run_id: UUID, decision: str) -> None:
    """A person's word."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        await getattr(decisions, decision)(tx, run_id)


async def approved(tenant: Tenant, run_id: UUID) -> dict[str, Any]:
    """Approve a run, and wait for what comes of it."""
    await decide(tenant, run_id, "approve")
    return await tenant.ended(lambda run: run["run_id"] == run_id)


async def put_on(tenant: Tenant, number: int, email: str, *, when: str = "1 hour") -> None:
    """Somebody came onto the list by another way, so long ago."""
    async with tenant.base.database.account(tenant.account_id) as tx:
        query = f"INSERT INTO {tx.schema}.profiles (domain_group, p_email, k_email) VALUES (1, $1, $1) RETURNING id"
        profile = await tx.connection.fetchval(query, email)
        await list_members.add(tx, number, f"(SELECT {profile}::bigint AS id)", run_id=UUID(int=1))
        await tx.connection.execute(
            f"UPDATE {tx.schema}.list_members SET added_at = now() - $2::text::interval WHERE profile_id = $1",
            profile,
            when,
        )
        await tx.connection.execute(
            f"UPDATE {tx.schema}.profiles SET created_at = now() - $2::text::interval WHERE id = $1", profile, when
        )
