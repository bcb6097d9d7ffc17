"""ETags on what can be edited: a change says which version it was made from. RFC 9110, 8.8.3 and 13.1.1."""

from typing import Annotated

from fastapi import Header, Response

from shared.domain.failures import VersionRequired, VersionStale

IfMatch = Annotated[
    str | None, Header(alias="If-Match", max_length=200, description="The ETag of the version that is changed")
]


def show(response: Response, version: int) -> None:
    """Put the version into the answer's ETag."""
    response.headers["ETag"] = _etag(version)


def require(if_match: str | None, version: int) -> None:
    """Raises VersionRequired without If-Match, VersionStale where it names another version."""
    if if_match is None:
        raise VersionRequired
    named = {each.strip() for each in if_match.split(",")}
    if "*" not in named and _etag(version) not in named:
        raise VersionStale


def _etag(version: int) -> str:
    return f'"{version}"'
