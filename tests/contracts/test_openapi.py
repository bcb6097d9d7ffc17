"""openapi.yaml is what the gateway serves, and keeps the habits that API clients rely on."""

from typing import Any

import pytest
import yaml

from services.api.app import bare_app
from services.api.openapi import TARGET, rendered
from shared.domain.scope import Scope

DOCUMENT: dict[str, Any] = bare_app().openapi()
OPERATIONS = [
    pytest.param(operation, id=f"{method} {path}")
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def test_the_checked_in_document_is_fresh() -> None:
    assert TARGET.read_text("utf-8") == rendered(), "run: python -m services.api.openapi"
    assert yaml.safe_load(rendered()) == DOCUMENT


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operations in DOCUMENT["paths"].values() for operation in operations.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_needs_a_key_and_tells_its_problems(operation: dict[str, Any]) -> None:
    ((name, scopes),) = operation["security"][0].items()
    assert name == "key"
    assert set(scopes) <= {scope.value for scope in Scope}
    assert scopes
    responses = {status: _meant(response) for status, response in operation["responses"].items()}
    assert {"401", "403", "414", "422", "429", "431", "503"} <= responses.keys()
    assert "Retry-After" in responses["429"]["headers"]
    assert "requestBody" not in operation or {"413", "415"} <= responses.keys()
    for status, response in responses.items():
        if status >= "400":
            assert list(response["content"]) == ["application/problem+json"]


def _meant(response: dict[str, Any]) -> dict[str, Any]:
    """A response, or the one that it refers to."""
    name = response.get("$ref", "").removeprefix("#/components/responses/")
    return DOCUMENT["components"]["responses"][name] if name else response


def test_every_code_that_can_be_met_stands_in_the_description() -> None:
    for code in ("not_found", "header_changed", "unknown_field", "not_an_email", "conflicting_afterwards"):
        assert f"| `{code}` |" in DOCUMENT["info"]["description"]


def test_secrets_are_in_no_answer() -> None:
    shown = DOCUMENT["components"]["schemas"]["ConnectionShown"]["properties"]
    for name in ("password", "private_key", "passphrase"):
        assert shown[name] == {"$ref": "#/components/schemas/SecretShown"}


def test_scopes_are_a_closed_list() -> None:
    assert set(DOCUMENT["components"]["schemas"]["Scope"]["enum"]) == {scope.value for scope in Scope}


def test_patterns_are_those_of_json_schema() -> None:
    assert "[a-z]" in rendered()
    assert "\\z" not in rendered()
