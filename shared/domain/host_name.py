"""Spellings of a host that have exactly one reading: a name in ASCII, or an address as it is printed.

Resolvers also take octal, hexadecimal, short and whole-number spellings of an IPv4 address, and programs differ on what
they mean; what differs is refused and not interpreted. Nothing here resolves a name.
"""

import ipaddress
import re

MAX_CHARACTERS = 253

_LABEL = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


def checked_host(host: str) -> str:
    """The host itself. Raises ValueError with what it is instead, fit to stand after "found a host that is"."""
    if not host:
        raise ValueError("empty")
    if len(host) > MAX_CHARACTERS:
        raise ValueError(f"longer than {MAX_CHARACTERS} characters")
    if not host.isascii():
        raise ValueError("not written in ASCII; write an international name in its xn-- form")
    if "%" in host:
        raise ValueError("written with a zone or an escape (%); write the name or the address alone")
    if ":" in host:
        return _checked_ipv6(host)
    if host.endswith("."):
        raise ValueError("written with a dot at its end; leave it out")
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _checked_ipv4(host)
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError(
            "no host name: it has labels of 1 to 63 letters, digits, - and _, which do not begin or end with -"
        )
    return host


def _checked_ipv4(host: str) -> str:
    try:
        # This reads dotted decimal numbers only, and no leading zeros, which others read as octal.
        ipaddress.IPv4Address(host)
    except ValueError as error:
        raise ValueError("an address in an unusual spelling; write IPv4 as four decimal numbers") from error
    return host


def _checked_ipv6(host: str) -> str:
    try:
        ipaddress.IPv6Address(host)
    except ValueError as error:
        raise ValueError("no IPv6 address; write it without brackets and port") from error
    return host
