"""What the OpenAPI document says beyond the routes: the habits, the catalogue of codes, problems as what they are."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from services.api import problems

_HABITS = """\
Times are RFC 3339 with zone. Numbers that must be exact travel as strings. An unknown field in a request is an
error. Another account's thing is answered exactly like one that does not exist: 404.

Lists take `limit` (1 to 1000) and `cursor`, and answer `items` and `next_cursor`. What can be edited has an `ETag`;
`PUT` and `DELETE` want it in `If-Match`. Secrets are write-only: an answer shows whether one is set.

Errors are RFC 9457 problem details. Every `code` stands in this list and never changes:

| code | what it says |
| --- | --- |
"""


def description() -> str:
    """The habits, and every code there is."""
    return _HABITS + "\n".join(f"| `{code}` | {sentence} |" for code, sentence in sorted(problems.catalogue().items()))


def install(app: FastAPI) -> None:
    """Have the application describe itself, problems included."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # the documented way to extend the document


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary=app.summary,
        description=app.description,
        routes=app.routes,
    )
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400" and "application/json" in response.get("content", {}):
                    response["content"] = {problems.MEDIA_TYPE: response["content"]["application/json"]}
    for unused in ("HTTPValidationError", "ValidationError"):
        document["components"]["schemas"].pop(unused, None)
    return document
