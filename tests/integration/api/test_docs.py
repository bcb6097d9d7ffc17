"""The page that shows the description: it needs nothing that somebody else serves, and may run nothing else."""

import re
from collections.abc import Callable

import pytest

from tests.integration.api.asking import Client

Connect = Callable[..., Client]


async def test_the_page_needs_nothing_from_elsewhere(connect: Connect) -> None:
    client = connect()
    page = await client.get("/docs")
    wanted = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(wanted) == 4
    assert "//" not in "".join(wanted)
    for path in wanted:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert len(answer.content) > 100
    assert 'url: "/openapi.json"' in (await client.get("/docs/start.js")).text
    assert (await client.get("/openapi.json")).json()["info"]["title"] == "Tidegate"


async def test_the_page_runs_files_of_its_own_alone(connect: Connect) -> None:
    answer = await connect().get("/docs")
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["connect-src"] == "'self'"
    assert re.search(r"<script(?![^>]*src=)", answer.text) is None


@pytest.mark.parametrize("name", ["redoc.standalone.js", "..%2f__init__.py", "core.py"])
async def test_no_other_file_is_served(connect: Connect, name: str) -> None:
    assert (await connect().get(f"/docs/{name}")).status_code == 404
