"""Files on a partner's own SFTP server, a real OpenSSH: waited for, fetched, marked, and never at any price."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from shared.transfer.keys import make_private_key
from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import Shop, content_of, import_goal, open_shop, people
from tests.acceptance.system import System
from tests.eventually import eventually
from tests.real.openssh import PrivateOpenSSH

FILE = content_of(people(20, points=5))
STABLE = {"readiness": {"strategy": "stable", "minimum_age_seconds": 1}}

OwnOpenSSH = Callable[..., PrivateOpenSSH]


@pytest.fixture
def partner(own_openssh: OwnOpenSSH) -> PrivateOpenSSH:
    """The partner's server."""
    return own_openssh()


def _settings(partner: PrivateOpenSSH, **changes: Any) -> dict[str, Any]:
    place = {
        "transport": "sftp",
        "host": "127.0.0.1",
        "port": partner.port,
        "username": partner.username,
        "home_directory": str(partner.drop),
        "host_keys": list(partner.host_keys()),
    }
    secrets = {"private_key": partner.client_key.read_text()}
    return {"name": "Partner", "interval_seconds": 10, "place": place | changes.pop("place", {}), **secrets, **changes}


async def _look(shop: Shop, goal_id: str) -> None:
    """Ten seconds is the shortest interval: ask for a look instead of waiting."""
    answer = await shop.client.post(f"/v1/goals/{goal_id}/runs")
    assert answer.status_code in (202, 409), answer.text


async def _looked_until(shop: Shop, goal_id: str, name: str, *states: str) -> dict[str, Any]:
    """Ask for looks until the file's runs are in these states; the last of them."""

    async def are_there() -> bool:
        await _look(shop, goal_id)
        return [run["state"] for run in await shop.ledger.runs_of(name)] == list(states)

    await eventually(are_there, f"runs of {name} {states}", limit_seconds=40)
    return (await shop.ledger.runs_of(name))[-1]


async def test_a_partners_file_is_fetched_imported_and_renamed(
    system: System, operator_key: str, importer: ServiceProcess, partner: PrivateOpenSSH
) -> None:
    async with open_shop(system, operator_key, hosted=False) as shop:
        await shop.connect(_settings(partner))
        verified = await shop.ask("POST", f"/v1/connections/{shop.connection_id}/verify", 200)
        assert verified["answer"]["ok"], verified
        goal = await shop.add_goal(import_goal(source=STABLE))
        partner.put("contacts_a.csv", FILE)
        await _looked_until(shop, goal, "contacts_a.csv", "completed")
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {5}
        assert [file.name for file in partner.drop.iterdir()] == ["contacts_a.csv.done"]


async def test_a_growing_file_is_not_imported_before_it_holds_still(
    system: System, operator_key: str, importer: ServiceProcess, partner: PrivateOpenSSH
) -> None:
    async with open_shop(system, operator_key, hosted=False) as shop:
        await shop.connect(_settings(partner))
        goal = await shop.add_goal(import_goal(source=STABLE))
        half = len(FILE) // 2
        began = time.monotonic()
        while time.monotonic() - began < 5:
            size = half + int((time.monotonic() - began) * 10)
            partner.put("contacts_a.csv", FILE[:size])
            await _look(shop, goal)
            assert not await shop.ledger.runs_of("contacts_a.csv")
        (waiting,) = await shop.ledger.arrivals()
        assert (waiting["state"], waiting["reason_code"]) == ("waiting", "still_growing")
        partner.put("contacts_a.csv", FILE)
        await _looked_until(shop, goal, "contacts_a.csv", "completed")
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {5}
        assert len(await shop.points()) == 20


async def test_a_changed_host_key_stops_the_connection_until_a_person_accepts_it(
    system: System, operator_key: str, importer: ServiceProcess, partner: PrivateOpenSSH
) -> None:
    async with open_shop(system, operator_key, hosted=False) as shop:
        await shop.connect(_settings(partner))
        goal = await shop.add_goal(import_goal(source=STABLE))
        partner.change_host_keys("ed25519")
        partner.put("contacts_a.csv", FILE)
        path = f"/v1/connections/{shop.connection_id}"

        async def is_stopped() -> bool:
            await _look(shop, goal)
            return (await shop.ask("GET", path, 200))["stopped"] is not None

        await eventually(is_stopped, "the connection to stop")
        stopped = await shop.ask("GET", path, 200)
        assert stopped["stopped"]["code"] == "host_key_changed"
        news = (await shop.ask("GET", "/v1/notifications", 200))["items"]
        assert [each["code"] for each in news] == ["host_key_changed"]
        assert not await shop.ledger.runs_of("contacts_a.csv")

        fingerprint = stopped["offered_host_key"]["fingerprint"]
        await shop.ask("POST", f"{path}/host-keys/accept", 200, json={"fingerprint": fingerprint})
        await _looked_until(shop, goal, "contacts_a.csv", "completed")
        await shop.await_quiet()


def _logins(partner: PrivateOpenSSH) -> tuple[dict[str, Any], dict[str, Any]]:
    """A wrong login and the right one: passwords, but for a machine that lets only root stand for a user with one."""
    if partner.password is None:
        return {"private_key": make_private_key()}, {"private_key": partner.client_key.read_text()}
    return {"private_key": None, "password": "not this one"}, {"private_key": None, "password": partner.password}


async def test_a_wrong_password_stops_the_connection_is_told_and_goes_on_when_corrected(
    system: System, operator_key: str, importer: ServiceProcess, partner: PrivateOpenSSH
) -> None:
    wrong, right = _logins(partner)
    async with open_shop(system, operator_key, hosted=False) as shop:
        await shop.connect(_settings(partner, **wrong))
        goal = await shop.add_goal(import_goal(source=STABLE))
        partner.put("contacts_a.csv", FILE)
        path = f"/v1/connections/{shop.connection_id}"

        async def is_stopped() -> bool:
            return (await shop.ask("GET", path, 200))["stopped"] is not None

        await eventually(is_stopped, "the connection to stop")
        shown = await shop.client.get(path)
        assert shown.json()["stopped"]["code"] == "login_refused"
        assert "not this one" not in shown.text

        settings = _settings(partner, **right)
        await shop.ask("PUT", path, 200, json=settings, headers={"If-Match": shown.headers["ETag"]})
        await _looked_until(shop, goal, "contacts_a.csv", "completed")
        await shop.await_quiet()
        assert set((await shop.points()).values()) == {5}


async def test_an_export_is_put_on_a_partners_server(
    system: System, operator_key: str, importer: ServiceProcess, partner: PrivateOpenSSH
) -> None:
    system.ensure("exporter")
    async with open_shop(system, operator_key, hosted=False) as shop:
        await shop.connect(_settings(partner))
        goal = await shop.add_goal(import_goal(source=STABLE))
        partner.put("contacts_a.csv", FILE)
        await _looked_until(shop, goal, "contacts_a.csv", "completed")
        export = {"kind": "export_profiles", "name": "All", "columns": [{"property": "email"}, {"property": "points"}]}
        target = {"directory": "out", "file_name": "all.csv"}
        goal = await shop.add_goal(export | {"target": target})
        await shop.ask("POST", f"/v1/goals/{goal}/runs", 202)
        await eventually((partner.drop / "out" / "all.csv").exists, "the exported file")
        await shop.await_quiet()
        lines = (partner.drop / "out" / "all.csv").read_text().splitlines()
        assert lines[:2] == ["email,points", "person0@shop.example,5"]
        assert len(lines) == 21
        assert [file.name for file in (partner.drop / "out").iterdir()] == ["all.csv"]
