"""JSON Merge Patch (RFC 7396): a change says only what it changes, and null takes away.

What comes out is judged by the same model as a whole new thing would be.
"""

from typing import Annotated, Any, TypeVar

from fastapi import Body
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

Judged = TypeVar("Judged")

MergePatch = Annotated[
    dict[str, Any],
    Body(description="A JSON Merge Patch (RFC 7396): only what changes; null takes away; lists are given whole"),
]


def merged(stored: Any, patch: Any) -> Any:
    """What the patch makes of the stored value. Nothing of either is changed."""
    if not isinstance(patch, dict):
        return patch
    result = dict(stored) if isinstance(stored, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def judged(kind: TypeAdapter[Judged], value: Any) -> Judged:
    """The value as the model has it. Raises RequestValidationError with pointers into the value."""
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # Not "from error": its text holds what was sent, and that may be a secret.
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found], body=value) from None
