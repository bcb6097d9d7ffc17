"""Files in whatever packing, some under a password, on the whole road."""

import bz2
import lzma

import pytest
from backports import zstd

from shared.storage import openpgp_keys
from tests.integration.road.place import Tenant, goal
from tests.unit.formats.unpacking.packing import seven_zipped, zipped_with_aes

TEXT = b"email,name\na@b.example,Ann\n"
ARCHIVE = {"pattern": {"wildcard": "*"}, "readiness": {"strategy": "rename"}}
PACKINGS = {
    "bzip2": bz2.compress(TEXT),
    "xz": lzma.compress(TEXT),
    "zstd": zstd.compress(TEXT),
    "7z": seven_zipped({"people.csv": TEXT}),
}


async def test_every_packing_is_opened(tenant: Tenant) -> None:
    await tenant.save(goal(source=ARCHIVE, duplicate_content="import"))
    for name, content in PACKINGS.items():
        run = await tenant.imported(name, content)
        assert (run["state"], run["receipt"]["rows_read"]) == ("completed", 1), (name, run["receipt"])


@pytest.mark.parametrize(("password", "code"), [("the right one", None), ("another", "archive_password_wrong")])
async def test_the_accounts_password_opens_an_archive(tenant: Tenant, password: str, code: str | None) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        await openpgp_keys.add_password(tx, tenant.base.keys, "archives", password)
    await tenant.save(goal(source=ARCHIVE))
    run = await tenant.imported("people.zip", zipped_with_aes({"people.csv": TEXT}, "the right one"))
    assert (run["receipt"]["reason"] or {}).get("code") == code
    assert run["state"] == ("completed" if code is None else "failed")
