"""What holds for every request: problems, sizes, cursors, texts, probes, metrics."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from services.api.tools import Tools
from shared.storage.secrets import KeyRing
from tests.integration.api.asking import SFTP_PLACE, Client


async def test_a_problem_says_everything_in_its_own_media_type(owner: Client) -> None:
    answer = await owner.post("/v1/properties", json={"name": "Points!", "type": "number", "colour": "red"})
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["type"] == "urn:tidegate:problem:invalid_request"
    assert (problem["title"], problem["status"], problem["code"]) == (
        "The request is not valid.",
        422,
        "invalid_request",
    )
    assert [(each["pointer"], each["code"]) for each in problem["errors"]] == [
        ("/name", "invalid_value"),
        ("/colour", "unknown_field"),
    ]


async def test_unknown_paths_and_methods_are_problems_too(owner: Client) -> None:
    assert (await owner.ask("GET", "/v1/nothing", 404))["code"] == "not_found"
    answer = await owner.request("OPTIONS", "/v1/properties")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "GET, POST"
    assert (await owner.ask("GET", "/v1/runs/not-an-id", 404))["code"] == "not_found"


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("POST", "/v1/connections?verfy=false", "Expected verify."),
        ("GET", "/v1/integrations?state=off", "Expected no parameters."),
        ("GET", "/v1/connections?limits=3", "Extra inputs are not permitted."),
    ],
)
async def test_a_misspelt_parameter_does_not_pass_for_none(
    owner: Client, method: str, path: str, expected: str
) -> None:
    body = {"name": "n", "place": SFTP_PLACE} if method == "POST" else None
    problem = await owner.ask(method, path, 422, json=body)
    name = path.partition("?")[2].partition("=")[0]
    assert problem["errors"] == [{"pointer": f"?{name}", "code": "unknown_field", "detail": expected}]


async def test_a_body_that_is_no_json_is_told(owner: Client) -> None:
    headers = {"Content-Type": "application/json"}
    problem = await owner.ask("POST", "/v1/properties", 422, content=b'{"name": ', headers=headers)
    assert problem["errors"][0]["code"] == "malformed_json"
    deep = await owner.ask("POST", "/v1/properties", 422, content=b"[" * 200_000, headers=headers)
    assert deep["code"] == "invalid_request"


async def test_a_body_beyond_a_mebibyte_is_refused(owner: Client) -> None:
    async def endless() -> Any:
        for _ in range(40):
            yield b" " * 32_768

    problem = await owner.ask("POST", "/v1/properties", 413, content=endless())
    assert problem["code"] == "request_too_large"


@pytest.mark.parametrize("bad", ["a\0b", "a\ud800b"])
async def test_texts_that_cannot_be_stored_are_refused(owner: Client, bad: str) -> None:
    body = json.dumps({"name": "n", "place": {**SFTP_PLACE, "home_directory": bad}})
    headers = {"Content-Type": "application/json"}
    problem = await owner.ask("POST", "/v1/connections", 422, content=body, headers=headers)
    assert problem["errors"][0]["pointer"] == "/place/home_directory"


async def test_a_nul_in_the_query_is_refused(owner: Client) -> None:
    for path in ("domain-groups", "properties"):
        assert (await owner.ask("GET", f"/v1/{path}/%00", 404))["code"] == "not_found"
    problem = await owner.ask("GET", "/v1/arrivals?path_prefix=a%00b", 422)
    assert problem["errors"][0]["pointer"] == "?path_prefix"


@pytest.mark.parametrize("cursor", ["x", "!!", "W10", "WzFd", "WyJhIiwiYiJd", "bnVsbA"])
async def test_a_made_up_cursor_is_refused(owner: Client, cursor: str) -> None:
    for path in ("runs", "connections", "arrivals"):
        problem = await owner.ask("GET", f"/v1/{path}", 422, params={"cursor": cursor})
        assert problem["errors"][0]["pointer"] == "?cursor"


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "many"])
async def test_a_page_has_between_1_and_1000_items(owner: Client, limit: str) -> None:
    problem = await owner.ask("GET", "/v1/runs", 422, params={"limit": limit})
    assert problem["errors"][0]["pointer"] == "?limit"


async def test_cursors_lead_through_a_whole_list_without_gap_or_repetition(owner: Client) -> None:
    names = [f"folder {number}" for number in range(7)]
    for name in names:
        await owner.ask("POST", "/v1/drop-folders", 201, json={"name": name})
    seen: list[str] = []
    query: dict[str, Any] = {"limit": 3}
    while True:
        page = await owner.ask("GET", "/v1/drop-folders", 200, params=query)
        seen += [each["name"] for each in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert seen == names


async def test_our_own_mistake_tells_nothing_of_itself(owner: Client, connect: Callable[..., Client], key: str) -> None:
    sent = {"name": "n", "place": SFTP_PLACE, "password": "hush"}
    broken = connect(key, keys=None)
    problem = await broken.ask("POST", "/v1/connections", 500, json=sent)
    assert (problem["code"], problem["detail"]) == ("internal_error", "")


async def test_an_outage_asks_to_come_again(connect: Callable[..., Client], key: str, tools: Tools) -> None:
    waiting = connect(key, bus_is_ready=lambda: False)
    answer = await waiting.get("/readyz")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]
    assert answer.json()["code"] == "bus_unavailable"
    assert (await waiting.get("/healthz")).status_code == 200
    assert (await connect(key).get("/readyz")).status_code == 200


async def test_a_secret_sealed_with_a_key_that_is_gone_stays_closed(
    owner: Client, connect: Callable[..., Client], key: str
) -> None:
    sent = {"name": "n", "place": SFTP_PLACE, "password": "hush"}
    made = await owner.ask("POST", "/v1/connections", 201, json=sent)
    other = connect(key, keys=KeyRing((bytes(32),)))
    assert (await other.ask("GET", f"/v1/connections/{made['id']}", 200))["password"] == {"set": True}


async def test_requests_are_measured_by_route_and_not_by_path(owner: Client, tools: Tools) -> None:
    await owner.ask("GET", "/v1/profiles?email=ann@shop.example", 422)
    await owner.ask("GET", "/v1/runs/11111111-1111-1111-1111-111111111111", 404)
    await owner.ask("GET", "/v1/nothing", 404)
    text = (await owner.get("/metrics")).text
    assert 'route="/v1/runs/{run_id}",status="404"' in text
    assert 'route="none",status="404"' in text
    assert "11111111" not in text
    assert "ann" not in text


async def test_nobody_in_between_keeps_an_answer(owner: Client) -> None:
    answer = await owner.get("/v1/runs")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_document_is_served_without_a_key(connect: Callable[..., Client]) -> None:
    document = await connect().ask("GET", "/openapi.json", 200)
    told = document["paths"]["/v1/runs"]["get"]["responses"]["401"]["$ref"].rpartition("/")[2]
    assert list(document["components"]["responses"][told]["content"]) == ["application/problem+json"]
    assert (await connect().get("/docs")).status_code == 200
