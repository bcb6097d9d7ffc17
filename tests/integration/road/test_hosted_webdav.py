"""A file that a partner puts into a hosted folder by WebDAV is an arrival like one by SFTP."""

import asyncio
from pathlib import Path

from services.dropserver.house import House
from services.dropserver.ledger import DatabaseGate, DatabaseUploads
from services.dropserver.webdav.server import DavServer
from shared.domain.place import HostedPlace
from shared.storage import connections, credentials
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal

TEXT = "email,name\n" + "".join(f"{number}@shop.example,Ann {number}\n" for number in range(6_000))


async def test_a_file_put_by_curl_is_imported(tenant: Tenant, tmp_path: Path) -> None:
    await tenant.save(goal(source={"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}}))
    base = tenant.base
    async with base.database.account(tenant.account_id) as tx:
        place = (await connections.get(tx, tenant.connection_id)).settings.place
        assert isinstance(place, HostedPlace)
        login, password = await credentials.create(tx, place.drop_folder_id, directory="", public_key=None)
    file = tmp_path / "contacts"
    file.write_text(TEXT)
    gate = DatabaseGate(base.database, base.places, base.metrics)
    async with (
        House.open(gate, DatabaseUploads(base.database, base.metrics)) as house,
        DavServer.open(house, "127.0.0.1", 0) as server,
    ):
        url, half = f"http://127.0.0.1:{server.port}", tenant.directory / "half.csv"
        curl = ("curl", "-sSf", "--max-time", "20", "-u", f"{login.username}:{password}", "-T", str(file))
        killed = await asyncio.create_subprocess_exec(*curl, "--limit-rate", "100k", f"{url}/half.csv")
        await eventually(lambda: half.exists() and half.stat().st_size > 0, "the put to be under way")
        killed.kill()
        await killed.wait()
        put = await asyncio.create_subprocess_exec(*curl, f"{url}/whole.csv")
        assert await put.wait() == 0
    run = await tenant.ended(lambda run: run["path"] == "whole.csv")
    assert (run["state"], run["receipt"]["rows_read"]) == ("completed", 6_000)
    # It was there before, and is still no arrival.
    assert [each["path"] for each in await tenant.runs()] == ["whole.csv"]
    assert half.exists()
