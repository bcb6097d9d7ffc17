"""Which addresses may be contacted, and finding them out.

Host names come from API clients, so connecting to whatever they resolve to would let a client reach our own
network: the cluster's services, the cloud's metadata address, this very machine. A name is resolved once and every
address it has is judged: one that may not be contacted refuses the name, for a name that is half ours is either a
mistake or a trap. The addresses of metadata services, and those that belong to one link only, are never contacted,
whatever networks the operator allows. Nothing here connects.
"""

import asyncio
import ipaddress
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from shared.domain.failures import AddressRefused, NameUnresolved
from shared.domain.host_name import checked_host

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

MAX_ADDRESSES = 8
"""Dialled of one name; a name server may answer with thousands."""

NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8",  # this machine, by another name
        "169.254.0.0/16",  # link-local; metadata of most clouds
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # Azure's host, which has a public address
        "192.0.0.192/32",  # metadata of Oracle Cloud
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/128",
        "fe80::/10",  # link-local
        "fd00:ec2::/32",  # metadata of AWS
        "fd20:ce::/32",  # metadata of Google Cloud
        "fd00:c1::/32",  # metadata of Oracle Cloud
        "ff00::/8",  # multicast
    )
)
"""Never contacted, also where a network that the operator allows covers them."""

_NO_ADDRESS = ipaddress.IPv4Network("0.0.0.0/8")
_GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
"""RFC 4291: what has been given out of IPv6 for use everywhere."""
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_SIXTOFOUR = ipaddress.IPv6Network("2002::/16")
_TEREDO = ipaddress.IPv6Network("2001::/32")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public addresses are permitted, all others only in the networks that the operator allows, and some never."""

    allowed_networks: tuple[Network, ...] = ()

    def permits(self, address: Address) -> bool:
        """Whether a server may have that address. One that carries another is judged by what it carries as well."""
        return all(self._permits(each) for each in _readings(address))

    def _permits(self, address: Address) -> bool:
        if _is_in(address, NEVER):
            return False
        if _is_in(address, self.allowed_networks):
            return True
        if isinstance(address, ipaddress.IPv6Address) and address not in _GLOBAL_UNICAST:
            return False
        return address.is_global


ANYWHERE = AddressPolicy((ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")))
"""Everything but what is never contacted, whatever the operator allows."""


def refusal(host: str) -> str | None:
    """Why a host is refused before anything is resolved, and whatever the operator allows; None where it is not."""
    try:
        name = checked_host(host)
    except ValueError as error:
        return f"Found a host that is {error}."
    if _is_literal(name) and not ANYWHERE.permits(ipaddress.ip_address(name)):
        return f"Found {name!r}, an address that is never contacted."
    return None


async def permitted_addresses(
    host: str, port: int, policy: AddressPolicy, resolver: Resolver, seconds: float
) -> list[str]:
    """The addresses of a host, best first, once every one of them has been judged.

    Raises NameUnresolved, and AddressRefused where one of them may not be contacted or the host's spelling has more
    than one reading. The refused addresses are not told: what a name means inside our network is nobody's business.
    """
    why = refusal(host)
    if why is not None:
        raise AddressRefused(why)
    try:
        async with asyncio.timeout(seconds):
            # A literal address must not depend on a resolver, and has exactly one reading here.
            found = [host] if _is_literal(host) else await resolver(host, port)
    except TimeoutError as error:
        raise NameUnresolved(f"No answer for {host!r} within {seconds:g} seconds.") from error
    except (OSError, UnicodeError) as error:
        raise NameUnresolved(f"Looked for {host!r}.") from error
    addresses = list(dict.fromkeys(found))
    if not addresses:
        raise NameUnresolved(f"Looked for {host!r}.")
    if not all(policy.permits(ipaddress.ip_address(address)) for address in addresses):
        raise AddressRefused(f"Found {host!r} at an address that is not public.")
    return addresses[:MAX_ADDRESSES]


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_in(address: Address, networks: Sequence[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)


def _readings(address: Address) -> list[Address]:
    """Every address that an address leads to: those it carries, and itself unless it only stands for one of them."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    # The first four lead to the machine that has the IPv4 address, and to no other (RFC 4291, 6052, 3056, 4380).
    if address in _MAPPED or address in _NAT64:
        return [_tail(address)]
    if address in _SIXTOFOUR:
        return [_cut(address, 80)]
    if address in _TEREDO:
        return [_cut(address, 64), ipaddress.IPv4Address(~int(address) & 0xFFFFFFFF)]
    return [address, *_carried(address)]


def _carried(address: ipaddress.IPv6Address) -> list[Address]:
    """What IPv6 addresses of other kinds may stand for, where a machine is set up to read them so."""
    if address in _LOCAL_NAT64:
        # RFC 6052, 2.2: the place of the IPv4 address depends on the length of the prefix, which only the operator
        # knows. Bits 64 to 71 are left out.
        bits = int(address)
        without = (bits >> 64) << 56 | bits & ((1 << 56) - 1)
        split = [without >> shift & 0xFFFFFFFF for shift in (40, 32, 24)]
        read = [_tail(address), *(ipaddress.IPv4Address(each) for each in split)]
        return [each for each in read if each not in _NO_ADDRESS]
    is_isatap = int(address) >> 32 & 0xFDFFFFFF == 0x00005EFE  # RFC 5214, 6.1
    is_embedding = address in _COMPATIBLE or address in _TRANSLATED or is_isatap
    # ::1 is loopback, and no IPv4 address.
    return [_tail(address)] if is_embedding and not address.is_loopback else []


def _tail(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return _cut(address, 0)


def _cut(address: ipaddress.IPv6Address, shift: int) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
