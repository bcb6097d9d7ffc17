"""Which address an HTTP request comes from, also in the granularity in which one client has addresses.

X-Forwarded-For is believed from the right, as far as those who wrote it are trusted proxies; the first one that is
not is the client. A client that writes the header itself only adds to its left.
"""

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_IPV6_SITE_BITS = 64


def networks(listed: str) -> tuple[Network, ...]:
    """Networks as settings name them: CIDR, comma-separated."""
    return tuple(ipaddress.ip_network(part) for part in filter(None, (part.strip() for part in listed.split(","))))


def client_of(scope: Mapping[str, Any], trusted: Sequence[Network]) -> str:
    """The client's IPv4 address or IPv6 /64; "unknown" where the server does not say."""
    address = address_of(scope, trusted)
    return "unknown" if address is None else _site_of(address)


def peer_of(scope: Mapping[str, Any]) -> Address | None:
    """The other end of the connection; None where the server does not say."""
    return read_address(scope["client"][0]) if scope.get("client") else None


def address_of(scope: Mapping[str, Any], trusted: Sequence[Network]) -> Address | None:
    """The client's address; None where the server does not say."""
    peer = peer_of(scope)
    if peer is None:
        return None
    hops = reversed(b",".join(_forwarded_for(scope["headers"])).decode("latin-1").split(","))
    for hop in hops:
        if not is_in(peer, trusted):
            break
        told = read_address(hop)
        if told is None:
            break
        peer = told
    return peer


def _forwarded_for(headers: Iterable[tuple[bytes, bytes]]) -> list[bytes]:
    return [value for name, value in headers if name.lower() == b"x-forwarded-for"]


def read_address(text: str) -> Address | None:
    """An address, also as `1.2.3.4:567`, `[2001:db8::1]` or `[2001:db8::1]:567`, which some proxies write."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def is_in(address: Address, networks: Sequence[Network]) -> bool:
    """Whether an address is in one of those networks."""
    return any(address.version == network.version and address in network for network in networks)


def _site_of(address: Address) -> str:
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), _IPV6_SITE_BITS), strict=False))
