"""Arrivals, notifications and profiles as they are read."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from shared.storage import notifications
from shared.storage.database import Database
from tests.integration.api.asking import Client, set_up
from tests.integration.api.ledger import arrive


async def test_arrivals_are_listed_by_state_and_prefix_with_their_runs(
    owner: Client, database: Database, account: UUID
) -> None:
    made = await set_up(owner)
    run_id = await arrive(database, account, made, minute=1)
    await arrive(database, account, made, minute=2)
    page = await owner.ask("GET", "/v1/arrivals", 200, params={"path_prefix": "in/contacts_1"})
    (arrival,) = page["items"]
    assert (arrival["path"], arrival["state"], arrival["reason"]) == ("in/contacts_1.csv", "accepted", None)
    one = await owner.ask("GET", f"/v1/arrivals/{arrival['id']}", 200)
    assert [run["run_id"] for run in one["runs"]] == [str(run_id)]
    first = await owner.ask("GET", "/v1/arrivals", 200, params={"limit": 1})
    second = await owner.ask("GET", "/v1/arrivals", 200, params={"limit": 1, "cursor": first["next_cursor"]})
    assert second["next_cursor"] is None
    assert {first["items"][0]["path"], second["items"][0]["path"]} == {"in/contacts_1.csv", "in/contacts_2.csv"}
    assert (await owner.ask("GET", "/v1/arrivals", 200, params={"state": "unmatched"}))["items"] == []
    elsewhere = {"connection_id": made["goal"]["id"]}
    assert (await owner.ask("GET", "/v1/arrivals", 200, params=elsewhere))["items"] == []


async def test_a_notification_is_read(owner: Client, database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        await notifications.raise_(tx, notifications.News("host_key_changed", "Changed", "detail", "what to do"))
    (one,) = (await owner.ask("GET", "/v1/notifications", 200, params={"unread": True}))["items"]
    assert (one["code"], one["read_at"]) == ("host_key_changed", None)
    read = await owner.ask("POST", f"/v1/notifications/{one['id']}/read", 200)
    assert read["read_at"] is not None
    assert await owner.ask("GET", f"/v1/notifications/{one['id']}", 200) == read
    assert (await owner.ask("GET", "/v1/notifications", 200, params={"unread": True}))["items"] == []


async def _people(owner: Client, database: Database, account: UUID) -> dict[str, Any]:
    made = await set_up(owner)
    for name, kind in (("points", "number"), ("visits", "integer"), ("born", "date"), ("tags", "list")):
        await owner.ask("POST", "/v1/properties", 201, json={"name": name, "type": kind})
    columns = "domain_group, p_email, k_email, p_first_name, p_points, p_visits, p_born, p_tags"
    values = "1, $1, $2, $3, $4, $5, $6, $7"
    async with database.account(account) as tx:
        text = f"INSERT INTO {tx.schema}.profiles ({columns}) VALUES ({values})"
        big = Decimal("1234567890123456789012345678.0500000000")
        await tx.connection.execute(
            text, "Ann@Shop.example", "ann@shop.example", "Ann", big, 2**62, date(1990, 2, 3), ["a", "b"]
        )
        await tx.connection.execute(text, "bob@shop.example", "bob@shop.example", None, None, None, None, None)
    return made


async def test_a_profile_is_found_by_an_identifier_whatever_its_spelling(
    owner: Client, database: Database, account: UUID
) -> None:
    await _people(owner, database, account)
    page = await owner.ask("GET", "/v1/profiles", 200, params={"email": " ann@SHOP.example"})
    (ann,) = page["items"]
    assert ann["domain_group"] == "default"
    assert ann["properties"] == {
        "email": "Ann@Shop.example",
        "first_name": "Ann",
        "points": "1234567890123456789012345678.05",
        "visits": str(2**62),
        "born": "1990-02-03",
        "tags": ["a", "b"],
    }
    assert await owner.ask("GET", f"/v1/profiles/{ann['id']}", 200) == ann
    said = ("opt_in", "consent", "suppression", "language", "permission_level")
    assert [ann[name] for name in said] == [None] * 5
    async with database.account(account) as tx:
        await tx.connection.execute(
            f"UPDATE {tx.schema}.profiles SET opt_in = false, consent_at = $2, consent_source = 'Shop', "
            "suppression = 'unsubscribed', suppressed_at = $2, language = 'nl-BE', permission_level = '1' "
            "WHERE id = $1",
            int(ann["id"]),
            datetime(2024, 1, 1, tzinfo=UTC),
        )
    ann = await owner.ask("GET", f"/v1/profiles/{ann['id']}", 200)
    new_year = "2024-01-01T00:00:00Z"
    suppression = {"reason": "unsubscribed", "at": new_year}
    assert [ann[name] for name in said] == [False, {"at": new_year, "source": "Shop"}, suppression, "nl-BE", "1"]
    assert "language" not in ann["properties"]
    assert (await owner.ask("GET", "/v1/profiles", 200, params={"email": "nobody@shop.example"}))["items"] == []


async def test_profiles_are_listed_in_pages(owner: Client, database: Database, account: UUID) -> None:
    await _people(owner, database, account)
    first = await owner.ask("GET", "/v1/profiles", 200, params={"limit": 1})
    rest = await owner.ask("GET", "/v1/profiles", 200, params={"limit": 1, "cursor": first["next_cursor"]})
    assert [each["properties"]["first_name"] for each in first["items"] + rest["items"]] == ["Ann", None]
    assert rest["next_cursor"] is None


async def test_only_identifiers_look_up(owner: Client, database: Database, account: UUID) -> None:
    await _people(owner, database, account)
    await owner.ask("GET", "/v1/profiles", 422, params={"first_name": "Ann"})
    await owner.ask("GET", "/v1/profiles", 422, params={"limit": "0"})
    problem = await owner.ask("GET", "/v1/profiles", 422, params={"domain_group": "west"})
    assert problem["errors"][0]["pointer"] == "?domain_group"
    for profile_id in ("999", "0", "-1", str(2**80), "ann"):
        await owner.ask("GET", f"/v1/profiles/{profile_id}", 404)
