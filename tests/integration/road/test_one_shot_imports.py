"""One-shot imports (seed 002) on the whole road: asked through the gateway, fetched from a real OpenSSH."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.importer.one_shot import OneShot, open_server
from services.importer.wiring import tools_of
from shared.domain.connection import Login
from shared.domain.failures import TooManyRefusals
from shared.domain.place import OneShotPlace
from shared.storage import one_shots
from tests.integration.api.asking import Client
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant
from tests.real.openssh import PrivateOpenSSH

PATH = "/api/2.0/imports/sftp"
WITH_HEADER = b"id,email,name\n1,ann@shop.example,Ann\n2,bob@shop.example,Bob\n3,nobody,Nob\n"
WITHOUT = b"4,cid@shop.example,Cid\n"
OwnOpenSSH = Callable[..., PrivateOpenSSH]


def asked(server: PrivateOpenSSH, file: str = "contacts.csv", **credentials: Any) -> dict[str, Any]:
    """A request that imports e-mail addresses and names."""
    if server.password is None:
        pytest.skip("the account that runs the tests has no password of ours")
    return {
        "credentials": {
            "hostname": server.host,
            "username": server.username,
            "password": server.password,
            "post": str(server.port),
            "file": file,
            **credentials,
        },
        "mappings": {"email": "1", "name": "2"},
        "settings": {"update_duplicates": "yes", "delimiter": "comma"},
    }


@asynccontextmanager
async def asking(tenant: Tenant) -> AsyncIterator["Asking"]:
    """Somebody who asks for imports."""
    async with gateway_of(tenant) as client:
        yield Asking(tenant, client)


class Asking:
    """A client, and what became of what it asked for."""

    def __init__(self, tenant: Tenant, client: Client) -> None:
        self.tenant = tenant
        self.client = client

    async def to_its_end(self, body: dict[str, Any]) -> dict[str, Any]:
        """Ask for an import; its run, once it has ended."""
        sent = await self.client.ask("POST", PATH, 202, json=body)
        await self.tenant.ended(lambda run: run["run_id"] == UUID(sent["id"]))
        shown: dict[str, Any] = await self.client.ask("GET", f"/v1/runs/{sent['id']}", 200)
        return shown

    async def logins_kept(self) -> int:
        """How many passwords are kept."""
        async with self.tenant.base.database.account(self.tenant.account_id) as tx:
            query = "SELECT count(*) FROM tidegate.one_shots WHERE password_sealed IS NOT NULL"
            return int(await tx.connection.fetchval(query))


async def test_a_file_is_fetched_imported_and_left_where_it_lies(
    tenant: Tenant, openssh_server: PrivateOpenSSH
) -> None:
    """By a path from home and by an absolute one, with a header and without; nothing of the password stays."""
    file = openssh_server.put("one shot/contacts.csv", WITH_HEADER)
    headless = openssh_server.put("one shot/headless.csv", WITHOUT)
    async with asking(tenant) as one:
        body = asked(openssh_server, "one shot/contacts.csv")
        first = await one.to_its_end({**body, "listIds": [1]})
        assert (first["state"], first["receipt"]["created"]) == ("completed_with_rejects", 2)
        assert first["receipt"]["file"]["first_row"] == "header"
        assert [each["code"] for each in first["receipt"]["warnings"]][:1] == ["unknown_list"]
        arrival = await one.client.ask("GET", f"/v1/arrivals/{first['arrival_id']}", 200)
        assert (arrival["path"], arrival["size_bytes"]) == ("one shot/contacts.csv", len(WITH_HEADER))
        assert (await tenant.settled("one shot/contacts.csv"))["settled_as"] == "left"
        second = await one.to_its_end(asked(openssh_server, str(headless)))
        assert (second["state"], second["receipt"]["created"]) == ("completed", 1)
        assert second["receipt"]["file"]["first_row"] == "data"
        assert second["connection_id"] == first["connection_id"]
        again = await one.to_its_end(body)
        assert (again["receipt"]["unchanged"], again["goal_id"]) == (2, first["goal_id"])
        assert await one.logins_kept() == 0
        connection = await one.client.ask("GET", f"/v1/connections/{first['connection_id']}", 200)
        assert connection["place"]["transport"] == "one_shot"
        assert len(connection["place"]["host_keys"]) == 1
        assert connection["password"] == {"set": False}
    assert (await tenant.profile("cid@shop.example"))["name"] == "Cid"
    assert file.read_bytes() == WITH_HEADER


async def test_rows_are_found_as_the_request_says(tenant: Tenant, openssh_server: PrivateOpenSSH) -> None:
    """By e-mail address, by the property that the operator names, by the profile's id; `no` leaves duplicates."""
    async with asking(tenant) as one:
        made = await one.client.ask("POST", "/v1/lists", 201, json={"name": "Visitors"})

        async def imported(content: str, **settings: str) -> dict[str, Any]:
            openssh_server.put("found/contacts.csv", content.encode())
            body = asked(openssh_server, "found/contacts.csv")
            body["mappings"] = {"Email": 0, "Name": "1"}
            body["listIds"] = [str(made["number"])]
            body["settings"] = settings
            run = await one.to_its_end(body)
            assert run["state"] == "completed", run
            told: dict[str, Any] = run["receipt"]
            return told

        new = await imported(
            "a@b.example;Ann;7\n", update_using="unique_id", custom_key_position="2", delimeter="semicolon"
        )
        assert (new["created"], new["lists"][0]["added"]) == (1, 1)
        moved = await imported(
            "b@b.example|Bea|7\n", update_using="UNIQUE_ID", custom_key_position="2", Delimiter="Pipe"
        )
        assert (moved["updated"], moved["lists"][0]["already"]) == (1, 1)
        bea = await tenant.profile("b@b.example")
        assert (bea["name"], bea["number"]) == ("Bea", "7")
        left = await imported("b@b.example\tBess\nc@b.example\tCid\n", delimiter="tab", Update_duplicates="No")
        assert (left["skipped"], left["created"]) == (1, 1)
        found = (await one.client.ask("GET", "/v1/profiles", 200, params={"email": "c@b.example"}))["items"][0]
        by_id = f"C@b.example,Cy,{found['id']}\n"
        known = await imported(by_id, update_using="system_id", custom_key_position="2")
        assert (known["updated"], known["created"]) == (1, 0)
    assert (await tenant.profile("c@b.example"))["name"] == "Cy"
    assert (await tenant.profile("b@b.example"))["name"] == "Bea"


async def _is_left_alone(one: Asking, server: PrivateOpenSSH, work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that has refused so many logins is shown none of those any more that were asked for before, either."""
    (refused,) = [run for run in await one.tenant.runs() if run["reason_code"] == "login_refused"]
    place = OneShotPlace(host=server.host, port=server.port).entered_by(server.username, "contacts.csv")
    asks = OneShot(refused["run_id"], refused["connection_id"], place, Login(password=server.password), 1, ())
    with monkeypatch.context() as changed:
        changed.setattr(one_shots, "MAX_REFUSALS", 1)
        with pytest.raises(TooManyRefusals):
            async with open_server(asks, tools_of(one.tenant.base, work), one.tenant.account_id):
                pass
        await one.client.ask("POST", PATH, 429, json=asked(server))


async def test_what_goes_wrong_says_what_helps_and_no_password_stays(
    tenant: Tenant, own_openssh: OwnOpenSSH, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = own_openssh()
    server.put("contacts.csv", WITHOUT)

    async def failed(body: dict[str, Any]) -> tuple[str, str]:
        run = await one.to_its_end(body)
        assert (run["state"], await one.logins_kept()) == ("failed", 0)
        refused = await one.client.ask("POST", f"/v1/runs/{run['id']}/retry", 409, json={})
        assert refused["code"] == "password_forgotten"
        advice = run["reason"]["what_to_do"]
        assert advice == run["receipt"]["reason"]["what_to_do"]
        assert "Send the request again" in advice
        assert "etry the run" not in advice
        return run["reason"]["code"], advice

    async with asking(tenant) as one:
        no_port = asked(server)
        del no_port["credentials"]["post"]
        code, advice = await failed(no_port)
        assert code == "port_not_given"
        assert "22" in advice
        assert (await failed(asked(server, hostname="10.255.255.1")))[0] == "address_refused"
        assert (await failed(asked(server, password="wrong")))[0] == "login_refused"
        # The server has seen it once, and that is what counts against its patience.
        assert (await failed(asked(server, password="wrong")))[0] == "login_not_tried"
        await _is_left_alone(one, server, tmp_path / "workplace", monkeypatch)
        assert (await failed(asked(server, "Contacts.csv")))[0] == "no_such_file"
        assert (await failed({**asked(server), "mappings": {"email": 1, "name": 9}}))[0] == "header_changed"
        assert (await one.to_its_end(asked(server)))["state"] == "completed"

        server.change_host_keys()
        server.restart()
        assert (await failed(asked(server)))[0] == "host_key_changed"
        (connection,) = (
            await one.client.ask(
                "GET", f"/v1/connections?transport=one_shot&name=One-shot imports from 127.0.0.1:{server.port}", 200
            )
        )["items"]
        accepted = {"fingerprint": connection["offered_host_key"]["fingerprint"]}
        await one.client.ask("POST", f"/v1/connections/{connection['id']}/host-keys/accept", 200, json=accepted)
        assert (await one.to_its_end(asked(server)))["state"] == "completed"
