"""Samples that lie in a drop folder: the poller fetches them, keeps them and says what they are; the files stay."""

from typing import Any

import pytest

from tests.eventually import eventually
from tests.integration.api.asking import Client
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, packed

CANARY = "cnry7f3a9c5e21d8"
TEXT = f"E-mail;First name\nann.{CANARY}@shop.example;Ann {CANARY}\nbob@shop.example;Bob\n"


async def _fetched(client: Client, tenant: Tenant, path: str) -> Any:
    asked = {"connection_id": str(tenant.connection_id), "path": path}
    sample = await client.ask("POST", "/v1/samples", 202, json=asked)

    async def is_fetched() -> bool:
        sample.update(await client.ask("GET", f"/v1/samples/{sample['id']}", 200))
        return bool(sample["state"] != "fetching")

    await eventually(is_fetched, "the sample to be fetched", every_seconds=0.2)
    return sample


async def test_the_poller_fetches_a_sample_that_a_goal_can_be_made_of(
    tenant: Tenant, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tenant.drop("in/contacts.csv.gz", packed(TEXT))
    async with gateway_of(tenant) as client:
        sample = await _fetched(client, tenant, "in/contacts.csv.gz")
        missing = await _fetched(client, tenant, "in/none.csv")
    assert (sample["state"], sample["size_bytes"], sample["name"]) == ("ready", file.stat().st_size, "contacts.csv.gz")
    assert sample["findings"]["packing"]["value"] == "gzip"
    assert sample["findings"]["sample_rows"][1] == ["bob@shop.example", "Bob"]
    assert sample["goal"]["identifiers"] == [{"field": "E-mail", "property": "email"}]
    assert (missing["state"], missing["reason"]["code"]) == ("failed", "file_gone")
    assert await tenant.arrivals() == {}, "what is looked at has not arrived"
    printed = capsys.readouterr()
    assert "sample.fetched" in printed.out + printed.err
    assert CANARY not in printed.out + printed.err
