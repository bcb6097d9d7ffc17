"""How Schemathesis talks to a gateway: with a valid key, about things that exist as often as about others.

Nothing is left out of Schemathesis's checks but what the document cannot say: that a body which fits its schema is
also right (`positive_data_acceptance`; a mapping onto a property that does not exist fits the schema too).
"""

from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.integration.api.served import Served

DOCUMENT = Path(__file__).parents[3] / "openapi.yaml"
_SECONDS = 20
_REFUSALS = ["401", "403", "404", "405", "409", "412", "413", "414", "415", "422", "428", "429", "431"]
_STREAMS = r"/progress$"
"""Answered as long as something happens: read by tests of their own."""


def schema_with(examples: int) -> Any:
    """The schema, with so many generated examples an operation besides those that cover its bounds."""
    settings = {
        "seed": 1,
        "generation": {"max-examples": examples, "deterministic": True},
        "checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}},
    }
    config = SchemathesisConfig.from_dict(settings)
    return schemathesis.openapi.from_path(DOCUMENT, config=config).exclude(path_regex=_STREAMS)


def _excluded(case: Any, response: requests.Response) -> list[Any]:
    """The checks that say nothing of an answer: a parameter that is wrong by being nothing at all is never sent."""
    sent = parse_qs(urlsplit(response.request.url or "").query, keep_blank_values=True)
    is_as_meant = set(case.query or ()) <= sent.keys()
    return [positive_data_acceptance, *([] if is_as_meant else [negative_data_rejection])]


class Conversation:
    """What is said with one gateway, and what came back."""

    def __init__(self, gateway: Served, *, at_most: int = 1_000_000) -> None:
        self._gateway = gateway
        self._at_most = at_most
        """Requests to one operation: some have bodies with hundreds of bounds to cover."""
        self._said: Counter[str] = Counter()
        self._session = requests.Session()
        self._things: dict[str, str] = {}
        self._are_for = ""
        self._counted = 0
        self.statuses: Counter[tuple[str, int]] = Counter()

    def say(self, case: Any) -> None:
        """Send one case and have the answer checked; nothing once enough was said to the operation."""
        self._said[case.operation.label] += 1
        if self._said[case.operation.label] > self._at_most:
            return
        is_aimed = self._aim(case)
        path = case.operation.path
        headers = {"Authorization": f"Bearer {self._gateway.key_for(path)}"}
        response = case.call(base_url=self._gateway.url, session=self._session, headers=headers, timeout=_SECONDS)
        self.statuses[case.operation.label, response.status_code] += 1
        if is_aimed and (case.operation.method.upper() == "DELETE" or response.status_code == 404):
            self._are_for = ""
        case.validate_response(response, headers=headers, excluded_checks=_excluded(case, response))

    def _aim(self, case: Any) -> bool:
        """Let every other case that is meant well be about a thing that exists, in whichever version."""
        is_meant_well = case.meta is None or case.meta.generation.mode.is_positive
        self._counted += 1
        if not is_meant_well or self._counted % 2:
            return False
        if self._are_for != case.operation.label:
            self._things, self._are_for = self._gateway.make_things(), case.operation.label
        for name in case.path_parameters:
            case.path_parameters[name] = self._things.get(name, case.path_parameters[name])
        if any(each.name == "If-Match" for each in case.operation.headers):
            case.headers["If-Match"] = "*"
        return True

    def close(self) -> None:
        """Hang up."""
        self._session.close()
