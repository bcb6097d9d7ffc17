"""JSON Merge Patch (RFC 7396): a change says only what it changes, and null takes away.

Of a dialect's `quoteChar` null is a value, as in the dialect itself: there is no quote character, which the absence of
the setting does not mean. A patch that takes it away is nowhere meant; its default is sent like any other value.
What comes out is judged by the same model as a whole new thing would be.
"""

from typing import Annotated, Any, TypeVar

from fastapi import Body
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError

Judged = TypeVar("Judged")

MergePatch = Annotated[
    dict[str, Any],
    Body(
        description="A JSON Merge Patch (RFC 7396): only what changes; null takes away, but of `dialect.quoteChar`, "
        "where it is a value; lists are given whole"
    ),
]
_NULL_SAYS_SOMETHING = frozenset({("dialect", "quoteChar")})


def merged(stored: Any, patch: Any, *, at: tuple[str, ...] = ()) -> Any:
    """What the patch, which stands `at` this place of the whole, makes of the stored value.

    Nothing of either is changed.
    """
    if not isinstance(patch, dict):
        return patch
    result = dict(stored) if isinstance(stored, dict) else {}
    for name, value in patch.items():
        if value is None and (*at, name) not in _NULL_SAYS_SOMETHING:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value, at=(*at, name))
    return result


def judged(kind: TypeAdapter[Judged], value: Any) -> Judged:
    """The value as the model has it. Raises RequestValidationError with pointers into the value."""
    try:
        return kind.validate_python(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False)
        # Not "from error": its text holds what was sent, and that may be a secret.
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found], body=value) from None
