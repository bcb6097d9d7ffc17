"""Imports from a partner's real FTPS server and exports to it; a certificate that is another stops the connection."""

from dataclasses import replace
from uuid import uuid4

from shared.domain.export_goal import ExportProfiles
from shared.domain.place import FtpsPlace
from shared.storage import connections, notifications
from tests.eventually import eventually
from tests.integration.road.place import Tenant, goal
from tests.real.vsftpd import HOST, PASSWORD, USERNAME, PrivateVsftpd

STABLE = {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "stable", "minimum_age_seconds": 0}}


async def test_files_come_and_go_by_ftps_until_the_server_shows_another_certificate(
    tenant: Tenant, vsftpd: PrivateVsftpd
) -> None:
    partner = await _moved(tenant, vsftpd)
    target = {"directory": "out/deep", "file_name": "all.csv"}
    exporting = {"kind": "export_profiles", "name": "All", "target": target, "columns": [{"property": "email"}]}
    goal_id = await partner.save(ExportProfiles.model_validate(exporting))
    # Nothing looks where nothing is imported: the run that meets the refusal shows it on the connection.
    await _log_in_with(partner, "wrong")
    run = await partner.exported(goal_id)
    assert run["reason_code"] == "login_refused"
    assert await _stopped(partner) == "login_refused"
    assert [news.code for news in await _news(partner)] == ["run_failed", "login_refused"]
    await _log_in_with(partner, PASSWORD)
    assert await _stopped(partner) is None

    await partner.save(goal(source=STABLE))
    run = await partner.imported("a.csv", "email,name\nann@example.com,Ann\n")
    assert run["state"] == "completed", run["receipt"]
    assert (await partner.settled("a.csv"))["settled_as"] == "renamed"
    assert (await partner.profile("ann@example.com"))["name"] == "Ann"
    assert [path.name for path in partner.directory.iterdir()] == ["a.csv.done"]

    for _ in range(2):  # the second one replaces the first
        run = await partner.exported(goal_id)
        assert run["state"] == "completed", run["receipt"]
        assert {path.name: path.read_text().split() for path in (partner.directory / "out/deep").iterdir()} == {
            "all.csv": ["email", "ann@example.com"]
        }

    await _pin(partner, "AA:" * 31 + "AA")
    await eventually(lambda: _is_stopped(partner), "the connection to be stopped")
    news = (await _news(partner))[0]
    assert news.code == "certificate_changed"
    assert vsftpd.certificate.fingerprint in news.detail


async def _moved(tenant: Tenant, vsftpd: PrivateVsftpd) -> Tenant:
    """The tenant with its connection on the FTPS server, whose certificate is pinned."""
    directory = vsftpd.drop / f"road-{uuid4().hex}"
    directory.mkdir()
    moved = replace(tenant, directory=directory)
    await _pin(moved, vsftpd.certificate.fingerprint, vsftpd.port)
    return moved


async def _pin(tenant: Tenant, fingerprint: str, port: int | None = None) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        settings = (await connections.get(tx, tenant.connection_id)).settings
        place = settings.place
        if port is not None:
            place = FtpsPlace(
                transport="ftps", host=HOST, port=port, username=USERNAME, home_directory=tenant.directory.name
            )
        assert isinstance(place, FtpsPlace)
        changed = settings.model_copy(update={"place": place.model_copy(update={"certificates": (fingerprint,)})})
        secrets = {} if port is None else {"password": PASSWORD}
        await connections.update(tx, tenant.base.keys, tenant.connection_id, changed, secrets)


async def _log_in_with(tenant: Tenant, password: str) -> None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        settings = (await connections.get(tx, tenant.connection_id)).settings
        await connections.update(tx, tenant.base.keys, tenant.connection_id, settings, {"password": password})


async def _news(tenant: Tenant) -> list[notifications.News]:
    async with tenant.base.database.account(tenant.account_id) as tx:
        return [each.news for each in await notifications.page(tx, notifications.NotificationFilter(), 10)]


async def _is_stopped(tenant: Tenant) -> bool:
    return await _stopped(tenant) == "certificate_changed"


async def _stopped(tenant: Tenant) -> str | None:
    async with tenant.base.database.account(tenant.account_id) as tx:
        return (await connections.get(tx, tenant.connection_id)).stopped_code
