"""Imports from and exports to a partner's WebDAV server: Apache, with a login by Basic and a pinned certificate."""

from dataclasses import replace
from uuid import uuid4

from shared.domain.export_goal import ExportProfiles
from shared.domain.place import WebDavPlace
from shared.storage import connections
from tests.integration.road.place import Tenant, goal
from tests.real import apache
from tests.real.apache import PrivateApache

SOURCE = {
    "pattern": {"wildcard": "*.csv"},
    "directory": "in",
    "readiness": {"strategy": "stable", "minimum_age_seconds": 0},
    "afterwards": {"done": {"move_to": "done"}},
}


async def test_a_file_comes_in_is_put_away_and_another_goes_out(tenant: Tenant, apache_server: PrivateApache) -> None:
    moved = await _moved(tenant, apache_server)
    await moved.save(goal(source=SOURCE))
    run = await moved.imported("in/Ännchen.csv", "email,name\nann@example.com,Ann\n")
    assert run["state"] == "completed", run["receipt"]
    assert (await moved.settled("in/Ännchen.csv"))["settled_path"] == "done/Ännchen.csv"
    assert [path.name for path in (moved.directory / "done").iterdir()] == ["Ännchen.csv"]

    (moved.directory / "out").mkdir(mode=0o777)
    (moved.directory / "out").chmod(0o777)
    (moved.directory / "out" / "all.csv").write_text("an older one, which is longer")
    exporting = {
        "kind": "export_profiles",
        "name": "All",
        "target": {"directory": "out", "file_name": "all.csv"},
        "columns": [{"property": "email"}, {"property": "name"}],
    }
    run = await moved.exported(await moved.save(ExportProfiles.model_validate(exporting)))
    assert run["state"] == "completed", run["receipt"]
    assert [path.name for path in (moved.directory / "out").iterdir()] == ["all.csv"]
    assert (moved.directory / "out" / "all.csv").read_text() == "email,name\nann@example.com,Ann\n"


async def _moved(tenant: Tenant, server: PrivateApache) -> Tenant:
    """The tenant with its connection on a directory of its own there."""
    name = f"road-{uuid4().hex}"
    server.put(f"{name}/in/first", b"").unlink()
    place = WebDavPlace.model_validate(
        {
            "transport": "webdav",
            "url": server.url(f"basic/{name}"),
            "username": apache.USERNAME,
            "certificates": [server.certificate.fingerprint],
        }
    )
    async with tenant.base.database.account(tenant.account_id) as tx:
        settings = (await connections.get(tx, tenant.connection_id)).settings
        changed = settings.model_copy(update={"place": place})
        login = {"password": apache.PASSWORD}
        await connections.update(tx, tenant.base.keys, tenant.connection_id, changed, login)  # type: ignore[arg-type]
    return replace(tenant, directory=server.drop / name)
