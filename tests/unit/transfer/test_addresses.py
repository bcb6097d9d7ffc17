"""Which addresses a partner's server may have."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.failures import AddressRefused
from shared.transfer.addresses import ANYWHERE, MAX_ADDRESSES, AddressPolicy, permitted_addresses

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


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "255.255.255.255",
        "224.0.0.1",
        "::",
        "fe80::1",
        "fd00:ec2::254",
        "fd20:ce::254",
        "ff02::1",
        "::ffff:169.254.169.254",
        "::a9fe:a9fe",
        "::ffff:0:a9fe:a9fe",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::a9fe:a9fe",
        "64:ff9b:1:a9fe:a9:fe00::",
        "64:ff9b:1:a9:fe:a9fe::",
        "64:ff9b:1::a9:fea9:fe00:0",
        "2002:a9fe:a9fe::1",
        "2001:0:a9fe:a9fe::1",
        "2001:0:808:808::5601:5601",
        "2a00::5efe:a9fe:a9fe",
        "2a00::200:5efe:a9fe:a9fe",
    ],
)
def test_metadata_and_link_local_are_refused_whatever_the_operator_allows(address: str) -> None:
    exactly = AddressPolicy((ipaddress.ip_network(address),))
    for policy in (CLOSED, ANYWHERE, exactly):
        assert not policy.permits(ipaddress.ip_address(address))


@given(
    st.ip_addresses(v=4, network="169.254.0.0/16"), st.sampled_from(["::ffff:0:0", "64:ff9b::", "::", "64:ff9b:1::"])
)
def test_a_link_local_address_is_refused_in_every_disguise(address: ipaddress.IPv4Address, prefix: str) -> None:
    assert not ANYWHERE.permits(ipaddress.IPv6Address(int(ipaddress.IPv6Address(prefix)) + int(address)))


def test_an_operators_own_translation_is_permitted_where_both_sides_are() -> None:
    translating = AddressPolicy((ipaddress.ip_network("64:ff9b:1::/48"),))
    assert translating.permits(ipaddress.ip_address("64:ff9b:1::8.8.8.8"))
    assert not translating.permits(ipaddress.ip_address("64:ff9b:1::10.1.2.3"))


async def test_a_name_of_which_one_address_is_ours_is_refused_whole() -> None:
    async def mixed(host: str, port: int) -> list[str]:
        return [*(f"93.184.216.{number}" for number in range(MAX_ADDRESSES)), "10.1.2.3"]

    with pytest.raises(AddressRefused) as refused:
        await permitted_addresses("partner.example", 22, CLOSED, mixed, 1)
    assert "10.1.2.3" not in str(refused.value)
    assert len(await permitted_addresses("partner.example", 22, OPEN, mixed, 1)) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "host", ["0x7f000001", "2130706433", "127.1", "0177.0.0.1", "localhost.", "fe80::1%eth0", "①.①"]
)
async def test_a_host_of_many_readings_is_not_even_looked_for(host: str) -> None:
    async def never(host: str, port: int) -> list[str]:
        raise AssertionError("it was looked for")

    with pytest.raises(AddressRefused):
        await permitted_addresses(host, 22, ANYWHERE, never, 1)
