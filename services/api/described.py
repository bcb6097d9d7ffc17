"""What the OpenAPI document says beyond the routes: the habits, the codes, what is refused before a route is asked."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, TypeGuard

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, APIRouter
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from services.api import once, problems
from services.api.gate import takes_basic

_HABITS = """\
Times are RFC 3339 with zone. Numbers that must be exact travel as strings. An unknown field in a request is an
error. Another account's thing is answered exactly like one that does not exist: 404.

Lists take `limit` (1 to 1000), filters and `cursor`, and answer `items` and `next_cursor`; a cursor belongs to the list
with its filters. What can be edited has an `ETag`; `PUT`, `PATCH` and `DELETE` want it in `If-Match`, and `*` takes
whichever version there is. Secrets are write-only: an answer shows whether one is set.

Every `POST` takes an `Idempotency-Key`: repeated within a day with the same path and body it is not carried out again
but answered as it was, with `Idempotency-Replayed: true` and `already_shown` in the place of a secret.

A key makes so many requests a second, and sends bodies of at most 1 MiB: JSON in UTF-8, nested at most 64 levels deep,
without a name twice in one object, with numbers that lose nothing. Files stream beside that, as
`application/octet-stream` with their `name` in the query: samples of 64 MiB and imports of 1 GiB at most, where the
operator says nothing else.
Each operation says under `security` which scopes it wants.

Errors are RFC 9457 problem details. Every `code` stands in this list and never changes:

| code | what it says |
| --- | --- |
"""

_BASIC = {"type": "http", "scheme": "basic", "description": "An API key: its prefix as user, its secret as password"}
_RETRY_AFTER = {"description": "Seconds until it is worth while to ask again", "schema": {"type": "integer"}}
_HEADERS: dict[str, dict[str, Any]] = {
    "401": {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}},
    "429": {"Retry-After": _RETRY_AFTER},
    "503": {"Retry-After": _RETRY_AFTER},
}
_AT_THE_EDGE = {
    "414": "The address is too long",
    "429": "Too many requests of this key, or too many without a valid key; see `Retry-After`",
    "431": "The headers are too large",
}
_OF_BODIES = {
    "408": "The body did not arrive in time",
    "413": "The body is too large",
    "415": "The body is not JSON",
}


@cache
def description() -> str:
    """The habits, and every code there is."""
    return _HABITS + "\n".join(f"| `{code}` | {sentence} |" for code, sentence in sorted(problems.catalogue().items()))


def _is_operation(route: object) -> TypeGuard[APIRoute]:
    return isinstance(route, APIRoute)


def _scopes_of(route: APIRoute) -> list[str]:
    """What its visit wants: see `access.allowed`."""
    found = {scope.value for each in route.dependant.dependencies for scope in getattr(each.call, "scopes", ())}
    return sorted(found)


def document(app: FastAPI, routers: Iterable[APIRouter], models: Sequence[type[BaseModel]] = ()) -> dict[str, Any]:
    """The application's document, problems and scopes included.

    `models` are those of bodies that routes read by themselves, since they may also be a file.
    """
    scopes = {route.name: _scopes_of(route) for router in routers for route in router.routes if _is_operation(route)}
    told = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    told["components"]["securitySchemes"]["basic"] = _BASIC
    for path, operations in told["paths"].items():
        if "post" in operations:
            _may_be_repeated(operations["post"])
        for operation in operations.values():
            wanted = scopes[operation["operationId"]]
            operation["security"] = [{"key": wanted}, *([{"basic": wanted}] if takes_basic(path) else [])]
            _tell_refusals(operation)
    _share_refusals(told)
    for unused in ("HTTPValidationError", "ValidationError"):
        told["components"]["schemas"].pop(unused, None)
    _tell_models(told["components"]["schemas"], models)
    _tell_patterns(told)
    return told


def _tell_models(schemas: dict[str, Any], models: Sequence[type[BaseModel]]) -> None:
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [(each, "validation") for each in models]
    _, found = models_json_schema(wanted, ref_template="#/components/schemas/{model}")
    for name, schema in found.get("$defs", {}).items():
        schemas.setdefault(name, schema)


def _tell_patterns(node: Any) -> None:
    """JSON Schema's patterns are ECMA-262's, which has no \\z; its $ is the very end, and not before a line feed."""
    if isinstance(node, dict):
        if isinstance(node.get("pattern"), str):
            node["pattern"] = _ecma(node["pattern"])
        if "patternProperties" in node:
            node["patternProperties"] = {_ecma(name): each for name, each in node["patternProperties"].items()}
            # Which names there may be, and not only what those that fit hold.
            node["additionalProperties"] = False
        for value in node.values():
            _tell_patterns(value)
    elif isinstance(node, list):
        for value in node:
            _tell_patterns(value)


def _ecma(pattern: str) -> str:
    return pattern.removesuffix(r"\z") + ("$" if pattern.endswith(r"\z") else "")


def _tell_refusals(operation: dict[str, Any]) -> None:
    responses = operation["responses"]
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status, sentence in (_AT_THE_EDGE | (_OF_BODIES if "requestBody" in operation else {})).items():
        responses.setdefault(status, {"description": sentence, "content": dict(problem)})
    for status, response in responses.items():
        if status >= "400" and "application/json" in response.get("content", {}):
            response["content"] = {problems.MEDIA_TYPE: response["content"]["application/json"]}
            if status in _HEADERS:
                response.setdefault("headers", {}).update(_HEADERS[status])
    operation["responses"] = dict(sorted(responses.items()))


def _share_refusals(document: dict[str, Any]) -> None:
    """Say once what several operations answer alike where they refuse: they refer to it."""
    operations = [each for several in document["paths"].values() for each in several.values()]
    refused = Counter((status, _text(answer)) for each in operations for status, answer in _refusals(each))
    names: dict[tuple[str, str], str] = {}
    for (status, text), times in refused.items():
        if times > 1:
            alike = sum(known == status for known, _ in names)
            names[status, text] = f"Problem{status}_{alike + 1}" if alike else f"Problem{status}"
            document["components"].setdefault("responses", {})[names[status, text]] = json.loads(text)
    for operation in operations:
        for status, answer in _refusals(operation):
            name = names.get((status, _text(answer)))
            if name is not None:
                operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}


def _refusals(operation: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(status, answer) for status, answer in operation["responses"].items() if status >= "400"]


def _text(answer: Any) -> str:
    return json.dumps(answer, sort_keys=True)


def _may_be_repeated(operation: dict[str, Any]) -> None:
    """What holds for every POST (`once.py`)."""
    operation.setdefault("parameters", []).append(
        {
            "name": once.HEADER,
            "in": "header",
            "required": False,
            "schema": {"type": "string", "minLength": 1, "maxLength": once.MAX_KEY_LENGTH, "pattern": "^[ -~]+$"},
            "description": "Repeated with the same path and body: carried out once, answered the same",
        }
    )
    problem = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    description = "Does not fit the thing's state, or the same request is still being carried out"
    operation["responses"]["409"] = {"description": description, "content": problem}
