"""What is typed after `tidegate replay` and cannot be meant, and what the gateway refuses: told with status 2."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from services.entry.cli import app
from services.entry.watch_runs import NoAnswer, ask

ID = "3f0c9b1e-8a5e-4c43-9a58-6a4b7c1d2e3f"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Missing option '--since'"),
        (("--since", "yesterday"), "Invalid value for '--since'"),
        (("--since", "2026-02-30"), "Invalid value for '--since'"),
        (("--since", "0001-01-01"), "Invalid value for '--since': expected a time between the years 1 and 9999"),
        (("--since", "2026-11-20", "--until", "soon"), "Invalid value for '--until'"),
        (("--since", "2026-11-20", "--goal", "7"), "Invalid value for '--goal'"),
        (("--since", "2026-11-20", "--connection", ID, "--goal", ID), "expected one of --connection, --goal"),
        (("--since", "2026-11-20", "--yes"), "Found no"),
    ],
)
def test_what_cannot_be_meant_is_told(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    environment = {"TIDEGATE_API_URL": None, "TIDEGATE_API_KEY": None, "COLUMNS": "200"}
    done = CliRunner(env=environment).invoke(app, ["replay", *words, "--data-dir", str(tmp_path)])
    assert done.exit_code == 2
    # Boxes and colours are for the eye.
    assert told in re.sub(r"\x1b\[[0-9;]*m|[\s│]+", " ", done.output).replace("  ", " ")
    assert "Traceback" not in done.output


@pytest.mark.parametrize(
    ("problem", "told"),
    [
        ({"detail": "Found 3.", "title": "T.", "errors": []}, "Found 3."),
        ({"detail": "", "title": "There is no such thing.", "errors": []}, "There is no such thing."),
        ({"detail": "", "errors": [{"pointer": "/until", "detail": "Too long."}]}, "/until: Too long."),
        ({"detail": "", "errors": [{"pointer": "", "detail": "Expected one."}]}, "Expected one."),
    ],
)
async def test_what_the_gateway_refuses_is_told_in_its_words(problem: dict[str, Any], told: str) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(422, json={"code": "invalid_request", **problem}))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway.example") as client:
        with pytest.raises(NoAnswer) as refused:
            await ask(client, "POST", "/v1/replays", {})
    assert str(refused.value) == f"The gateway answered 422 (invalid_request): {told}"
