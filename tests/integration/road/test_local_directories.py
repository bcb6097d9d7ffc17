"""Imports from and exports to a directory that the operator has mounted and lets the account use."""

from dataclasses import replace

from shared.domain.export_goal import ExportProfiles
from shared.domain.place import DirectoryPlace
from shared.storage import accounts, connections
from shared.transfer.mounted import MARKER
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal

LEFT = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "rename"}, "afterwards": {"done": {"leave": True}}}


async def test_files_come_and_go_and_none_vanishes_with_its_mount(tenant: Tenant) -> None:
    mounted = await _moved(tenant)
    await mounted.save(goal(source=LEFT))
    run = await mounted.imported("a.csv", "email,name\nann@example.com,Ann\n")
    assert run["state"] == "completed", run["receipt"]
    assert (await mounted.settled("a.csv"))["settled_as"] == "left"

    elsewhere = mounted.directory.with_name("unmounted")
    mounted.directory.rename(elsewhere)
    mounted.directory.mkdir()
    await eventually(lambda: _fails(mounted), "the poller to miss the mount")
    assert (await mounted.arrivals())["a.csv"]["vanished_at"] is None
    mounted.directory.rmdir()
    elsewhere.rename(mounted.directory)
    run = await mounted.imported("b.csv", "email,name\nbob@example.com,Bob\n")
    assert run["state"] == "completed", run["receipt"]
    assert sorted(run["path"] for run in await mounted.runs()) == ["a.csv", "b.csv"]

    target = {"directory": "out", "file_name": "all.csv"}
    exporting = {"kind": "export_profiles", "name": "All", "target": target, "columns": [{"property": "email"}]}
    run = await mounted.exported(await mounted.save(ExportProfiles.model_validate(exporting)))
    assert run["state"] == "completed", run["receipt"]
    assert sorted((mounted.directory / "out/all.csv").read_text().split()) == [
        "ann@example.com",
        "bob@example.com",
        "email",
    ]
    assert sorted(path.name for path in mounted.directory.iterdir()) == [MARKER, "a.csv", "b.csv", "out"]


async def _moved(tenant: Tenant) -> Tenant:
    """The tenant with its connection on a local directory."""
    directory = tenant.base.settings.directories["share"]
    directory.mkdir()
    (directory / MARKER).touch()
    async with tenant.base.database.account(tenant.account_id) as tx:
        await accounts.lock(tx)
        await accounts.change(tx, "Shop", ["share"])
        settings = (await connections.get(tx, tenant.connection_id)).settings
        place = DirectoryPlace(transport="directory", root="share")
        changed = settings.model_copy(update={"place": place})
        await connections.update(tx, tenant.base.keys, tenant.connection_id, changed, {})
    return replace(tenant, directory=directory)


async def _fails(tenant: Tenant) -> bool:
    async with tenant.base.database.account(tenant.account_id) as tx:
        return (await connections.get(tx, tenant.connection_id)).failures_in_a_row > 0
