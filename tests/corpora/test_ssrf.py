"""Addresses that others have used to reach what is inside (payloads/ssrf_urls.json): none of them is contacted.

What the list holds beside hosts (paths, schemes) is about programs that follow URLs; a place is a host and a port.
Names of the list are resolved as they are meant, to what is inside: no name server is asked.
"""

import json
import re
from collections import Counter

import pytest

from shared.domain.failures import AddressRefused
from shared.domain.place import WebDavPlace
from shared.transfer.addresses import AddressPolicy, permitted_addresses
from shared.transfer.dialling import Reach, find
from tests.corpora.folder import content, needed

INSIDE = ("127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:169.254.169.254")


def _hosts(url: str) -> set[str]:
    """Every reading of a URL's host that some program has: around each @, \\, # and /, with and without port."""
    rest = re.sub(r"^[a-z0-9+.-]+:/*", "", url, flags=re.IGNORECASE)
    found = set()
    for part in re.split(r"[/\\\\#?@&\s]", rest):
        bracketed = re.match(r"\[([^\]]*)\]", part)
        found.add(bracketed[1] if bracketed else part)
        found.add(re.sub(r":[^:]*$", "", part))
    return found - {""}


@needed
async def test_no_address_of_the_list_is_contacted() -> None:
    hosts = {host for url in json.loads(content("payloads", "ssrf_urls.json")) for host in _hosts(url)}
    assert len(hosts) > 100
    for inside in INSIDE:

        async def meant(host: str, port: int, inside: str = inside) -> list[str]:
            return ["93.184.216.34", inside]

        for host in hosts:
            with pytest.raises(AddressRefused):
                await permitted_addresses(host, 22, AddressPolicy(), meant, 5)


@needed
async def test_no_spelling_of_an_address_is_left_to_a_resolver() -> None:
    urls = json.loads(content("payloads", "ssrf_urls.json"))
    numeric = {host for url in urls for host in _hosts(url) if re.fullmatch(r"[0-9a-fox.:]+", host, re.IGNORECASE)}
    asked = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    for host in numeric:
        with pytest.raises(AddressRefused):
            await permitted_addresses(host, 22, AddressPolicy(), resolver, 5)
    assert len(numeric) > 20
    assert set(asked) <= {"o177.0.0.1"}


@needed
async def test_no_address_of_the_list_can_be_the_place_of_a_connection() -> None:
    async def meant(host: str, port: int) -> list[str]:
        return ["169.254.169.254"]

    outcomes: Counter[str] = Counter()
    for url in json.loads(content("payloads", "ssrf_urls.json")):
        for written in (url, re.sub("^[a-z]+:", "https:", url, count=1)):
            try:
                place = WebDavPlace(transport="webdav", url=written, username="u")
            except ValueError:
                outcomes["not saved"] += 1
                continue
            with pytest.raises(AddressRefused):
                await find(place.host, place.port, Reach(resolver=meant))
            outcomes["not contacted"] += 1
    assert outcomes["not saved"] > 100
    assert outcomes["not contacted"] > 50
