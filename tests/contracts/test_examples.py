"""Every version of a message that was ever sent parses for ever: outboxes and queues outlive an upgrade.

An example file is never changed or removed; a new version of a message brings a file of its own.
"""

import json
from pathlib import Path

import pytest

from shared.bus.bus import Envelope, Park
from shared.bus.consumer import read
from shared.contracts.catalogue import CATALOGUE

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.json"))


def test_every_message_has_an_example_and_every_example_a_message() -> None:
    assert {example.stem for example in EXAMPLES} == set(CATALOGUE)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_an_example_parses_and_loses_nothing(example: Path) -> None:
    message = read(Envelope(example.stem, "1", example.read_bytes()))
    assert type(message) is CATALOGUE[example.stem]
    assert message.model_dump(mode="json") == json.loads(example.read_bytes())


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_fields_of_tomorrow_are_ignored(example: Path) -> None:
    body = json.loads(example.read_bytes()) | {"invented_later": {"by": ["a newer sender"]}}
    old = read(Envelope(example.stem, "1", example.read_bytes()))
    assert read(Envelope(example.stem, "1", json.dumps(body).encode())) == old


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_senders_of_yesterday_knew_no_trace(example: Path) -> None:
    body = json.loads(example.read_bytes())
    del body["traceparent"]
    assert read(Envelope(example.stem, "1", json.dumps(body).encode())).traceparent is None


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.stem)
def test_a_message_without_what_it_is_about_is_parked(example: Path) -> None:
    about = [name for name in json.loads(example.read_bytes()) if name.endswith("_id")]
    for name in about:
        body = json.loads(example.read_bytes())
        del body[name]
        with pytest.raises(Park, match=f"{name}: missing"):
            read(Envelope(example.stem, "1", json.dumps(body).encode()))
