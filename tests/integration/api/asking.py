"""How the tests ask the gateway: a client that keeps every answer, and the bodies that they send."""

from typing import Any

import httpx

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
OTHER_HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL0d2Df9YbTpvmyzr8A/bGIoFNWq4KTZVxNRS+Z3HX6f"


class Client(httpx.AsyncClient):
    """A client that insists on a status and hands back the body."""

    async def ask(self, method: str, path: str, status: int, **more: Any) -> Any:
        """The body of the answer, which must have that status; {} where there is none."""
        answer = await self.request(method, path, **more)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else {}


SFTP_PLACE = {"transport": "sftp", "host": "files.partner.example", "username": "shop"}

IMPORT_GOAL: dict[str, Any] = {
    "kind": "import_profiles",
    "name": "Nightly contacts",
    "source": {"directory": "in", "pattern": {"wildcard": "contacts_*.csv"}},
    "dialect": {"delimiter": ";", "dateFormat": "DD.MM.YYYY"},
    "identifiers": [{"field": "E-mail", "property": "email"}],
    "mapping": [{"field": "First name", "property": "first_name"}],
    "opt_in": {"declaration": "undefined"},
}

EXPORT_GOAL: dict[str, Any] = {
    "kind": "export_profiles",
    "name": "All contacts",
    "columns": [{"property": "email", "header": "E-mail"}, {"property": "first_name"}],
}


async def set_up(client: Client, *, hosted: bool = False) -> dict[str, Any]:
    """Two properties, a connection and an import; the answers by name."""
    await client.ask("POST", "/v1/properties", 201, json={"name": "email", "type": "email", "identifier": True})
    await client.ask("POST", "/v1/properties", 201, json={"name": "first_name", "type": "text"})
    made: dict[str, Any] = {}
    place: dict[str, Any] = SFTP_PLACE
    if hosted:
        made["folder"] = await client.ask("POST", "/v1/drop-folders", 201, json={"name": "incoming"})
        place = {"transport": "hosted", "drop_folder_id": made["folder"]["id"]}
    made["connection"] = await client.ask("POST", "/v1/connections", 201, json={"name": "Partner", "place": place})
    path = f"/v1/connections/{made['connection']['id']}/goals"
    made["goal"] = await client.ask("POST", path, 201, json=IMPORT_GOAL)
    return made
