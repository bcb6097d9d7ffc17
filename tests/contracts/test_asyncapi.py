"""asyncapi.yaml is what the models say, and says what the queues hear."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.bus import asyncapi
from shared.bus.topology import QUEUES
from shared.contracts.catalogue import CATALOGUE


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The checked-in document."""
    loaded: dict[str, Any] = yaml.safe_load(asyncapi.DOCUMENT.read_text(encoding="utf-8"))
    return loaded


def test_the_document_is_fresh(capsys: pytest.CaptureFixture[str]) -> None:
    assert asyncapi.main(["--check"]) == 0, capsys.readouterr().err


def test_a_stale_document_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(asyncapi, "DOCUMENT", tmp_path / "asyncapi.yaml")
    assert asyncapi.main(["--check"]) == 1
    assert asyncapi.main([]) == 0
    assert asyncapi.main(["--check"]) == 0
    (tmp_path / "asyncapi.yaml").write_text("asyncapi: 2.6.0\n")
    assert asyncapi.main(["--check"]) == 1
    assert "make contract" in capsys.readouterr().err


def test_every_message_has_a_channel_and_a_sentence(document: dict[str, Any]) -> None:
    assert {channel["address"] for channel in document["channels"].values()} == set(CATALOGUE)
    assert all(message["summary"].endswith(".") for message in document["components"]["messages"].values())


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    references = list(_references(document))
    assert references
    for reference in references:
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in place, reference
            place = place[part]


def test_every_queue_says_what_it_hears(document: dict[str, Any]) -> None:
    heard = {
        (queue.name, operation["channel"]["$ref"].rpartition("/")[2])
        for queue in QUEUES
        for name, operation in document["operations"].items()
        if name.startswith(queue.name)
    }
    assert heard == {(queue.name, message.name) for queue in QUEUES for message in queue.messages}


def test_every_message_is_heard_by_some_queue() -> None:
    assert {message.name for queue in QUEUES for message in queue.messages} == set(CATALOGUE)


def _references(node: Any) -> Any:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from _references(value)
    elif isinstance(node, list):
        for value in node:
            yield from _references(value)
