"""What a login of a hosted folder may do, and from where. Pure; who it is was settled before."""

import ipaddress
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

Transport = Literal["sftp", "webdav"]
"""How somebody came in."""


class Right(StrEnum):
    """One thing that a login may do in its directory."""

    READ = "read"
    """Fetch files."""
    WRITE = "write"
    """Upload, rename, remove, make directories, set times."""
    LIST = "list"
    """See what lies there."""


ALL_RIGHTS: frozenset[Right] = frozenset(Right)


def network(text: str) -> str:
    """An address or network in CIDR notation, as it is kept. Raises ValueError where it is none, or has host bits."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError as error:
        raise ValueError(f"expected an address or a network such as 192.0.2.0/24, found {text!r}") from error


Network = Annotated[str, Field(max_length=64), AfterValidator(network)]


def is_within(address: str, networks: Sequence[str]) -> bool:
    """Whether an address is in one of the networks; with none, any address is. What is no address is in none."""
    if not networks:
        return True
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found in ipaddress.ip_network(each) for each in networks)
