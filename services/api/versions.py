"""ETags on what can be edited: a change says which version it was made from. RFC 9110, 8.8.3 and 13.1.1."""

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from services.api.problems import FieldError, Refused
from shared.domain.failures import InvalidRequest, VersionRequired, VersionStale

_TAG = re.compile(r'(?P<weak>W/)?"(?P<opaque>[\x21\x23-\x7e\x80-\xff]*)"')
_BETWEEN = re.compile(r"[ \t]*(?:,[ \t]*)+")
_LONGEST = 2_000
_EXPECTED = 'Expected * or entity tags in quotation marks, such as "3", with commas between them.'


@dataclass(frozen=True, slots=True)
class Condition:
    """What If-Match says: nothing, any version, or one of those that are named."""

    is_given: bool = False
    is_any: bool = False
    tags: frozenset[str] = frozenset()
    """Strong ones alone. A weak tag matches no version: the comparison is the strong one."""

    def require(self, version: int, hint: str = "") -> None:
        """Raises VersionRequired without If-Match, VersionStale where it names no such version; then with the hint."""
        if not self.is_given:
            raise VersionRequired
        if not self.is_any and str(version) not in self.tags:
            raise VersionStale(f"It is at version {version} now. {hint}".strip())

    @property
    def version(self) -> int | None:
        """The version that is named, where it is one alone that can be one."""
        (tag,) = self.tags if len(self.tags) == 1 else ("",)
        return int(tag) if tag.isascii() and tag.isdigit() and len(tag) < 10 else None


def show(response: Response, version: int) -> None:
    """Put the version into the answer's ETag."""
    response.headers["ETag"] = f'"{version}"'


def read(lines: list[str]) -> Condition:
    """The condition that the If-Match lines of a request make together. Raises Refused for what is none."""
    text = ",".join(lines).strip(" \t")
    if not lines:
        return Condition()
    if text == "*":
        return Condition(is_given=True, is_any=True)
    tags = list(_tags(text)) if len(text) <= _LONGEST else []
    if not tags:
        error = FieldError(pointer="header:If-Match", code="invalid_value", detail=_EXPECTED)
        raise Refused(InvalidRequest(), [error])
    return Condition(is_given=True, tags=frozenset(opaque for weak, opaque in tags if not weak))


def _tags(text: str) -> list[tuple[bool, str]]:
    """The entity tags of a list; none at all where it is not one. A tag may have commas in it."""
    found = []
    at = 0
    while at < len(text):
        tag = _TAG.match(text, at)
        if tag is None:
            return []
        found.append((tag["weak"] is not None, tag["opaque"]))
        between = _BETWEEN.match(text, tag.end())
        if between is None and tag.end() < len(text):
            return []
        at = between.end() if between else tag.end()
    return found


def _condition(
    request: Request,
    _: Annotated[
        str | None,
        Header(alias="If-Match", description="The ETag of the version that is changed; `*` for whichever it is"),
    ] = None,
) -> Condition:
    return read(request.headers.getlist("If-Match"))


IfMatch = Annotated[Condition, Depends(_condition)]
