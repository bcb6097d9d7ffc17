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


_WRITTEN = (
    r"^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[0-9-]*[A-Za-z_][A-Za-z0-9_-]*$"
    r"|^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$|^[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*$"
)
HostName = Annotated[
    str,
    StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,253}\z"),
    # What is saved is judged by host_name.checked_host; what was saved before that was, has still to be read.
    Field(json_schema_extra={"pattern": _WRITTEN, "maxLength": 253}),
    AfterValidator(_is_a_host),
]
PortNumber = Annotated[int, Field(ge=1, le=65_535)]
UserName = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_is_printable)]
HomeDirectory = Annotated[str, Field(max_length=1_024), AfterValidator(_is_printable)]
MaxSessions = Annotated[int, Field(ge=1, le=1_000)]
"""At a time, of all connections to that host and port. The operator's number, where that is less."""
