"""Which addresses may be contacted, and finding them out.

Host names come from API clients, so connecting to whatever they resolve to would let a client reach our own
network: the cluster's services, the cloud's metadata address, this very machine. A name is resolved once, its
addresses are judged, and the connection is made to a judged address and not to the name, so that a name server
which answers differently the second time gains nothing. Nothing here connects.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.domain.failures import AddressRefused, NameUnresolved

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES = 8
"""Tried of one name; a name server may answer with thousands."""

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses are permitted, all others only in the networks that the operator allows."""

    allowed_networks: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether a partner's server may have that address."""
        real = _unwrapped(address)
        if any(real.version == network.version and real in network for network in self.allowed_networks):
            return True
        return real.is_global and not real.is_multicast


async def permitted_addresses(
    host: str, port: int, policy: AddressPolicy, resolver: Resolver, seconds: float
) -> list[str]:
    """The addresses of a host that may be contacted, best first.

    Raises NameUnresolved, and AddressRefused where none of them may be. The refused addresses are not told:
    what a name means inside our network is nobody's business.
    """
    try:
        async with asyncio.timeout(seconds):
            # A literal address must not depend on a resolver, and has exactly one reading here.
            found = [host] if _is_literal(host) else await resolver(host, port)
    except TimeoutError as error:
        raise NameUnresolved(f"No answer for {host!r} within {seconds:g} seconds.") from error
    except (OSError, UnicodeError) as error:
        raise NameUnresolved(f"Looked for {host!r}.") from error
    addresses = list(dict.fromkeys(found))[:MAX_ADDRESSES]
    if not addresses:
        raise NameUnresolved(f"Looked for {host!r}.")
    permitted = [address for address in addresses if policy.permits(ipaddress.ip_address(address))]
    if not permitted:
        raise AddressRefused(f"Found {host!r} at an address that is not public.")
    return permitted


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _unwrapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 address carries inside, where it does: both lead to the same machine."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address
