"""How Schemathesis talks to a gateway: with a valid key, about things that exist as often as about others.

Nothing is left out of Schemathesis's checks but what the document cannot say: that a body which fits its schema is
also right (`positive_data_acceptance`; a mapping onto a property that does not exist fits the schema too).

Cases are made when an operation's turn comes. Schemathesis's own way to make tests of a schema makes all of them while
pytest collects: the bounds of a goal's body alone have more than sixty thousand, a minute and a gigabyte and a half in
every process that collects.
"""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, strategies
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.specs.openapi.checks import (
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    unsupported_method,
)

from tests.integration.api.operations import OPERATIONS
from tests.integration.api.served import Served

DOCUMENT = Path(__file__).parents[3] / "openapi.yaml"
_SECONDS = 20
_REFUSALS = ["401", "403", "404", "405", "409", "412", "413", "414", "415", "422", "428", "429", "431"]
_STREAM = "/progress"
"""Answered as long as something happens: read by tests of their own."""
_LOOKED_AT = 600
"""Of an operation's cases, where only some of them are sent."""

LABELS = [str(each) for each in OPERATIONS if not each.path.endswith(_STREAM)]
"""The operations that are talked to, as Schemathesis names them."""


def _schema() -> Any:
    settings = {"seed": 1, "checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}}}
    return schemathesis.openapi.from_path(DOCUMENT, config=SchemathesisConfig.from_dict(settings))


def _excluded(case: Any, response: requests.Response) -> list[Any]:
    """The checks that say nothing of an answer.

    A parameter that is wrong by being nothing at all is never sent. An address that is too long is refused before
    anybody looks at the method or the key.
    """
    sent = parse_qs(urlsplit(response.request.url or "").query, keep_blank_values=True)
    is_as_meant = set(case.query or ()) <= sent.keys()
    is_too_long = response.status_code == HTTPStatus.REQUEST_URI_TOO_LONG
    return [
        positive_data_acceptance,
        *([] if is_as_meant else [negative_data_rejection]),
        *([unsupported_method, missing_required_header] if is_too_long else []),
    ]


class Conversation:
    """What is said with one gateway, and what came back."""

    def __init__(self, gateway: Served) -> None:
        self._gateway = gateway
        self._schema = _schema()
        self._session = requests.Session()
        self._things: dict[str, str] = {}
        self._are_for = ""
        self._counted = 0
        self.statuses: Counter[tuple[str, int]] = Counter()

    def hold(self, label: str, *, drawn: int, at_most: int | None = None) -> None:
        """Ask an operation with the cases that cover its bounds, then with so many random ones.

        at_most of the first, spread over the beginning of what Schemathesis makes of the operation; None for all.
        """
        self._counted = 0
        operation = self._schema.find_operation_by_label(label)
        covering = CoverageGenerator(
            operation=operation,
            generation_modes=list(GenerationMode),
            generation_config=self._schema.config.generation_for(operation=operation, phase="coverage"),
            auth_storage=None,
            override=Override(),
            feedback=NO_FEEDBACK,
        )
        for case in covering if at_most is None else _spread(list(islice(covering, _LOOKED_AT)), at_most):
            self.say(case)
        kinds = [operation.as_strategy(generation_mode=mode) for mode in GenerationMode]

        @hypothesis.settings(
            max_examples=drawn, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @hypothesis.given(case=strategies.one_of(kinds))
        def talk(case: Any) -> None:
            self.say(case)

        talk()

    def say(self, case: Any) -> None:
        """Send one case and have the answer checked."""
        is_aimed = self._aim(case)
        path = case.operation.path
        headers = {"Authorization": f"Bearer {self._gateway.key_for(path)}"}
        response = case.call(base_url=self._gateway.url, session=self._session, headers=headers, timeout=_SECONDS)
        self.statuses[case.operation.label, response.status_code] += 1
        if is_aimed and (case.operation.method.upper() == "DELETE" or response.status_code == 404):
            self._are_for = ""
        case.validate_response(response, headers=headers, excluded_checks=_excluded(case, response))

    def _aim(self, case: Any) -> bool:
        """Let every other case of an operation that is meant well, from the first on, be about a thing that exists, in
        whichever version."""
        is_meant_well = case.meta is None or case.meta.generation.mode.is_positive
        if not is_meant_well:
            return False
        self._counted += 1
        if self._counted % 2 == 0:
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


def _spread(cases: Sequence[Any], count: int) -> list[Any]:
    """So many of them, from the first on, with equal strides."""
    return list(cases) if len(cases) <= count else [cases[place * len(cases) // count] for place in range(count)]
