"""RFC 6901 pointers into a request's body, from where a model found something wrong."""

from collections.abc import Sequence
from typing import Any


def pointer_of(location: Sequence[str | int], body: Any, *, names_absent: bool) -> str:
    """The pointer to the deepest part of the location that is in the body; "" is the body itself.

    pydantic puts the names of union members and of checks among those of fields; they lead nowhere in the body and
    are left out. With `names_absent` the last step is kept all the same: it names the field that is not there.
    """
    parts: list[str] = []
    node = body
    for number, step in enumerate(location):
        if _leads_on(node, step):
            node = node[step]
        elif not (names_absent and number == len(location) - 1):
            continue
        parts.append(escaped(step))
    return "".join(f"/{part}" for part in parts)


def escaped(step: str | int) -> str:
    """One step as it stands in a pointer."""
    return str(step).replace("~", "~0").replace("/", "~1")


def _leads_on(node: Any, step: str | int) -> bool:
    if isinstance(node, dict):
        return step in node
    return isinstance(node, list) and isinstance(step, int) and step < len(node)
