"""Renders asyncapi.yaml (AsyncAPI 3.0) from the messages and the topology; `--check` says whether it is fresh.

The models and their docstrings are the source. Nothing here knows a broker's address: where the exchange lives is
the deployment's business.
"""

import sys
from pathlib import Path
from typing import Any

import yaml

from shared.bus.limits import Limits
from shared.bus.topology import EXCHANGE, QUEUES, Queue
from shared.contracts.catalogue import CATALOGUE
from shared.contracts.message import Message

DOCUMENT = Path(__file__).parents[2] / "asyncapi.yaml"

_HEADER = "# Rendered from shared/contracts and shared/bus/topology.py by `make contract`; do not edit.\n"


def render() -> str:
    """The whole document as YAML text, the same for the same sources."""
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "Tidegate's messages", "version": "1", "description": _description()},
        "defaultContentType": "application/json",
        "channels": {name: _channel(model) for name, model in CATALOGUE.items()},
        "operations": {
            f"{queue.name}.{model.name}": _operation(queue, model) for queue in QUEUES for model in queue.messages
        },
        "components": {"messages": {name: _message(model) for name, model in CATALOGUE.items()}},
    }
    return _HEADER + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)


def main(arguments: list[str]) -> int:
    """Write the document, or with `--check` only compare it. The exit code: 0 if it is fresh now."""
    if arguments not in ([], ["--check"]):
        sys.stderr.write(f"found {' '.join(arguments)!r}; expected nothing or --check\n")
        return 2
    text = render()
    if arguments and (not DOCUMENT.exists() or DOCUMENT.read_text(encoding="utf-8") != text):
        sys.stderr.write(f"{DOCUMENT.name} is stale; run `make contract` and commit the result\n")
        return 1
    if not arguments:
        DOCUMENT.write_text(text, encoding="utf-8")
    return 0


def _description() -> str:
    return (
        "Messages are past facts. They name what happened and carry no contents and no personal data; the database "
        "says the rest. Each may come twice, late, or in another order, and nothing is done twice. The version is "
        "part of the name: an additional optional field keeps it, anything else is a new message beside the old one. "
        "Readers ignore fields that they do not know. A message that a service fails on is handed out "
        f"{Limits().deliveries} times in all and is then kept in the queue's parked queue."
    )


def _channel(model: type[Message]) -> dict[str, Any]:
    return {
        "address": model.name,
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.name}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {"name": EXCHANGE, "type": "topic", "durable": True, "autoDelete": False},
                "bindingVersion": "0.3.0",
            }
        },
    }


def _operation(queue: Queue, model: type[Message]) -> dict[str, Any]:
    channel = f"#/channels/{model.name}"
    return {
        "action": "receive",
        "summary": f"Queue {queue.name} hears {model.name}; what fails goes to {queue.parked}.",
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{model.__name__}"}],
        "bindings": {"amqp": {"ack": True, "deliveryMode": 2, "bindingVersion": "0.3.0"}},
    }


def _message(model: type[Message]) -> dict[str, Any]:
    schema = model.model_json_schema(mode="validation")
    sentence = " ".join(str(schema.pop("description")).split())
    return {
        "name": model.name,
        "title": schema.pop("title"),
        "summary": sentence,
        "contentType": "application/json",
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-07",
            "schema": {"$schema": "http://json-schema.org/draft-07/schema#", **schema, "additionalProperties": True},
        },
    }


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
