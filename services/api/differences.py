"""What differs between two JSON documents, by RFC 6901 pointer. Pure.

Items of a list are compared as a sequence, so that one more in the middle is one difference and not as many as follow.
What was removed is pointed to in the older document, all else in the newer one.
"""

import json
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Any, Literal

from pydantic import BaseModel, Field

from services.api.pointers import escaped


class Difference(BaseModel):
    """One place where two versions differ."""

    pointer: str = Field(description="RFC 6901; into the older version for what was removed, else into the newer one")
    kind: Literal["added", "removed", "changed"]
    before: Any = Field(description="null where it was added")
    after: Any = Field(description="null where it was removed")


def differences(before: Any, after: Any) -> list[Difference]:
    """All differences, in the order of the newer document."""
    return list(_between("", before, after))


def _between(pointer: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        yield from _of_objects(pointer, before, after)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _of_lists(pointer, before, after)
    elif _canonical(before) != _canonical(after):
        yield Difference(pointer=pointer, kind="changed", before=before, after=after)


def _of_objects(pointer: str, before: dict[str, Any], after: dict[str, Any]) -> Iterator[Difference]:
    for name in [*after, *(name for name in before if name not in after)]:
        inside = f"{pointer}/{escaped(name)}"
        if name not in before:
            yield Difference(pointer=inside, kind="added", before=None, after=after[name])
        elif name not in after:
            yield Difference(pointer=inside, kind="removed", before=before[name], after=None)
        else:
            yield from _between(inside, before[name], after[name])


def _of_lists(pointer: str, before: list[Any], after: list[Any]) -> Iterator[Difference]:
    one, other = [_canonical(each) for each in before], [_canonical(each) for each in after]
    for tag, i, i_end, j, j_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        paired = min(i_end - i, j_end - j)
        for number in range(paired):
            yield from _between(f"{pointer}/{j + number}", before[i + number], after[j + number])
        for number in range(j + paired, j_end):
            yield Difference(pointer=f"{pointer}/{number}", kind="added", before=None, after=after[number])
        for number in range(i + paired, i_end):
            yield Difference(pointer=f"{pointer}/{number}", kind="removed", before=before[number], after=None)


def _canonical(value: Any) -> str:
    """The value as a text that is the same for equal values alone: to Python 1, 1.0 and true are equal."""
    return json.dumps(value, sort_keys=True)
