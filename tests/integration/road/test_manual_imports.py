"""Files that are imported by hand, on the whole road, and goals that such an import leads."""

from typing import Any
from uuid import UUID

from shared.domain.fields import MappedField
from tests.eventually import eventually
from tests.integration.api.asking import Client
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

TEXT = "email;name\na@b.example;Ann\nnobody;Nob\n"
FILE = {"Content-Type": "application/octet-stream"}


async def send(client: Client, goal_id: Any, content: str, name: str = "visitors.csv", **more: str) -> dict[str, Any]:
    """Send a file to be imported by a goal's settings; the run."""
    path = f"/v1/imports?name={name}&goal_id={goal_id}"
    answer: dict[str, Any] = await client.ask("POST", path, 202, content=content.encode(), headers={**FILE, **more})
    return answer


async def imported(tenant: Tenant, client: Client, goal_id: Any, content: str) -> str:
    """Import a file by hand, to its end; the import."""
    sent = await send(client, goal_id, content)
    await tenant.ended(lambda each: each["run_id"] == UUID(sent["id"]))
    return str(sent["id"])


def mapped(name: str, **more: Any) -> dict[str, Any]:
    """A mapping of a column onto the property of its name, as it is shown."""
    return MappedField.model_validate({"field": name, "property": name, **more}).model_dump(mode="json", by_alias=True)


async def test_a_sample_is_imported_by_hand_as_its_proposal_says(tenant: Tenant) -> None:
    async with gateway_of(tenant) as client:
        content = "email;name\na@b.example;Ann\nb@b.example;Bob\n"
        sample = await client.ask("POST", "/v1/samples?name=visitors.csv", 201, content=content.encode(), headers=FILE)
        proposed = {name: value for name, value in sample["goal"].items() if name != "properties"}
        settings = {**proposed, "name": "Fair", "opt_in": {"declaration": "undefined"}}
        sent = await client.ask("POST", "/v1/imports", 202, json={"sample_id": sample["id"], "settings": settings})
        run = await tenant.ended(lambda each: each["run_id"] == UUID(sent["id"]))
        assert (run["state"], run["path"], run["receipt"]["created"]) == ("completed", "visitors.csv", 2)
        settled = await tenant.settled("visitors.csv")
        assert (settled["state"], settled["settled_as"]) == ("settled", "kept")
        (shown,) = (await client.ask("GET", "/v1/imports", 200))["items"]
        assert (shown["id"], shown["name"], shown["leads"]) == (sent["id"], "Fair", [])
        assert shown["file_kept_until"] is not None
    assert (await tenant.profile("a@b.example"))["name"] == "Ann"


async def test_the_last_import_leads_where_a_goal_says_so(tenant: Tenant) -> None:
    """A goal stays with its import; one that follows gets a version when a later import has completed, and tells."""
    async with gateway_of(tenant) as client:
        settings = await tenant.save(goal(name="Visitors", dialect={"delimiter": ";"}))
        first = await imported(tenant, client, settings, TEXT)
        assert "nobody;Nob" in (await client.get(f"/v1/runs/{first}/rejects.csv")).text
        path = f"/v1/connections/{tenant.connection_id}/goals"
        new = {"from_import": first, "source": {"directory": "fair", "pattern": {"wildcard": "*.csv"}}}
        stays = await client.ask("POST", path, 201, json={**new, "name": "Stays"})
        follows = await client.ask("POST", path, 201, json={**new, "name": "Follows", "latest": True, "active": False})
        assert stays["mapping"] == follows["mapping"] == [mapped("name")]
        assert stays["dialect"]["delimiter"] == ";"
        assert stays["led_by"] == {"import_id": first, "latest": False}
        assert stays["expected"] == {"encoding": None, "header": ["email", "name"]}
        (shown,) = (await client.ask("GET", "/v1/imports", 200, params={"name": "Visitors"}))["items"]
        assert {each["goal_id"] for each in shown["leads"]} == {stays["id"], follows["id"]}

        other = goal(name="Visitors", mapping=[{"field": "points", "property": "points", "rule": "sum"}])
        second = await imported(tenant, client, await tenant.save(other), "email,points\na@b.example,3\n")

        async def has_followed() -> bool:
            return (await client.ask("GET", f"/v1/goals/{follows['id']}", 200))["version"] == 2

        await eventually(has_followed, "the goal to follow")
        now = await client.ask("GET", f"/v1/goals/{follows['id']}", 200)
        assert (now["name"], now["active"], now["source"]["directory"]) == ("Follows", False, "fair")
        assert now["mapping"] == [mapped("points", rule="sum")]
        assert now["led_by"] == {"import_id": second, "latest": True}
        assert (await client.ask("GET", f"/v1/goals/{stays['id']}", 200))["version"] == 1
        news = (await client.ask("GET", "/v1/notifications", 200, params={"code": "goal_led_anew"}))["items"]
        assert [each["goal_id"] for each in news] == [follows["id"]]

        # A person chooses which one leads.
        if_match = {"If-Match": "*"}
        chosen = {"from_import": second, "position": 3}
        changed = await client.ask("PATCH", f"/v1/goals/{stays['id']}", 200, json=chosen, headers=if_match)
        assert (changed["version"], changed["position"], changed["mapping"]) == (2, 3, now["mapping"])
        astray = {"mapping": [{"field": "name", "property": "name"}]}
        refused = await client.ask("PATCH", f"/v1/goals/{stays['id']}", 422, json=astray, headers=if_match)
        assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [("/mapping", "led_by_import")]
        free = {**astray, "led_by": None}
        assert (await client.ask("PATCH", f"/v1/goals/{stays['id']}", 200, json=free, headers=if_match))["version"] == 3


async def test_events_are_previewed_and_imported_by_hand_and_lead_no_goal(tenant: Tenant) -> None:
    async with gateway_of(tenant) as client:
        await imported(tenant, client, await tenant.save(goal(name="Visitors")), "email,name\na@b.example,Ann\n")
        rules = {
            "kind": "import_events",
            "name": "Orders",
            "identifiers": [{"field": "email", "property": "email"}],
            "event": {"type": "order", "id": {"field": "order"}, "occurred_at": {"field": "at"}},
        }
        path = f"/v1/connections/{tenant.connection_id}/goals"
        source = {"source": {"pattern": {"wildcard": "orders_*.csv"}}}
        made = await client.ask("POST", path, 201, json={**rules, **source, "name": "Nightly orders"})
        content = "order,email,at\n17,a@b.example,2026-03-01\n18,z@b.example,2026-03-01\n"
        sample = await client.ask("POST", "/v1/samples?name=orders.csv", 201, content=content.encode(), headers=FILE)
        body = {"sample_id": sample["id"]}
        preview = await client.ask("POST", f"/v1/goals/{made['id']}/preview", 200, json=body)
        assert preview["trouble"] is None
        assert [each["values"]["event.id"] for each in preview["mapped_rows"]] == ["17", "18"]

        sent = await client.ask("POST", "/v1/imports", 202, json={**body, "settings": rules})
        run = await tenant.ended(lambda each: each["run_id"] == UUID(sent["id"]))
        assert (run["state"], run["receipt"]["created"]) == ("completed_with_rejects", 1)
        again = await send(client, made["id"], content)
        run = await tenant.ended(lambda each: each["run_id"] == UUID(again["id"]))
        assert (run["receipt"]["unchanged"], run["receipt"]["rejected"]) == (1, 1)
        names = {each["name"] for each in (await client.ask("GET", "/v1/imports", 200))["items"]}
        assert names == {"Visitors", "Orders", "Nightly orders"}

        # A name stands for one goal, which stays what it is; and what leads says what profiles get.
        other = {**body, "settings": {**rules, "name": "Visitors"}}
        assert "import_profiles" in (await client.ask("POST", "/v1/imports", 409, json=other))["detail"]
        led = {"from_import": sent["id"], "name": "Led", **source}
        (error,) = (await client.ask("POST", path, 422, json=led))["errors"]
        assert (error["code"], "of events" in error["detail"]) == ("unknown_import", True)
