"""Which addresses a partner's server may have."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.transfer.addresses import AddressPolicy

CLOSED = AddressPolicy()
OPEN = AddressPolicy((ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")))


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
    ],
)
def test_our_own_networks_are_refused_in_every_disguise(address: str) -> None:
    assert not CLOSED.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:4700::1111", "64:ff9b::808:808"])
def test_public_addresses_are_permitted(address: str) -> None:
    assert CLOSED.permits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["10.1.2.3", "fd00::1", "::ffff:10.1.2.3"])
def test_networks_that_the_operator_allows_are_permitted(address: str) -> None:
    assert OPEN.permits(ipaddress.ip_address(address))
    assert not OPEN.permits(ipaddress.ip_address("192.168.0.1"))


@given(st.ip_addresses(v=4))
def test_an_address_in_disguise_is_judged_like_itself(address: ipaddress.IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        disguised = ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(address))
        assert CLOSED.permits(disguised) == CLOSED.permits(address)
