"""Texts that PostgreSQL cannot store: NUL characters and halves of surrogate pairs. JSON and URLs can carry both."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import Request

from services.api.pointers import escaped
from services.api.problems import FieldError, Refused
from shared.domain.failures import InvalidRequest


async def require_storable(request: Request) -> None:
    """Raises Refused, naming the first place, when a text of the request's body or query cannot be stored."""
    found = [f"?{name}" for name, value in request.query_params.multi_items() if not _is_storable(name + value)]
    found += _places(_body(await request.body()))
    if found:
        detail = "Found a NUL character or half of a surrogate pair, which cannot be stored."
        raise Refused(InvalidRequest(), [FieldError(pointer=found[0], code="invalid_value", detail=detail)])


def _body(raw: bytes) -> Any:
    try:
        return json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        # What is no JSON is told by who reads it as a model.
        return None


def _places(body: Any) -> Iterator[str]:
    """Pointers to texts that cannot be stored. Not recursive: a body may be nested as deep as it is long."""
    pending: list[tuple[str, Any]] = [("", body)]
    while pending:
        pointer, value = pending.pop()
        if isinstance(value, str) and not _is_storable(value):
            yield pointer
        elif isinstance(value, list):
            pending += [(f"{pointer}/{number}", item) for number, item in enumerate(value)]
        elif isinstance(value, dict):
            if not all(_is_storable(name) for name in value):
                yield pointer
            pending += [(f"{pointer}/{escaped(name)}", item) for name, item in value.items()]


def _is_storable(text: str) -> bool:
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
