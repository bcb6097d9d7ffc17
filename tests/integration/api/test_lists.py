"""Lists: made, found, renamed, taken away; what imports do with them is shown in tests/integration/road."""

import pytest

from tests.integration.api.asking import Client

ANY = {"If-Match": "*"}


async def test_a_list_is_made_found_renamed_and_deleted(owner: Client) -> None:
    answer = await owner.post("/v1/lists", json={"name": "  Regulars "})
    made = answer.json()
    assert (answer.status_code, made["name"], made["members"]) == (201, "Regulars", 0)
    other = await owner.ask("POST", "/v1/lists", 201, json={"name": "Friends"})
    assert other["number"] != made["number"]
    for query in ({"name": "Regulars"}, {"number": made["number"]}):
        assert (await owner.ask("GET", "/v1/lists", 200, params=query))["items"] == [made]
    first = await owner.ask("GET", "/v1/lists", 200, params={"limit": 1})
    second = await owner.ask("GET", "/v1/lists", 200, params={"limit": 1, "cursor": first["next_cursor"]})
    assert first["items"] + second["items"] == [made, other]

    path = answer.headers["Location"]
    assert (await owner.ask("PATCH", path, 409, json={"name": "Friends"}, headers=ANY))["code"] == "already_exists"
    renamed = await owner.patch(path, json={"name": "Fans"}, headers={"If-Match": answer.headers["ETag"]})
    assert (renamed.json()["name"], renamed.json()["number"]) == ("Fans", made["number"])
    await owner.ask("DELETE", path, 412, headers={"If-Match": answer.headers["ETag"]})
    await owner.ask("DELETE", path, 204, headers={"If-Match": renamed.headers["ETag"]})
    await owner.ask("GET", path, 404)
    await owner.ask("GET", f"{path}/members", 404)
    again = await owner.ask("POST", "/v1/lists", 201, json={"name": "Fans"})
    assert again["number"] > other["number"], "a number is not given again"


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "a\u0000b", "x" * 301])
async def test_a_name_is_one_line(owner: Client, name: str) -> None:
    problem = await owner.ask("POST", "/v1/lists", 422, json={"name": name})
    assert [each["pointer"] for each in problem["errors"]] == ["/name"]
