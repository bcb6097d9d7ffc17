"""A partner uploads a file by WebDAV to the running system: it is seen, and a wrong password is not let in."""

import time
from collections.abc import Mapping
from typing import Any

import httpx

from demo.client import SCOPES
from scripts.containers.seen import LOOK_SECONDS, Wrong

_SEEN_SECONDS = 60.0
_NAME = "by_webdav.csv"


def uploaded(api: str, operator_key: str, port: str) -> None:
    """Raises Wrong where it is not."""
    with httpx.Client(base_url=api, timeout=30) as http:
        account = _post(http, operator_key, "/v1/accounts", {"name": "By WebDAV"})
        wanted = {"name": "webdav", "account_id": account["id"], "scopes": SCOPES, "email": "crm@shop.example"}
        key: str = _post(http, operator_key, "/v1/keys", wanted)["key"]
        headers = {**_by(key), "If-Match": "*"}
        http.patch("/v1/integrations", json={"hosted_folders": "active"}, headers=headers).raise_for_status()
        folder = _post(http, key, "/v1/drop-folders", {"name": "contacts"})
        login = _post(http, key, f"/v1/drop-folders/{folder['id']}/credentials", {})
        place = {"transport": "hosted", "drop_folder_id": folder["id"]}
        _post(http, key, "/v1/connections", {"name": "By WebDAV", "interval_seconds": 10, "place": place})
        url = f"http://127.0.0.1:{port}/{_NAME}"
        statuses = [
            httpx.put(url, content=b"email\n", auth=(login["username"], password), timeout=30).status_code
            for password in ("wrong", login["password"])
        ]
        if statuses != [401, 201]:
            raise Wrong(f"found statuses {statuses} of a wrong and the right password, expected 401 and 201")
        _await_arrival(http, key)
    print(f"   {_NAME} is uploaded and seen; a wrong password is not let in")


def _await_arrival(http: httpx.Client, key: str) -> None:
    ends_at = time.monotonic() + _SEEN_SECONDS
    while time.monotonic() < ends_at:
        found = http.get("/v1/arrivals", headers=_by(key)).raise_for_status().json()["items"]
        if [each["path"] for each in found] == [_NAME]:
            return
        time.sleep(LOOK_SECONDS)
    raise Wrong(f"found no arrival of {_NAME} within {_SEEN_SECONDS:.0f} seconds, expected one")


def _post(http: httpx.Client, key: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = http.post(path, json=body, headers=_by(key)).raise_for_status().json()
    return answer


def _by(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}
