"""What places on partners' servers are made of: host names, user names, home directories."""

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field, StringConstraints


def _is_a_host(value: str) -> str:
    if ":" in value:
        ipaddress.ip_address(value)
    return value


def _is_printable(value: str) -> str:
    if any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError("found a control character")
    return value


HostName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}\z"), AfterValidator(_is_a_host)]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]
UserName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_is_printable)]
HomeDirectory = Annotated[str, Field(max_length=1_024), AfterValidator(_is_printable)]
MaxSessions = Annotated[int, Field(ge=1, le=1_000)]
"""At a time, of all connections to that host and port. The operator's number, where that is less."""
