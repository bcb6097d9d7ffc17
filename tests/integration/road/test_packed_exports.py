"""What partners get: packed, encrypted, split, with what speaks of it beside it; read by others' programs."""

import csv
import gzip
import hashlib
import io
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pyzipper
from backports import zstd

from services.exporter.run import carry_out
from services.exporter.wiring import tools_of
from shared.domain.connection import ConnectionSettings
from shared.domain.export_goal import ExportProfiles
from shared.domain.failures import DiskFull, OpenPgpKeyExpired
from shared.domain.openpgp_key import PartnerKey
from shared.domain.place import Place, SftpPlace
from shared.domain.receipt import Receipt
from shared.runtime.desk import Desk
from shared.runtime.service import Base
from shared.storage import claims, connections, decisions, goals, openpgp_keys, runs
from tests.integration.openpgp.sender import sender
from tests.integration.road.gateway import gateway_of
from tests.integration.road.locks import PASSWORD, add_keys, late, ours, partner
from tests.integration.road.place import Tenant, goal, make_tenant
from tests.openpgp import public
from tests.real.openssh import PrivateOpenSSH
from tests.real.small_disk import small_disk

PEOPLE = [f"person{number:03}@shop.example" for number in range(25)]
FILE = "email,name\n" + "".join(f'{email},"Ann ""Ä"" {email}"\n' for email in PEOPLE)
ROWS = [["E-mail", "name"], *([email, f'Ann "Ä" {email}'] for email in PEOPLE)]
COLUMNS = [{"property": "email", "header": "E-mail"}, {"property": "name"}]


def export(name: str = "all.csv", **changes: Any) -> dict[str, Any]:
    target = {"directory": "out", "file_name": name} | changes.pop("target", {})
    return {"kind": "export_profiles", "name": "All", "target": target, "columns": COLUMNS, **changes}


def table(*texts: str) -> list[list[str]]:
    """Rows of several files, whose headers are the same."""
    read = [list(csv.reader(io.StringIO(text, newline=""))) for text in texts]
    assert all(rows[0] == ROWS[0] for rows in read)
    return [ROWS[0], *(row for rows in read for row in rows[1:])]


def lying(directory: Path) -> dict[str, bytes]:
    """What a partner finds, also what is hidden."""
    return {file.name: file.read_bytes() for file in sorted(directory.iterdir())}


async def exported(tenant: Tenant, **changes: Any) -> tuple[dict[str, bytes], dict[str, Any]]:
    """What an export puts there, and its receipt."""
    directory = f"out-{uuid4().hex[:8]}"
    sent = export(**changes)
    sent["target"]["directory"] = directory
    run = await tenant.exported(await tenant.save(ExportProfiles.model_validate(sent)))
    assert run["state"] == "completed", run["receipt"]["reason"]
    found, told = lying(tenant.directory / directory), run["receipt"]["files"]
    assert [(each["size_bytes"], each["sha256"]) for each in told] == [
        (len(found[name]), hashlib.sha256(found[name]).hexdigest())
        for name in (each["name"].removeprefix(f"{directory}/") for each in told)
    ]
    return found, run["receipt"]


async def test_what_is_packed_encrypted_and_split_is_read_by_others(tenant: Tenant) -> None:
    password = await add_keys(tenant.base, tenant.account_id)
    await tenant.save(goal())
    await tenant.imported("in.csv", FILE)

    both = {"encrypt_to": [partner().facts.fingerprint, ours().facts.fingerprint]}
    found, receipt = await exported(
        tenant, packing={"compression": "gzip"}, **both, sign_with=ours().facts.fingerprint, checksum=True
    )
    assert list(found) == ["all.csv.gz.pgp", "all.csv.gz.pgp.sha256"]
    assert (receipt["rows_exported"], receipt["files"][0]["rows"], receipt["warnings"]) == (25, 25, [])
    sha256 = receipt["files"][0]["sha256"]
    assert found["all.csv.gz.pgp.sha256"].decode() == f"{sha256}  all.csv.gz.pgp\n"
    with sender() as theirs:
        theirs.knows(partner(), public(ours()))
        message, passphrase = found["all.csv.gz.pgp"], partner().passphrase
        plain = theirs.run("--decrypt", content=message, passphrase=passphrase)
        told = theirs.run(
            "--status-fd", "1", "--decrypt", "--output", "/dev/null", "--yes", content=message, passphrase=passphrase
        )
    assert f"VALIDSIG {ours().facts.fingerprint}".encode() in told
    assert table(gzip.decompress(plain).decode()) == ROWS

    found, _ = await exported(tenant, packing={"compression": "zip", "password_id": password})
    with pyzipper.AESZipFile(io.BytesIO(found["all.csv.zip"])) as archive:
        archive.setpassword(PASSWORD.encode())
        assert table(archive.read("all.csv").decode()) == ROWS

    found, receipt = await exported(
        tenant, packing={"compression": "zstd"}, split={"rows": 10}, checksum=True, manifest=True, done_file={}
    )
    data = [f"all_00{number}.csv.zst" for number in (1, 2, 3)]
    beside = [f"{name}.sha256" for name in data]
    assert set(found) == {*data, *beside, "all.csv.zst.manifest.json", "all.csv.zst.done"}
    assert table(*(zstd.decompress(found[name]).decode() for name in data)) == ROWS
    manifest = json.loads(found["all.csv.zst.manifest.json"])
    assert [(each["name"], each["rows"], each["bytes"]) for each in manifest["files"]] == [
        (name, rows, len(found[name])) for name, rows in zip(data, (10, 10, 5), strict=True)
    ]
    assert (manifest["goal"], manifest["run_id"], manifest["rows"]) == ("All", receipt["run_id"], 25)
    assert found["all.csv.zst.done"] == b""

    dialect = {"encoding": "utf-16", "header": False}
    found, _ = await exported(tenant, name="p-{number}.txt", dialect=dialect, split={"bytes": 1_024})
    assert list(found) == [f"p-{number:03}.txt" for number in range(1, len(found) + 1)]
    texts = [content.decode("utf-16") for content in found.values()]
    assert all(content[:2] == b"\xff\xfe" and len(content) <= 1_024 for content in found.values())
    assert list(csv.reader(io.StringIO("".join(texts), newline=""))) == ROWS[1:]

    # And by ourselves: every value comes back as it went.
    await tenant.save(
        goal(
            name="Back",
            source={"directory": "back", "pattern": {"wildcard": "*"}, "readiness": {"strategy": "rename"}},
            unpack={"decrypt": "required", "compression": "zip"},
            identifiers=[{"field": "E-mail", "property": "email"}],
        )
    )
    locked = export(packing={"compression": "zip", "password_id": password}, **both, target={"directory": "back"})
    await tenant.exported(await tenant.save(ExportProfiles.model_validate(locked)))
    back = await tenant.ended(lambda run: run["path"] == "back/all.csv.zip.pgp")
    assert (back["state"], back["receipt"]["unchanged"]) == ("completed", 25), back["receipt"]


# Without profiles, and without a system around the exporter.


@dataclass(slots=True)
class Exporter:
    """One exporter, by hand."""

    base: Base
    tenant: Tenant
    work: Path
    gpg: bool = True

    async def save(self, connection_id: UUID | None = None, **changes: Any) -> UUID:
        """A goal, past all checks."""
        sent = ExportProfiles.model_validate(export(**changes))
        async with self.base.database.account(self.tenant.account_id) as tx:
            return (await goals.create(tx, connection_id or self.tenant.connection_id, sent, email=None)).id

    async def connect(self, place: Place, private_key: str) -> UUID:
        """A partner's place."""
        async with self.base.database.account(self.tenant.account_id) as tx:
            settings = ConnectionSettings(name=uuid4().hex, place=place)
            return (await connections.create(tx, self.base.keys, settings, {"private_key": private_key}, email=None)).id

    async def run(self, goal_id: UUID) -> Receipt:
        """Ask for a run and carry it out. Raises what ends it."""
        async with self.base.database.account(self.tenant.account_id) as tx:
            await decisions.run_now(tx, goal_id)
        claimed = await claims.claim(self.base.database, "export", "tests")
        assert claimed is not None
        tools = tools_of(self.base, self.work)
        await carry_out(Desk(claimed, "export", self.base.metrics), tools if self.gpg else replace(tools, gpg=None))
        async with self.base.database.account(self.tenant.account_id) as tx:
            ended = await runs.get(tx, claimed.id)
        assert ended is not None
        return Receipt.model_validate(ended["receipt"])


@pytest.fixture
async def exporter(base: Base, account: UUID, tmp_path: Path) -> Exporter:
    """An account with keys, nobody in it, and an exporter."""
    work = tmp_path / "work"
    work.mkdir(exist_ok=True)
    return Exporter(base, await make_tenant(base, account), work)


async def test_keys_are_checked_when_a_goal_is_saved_and_again_when_it_runs(exporter: Exporter) -> None:
    tenant = exporter.tenant
    password = await add_keys(exporter.base, tenant.account_id)
    path = f"/v1/connections/{tenant.connection_id}/goals"
    unknown, theirs = "0" * 40, partner().facts.fingerprint
    async with gateway_of(tenant) as gateway:
        wrong: list[tuple[dict[str, Any], str, str]] = [
            ({"encrypt_to": [theirs, unknown]}, "/encrypt_to/1", "unknown_openpgp_key"),
            ({"encrypt_to": [late().facts.fingerprint]}, "/encrypt_to/0", "openpgp_key_expired"),
            ({"encrypt_to": [theirs], "sign_with": theirs}, "/sign_with", "openpgp_key_unfit"),
            ({"sign_with": ours().facts.fingerprint}, "/sign_with", "encrypt_to_missing"),
            (
                {"packing": {"compression": "zip", "password_id": str(uuid4())}},
                "/packing/password_id",
                "unknown_password",
            ),
            ({"name": "a_{number}.csv"}, "/target/file_name", "number_needs_split"),
            ({"name": "{segment}.csv"}, "/target/file_name", "segment_not_said"),
            ({"name": f"{'a' * 240}.csv", "manifest": True}, "/target/file_name", "name_too_long"),
        ]
        for changes, pointer, code in wrong:
            refused = await gateway.ask("POST", path, 422, json=export(**changes))
            assert [(each["pointer"], each["code"]) for each in refused["errors"]] == [(pointer, code)], changes
        asked = export(
            encrypt_to=[theirs],
            sign_with=ours().facts.fingerprint,
            packing={"compression": "zip", "password_id": password},
            split={"rows": 5},
            checksum=True,
            manifest=True,
            done_file={"suffix": ".ready"},
        )
        data = [f"all_00{number}.csv.zip.pgp" for number in (1, 2)]
        names = [*data, *(f"{name}.sha256" for name in data), "all.csv.zip.pgp.manifest.json", "all.csv.zip.pgp.ready"]
        assert (await gateway.ask("POST", f"{path}/check", 200, json=asked))["file_names"] == names
        await gateway.ask("POST", path, 201, json=asked)
        listed = (await gateway.ask("GET", "/v1/openpgp-keys", 200))["items"]
        for each in listed:
            used = each["name"] != "late"
            status = await gateway.delete(f"/v1/openpgp-keys/{each['id']}", headers={"If-Match": "*"})
            assert status.status_code == (409 if used else 204), each["name"]

    # Between the save and the run a key may end: nothing is selected, and nothing lies there.
    goal_id = await exporter.save(encrypt_to=[theirs])
    ended = partner().facts.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(seconds=1)})
    async with exporter.base.database.account(tenant.account_id) as tx:
        [stored] = await openpgp_keys.page(tx, openpgp_keys.KeyFilter(fingerprint=theirs), 1)
        key = PartnerKey(ended, public(partner()).material)
        await openpgp_keys.renew(tx, exporter.base.keys, stored, key, key.material)
    with pytest.raises(OpenPgpKeyExpired, match=theirs):
        await exporter.run(goal_id)
    assert not (tenant.directory / "out").exists()


async def test_without_gnupg_small_files_are_encrypted_and_that_is_told(exporter: Exporter) -> None:
    await add_keys(exporter.base, exporter.tenant.account_id)
    exporter.gpg = False
    goal_id = await exporter.save(encrypt_to=[partner().facts.fingerprint], packing={"compression": "gzip"})
    receipt = await exporter.run(goal_id)
    assert [each.code for each in receipt.warnings] == ["without_gnupg"]
    with sender() as theirs:
        sealed = lying(exporter.tenant.directory / "out")["all.csv.gz.pgp"]
        plain = theirs.knows(partner()).run("--decrypt", content=sealed, passphrase=partner().passphrase)
    assert gzip.decompress(plain) == b"E-mail,name\n"
    assert list(exporter.work.iterdir()) == []


async def test_on_openssh_a_smaller_delivery_leaves_nothing_of_a_larger_one(
    exporter: Exporter, openssh_server: PrivateOpenSSH
) -> None:
    home = f"packed-{uuid4().hex[:8]}"
    stays = ("all_2025.csv", "all_006.csv", "all.csv")
    goes = ("all_002.csv", "all_003.csv", "all_002.csv.sha256", "all_003.csv.sha256")
    for name in (*stays, *goes, "all_001.csv", "all.csv.done"):
        openssh_server.put(f"{home}/out/{name}", b"of an earlier run")
    place = SftpPlace(
        transport="sftp",
        host=openssh_server.host,
        port=openssh_server.port,
        username=openssh_server.username,
        home_directory=home,
        host_keys=tuple(openssh_server.host_keys()),
    )
    connection_id = await exporter.connect(place, openssh_server.client_key.read_text())
    how: dict[str, Any] = {"split": {"rows": 10}, "checksum": True, "done_file": {}}
    for in_place in (False, True):
        await exporter.run(await exporter.save(connection_id, **how, target={"direct_write": in_place}))
        found = lying(openssh_server.drop / home / "out")
        assert sorted(found) == sorted([*stays, "all_001.csv", "all_001.csv.sha256", "all.csv.done"])
        assert (found["all_001.csv"], found["all.csv.done"]) == (b"E-mail,name\n", b"")


@pytest.mark.parametrize(("pages", "remembers"), [(0, False), (1, False), (1, True)])
async def test_a_full_disk_of_the_worker_is_told_and_nothing_is_delivered(
    exporter: Exporter, pages: int, remembers: bool
) -> None:
    goal_id = await exporter.save(packing={"compression": "gzip"}, done_file={}, changed_only=remembers)
    with small_disk(4) as disk:
        exporter.work = disk.root
        # The plain file takes one page, the packed one another; before that, whom it tells of where that is remembered.
        disk.fill(leave_bytes=pages * 4096)
        with pytest.raises(DiskFull):
            await exporter.run(goal_id)
        assert [file.name for file in disk.root.iterdir()] == [".ballast"]
    assert not (exporter.tenant.directory / "out").exists()
