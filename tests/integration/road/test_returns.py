"""What a file's sender finds in the drop folder when its run has ended: rejects, and an acknowledgement."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from shared.domain.openpgp_key import Bundle, OwnKey, PartnerKey
from shared.formats.openpgp import keys
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.message import Policy, decrypt
from shared.storage import notifications, openpgp_keys
from tests.eventually import eventually
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal
from tests.integration.road.test_encrypted import sealed
from tests.openpgp import made_key, public
from tests.unit.formats.unpacking.packing import zipped_with_aes

MAPPING = [
    {"field": "p", "property": "points", "rule": "sum"},
    {"field": "born", "property": "born", "on_bad_value": "reject_value"},
]
DIALECT = {"delimiter": ";", "encoding": "windows-1252", "quoteChar": "'"}
CONTENT = "email;p;born\na@b.example;7;2001-02-03\ncanary@b.example;cänary;\nc@b.example;1;someday\n".encode("cp1252")


def returning(**changes: Any) -> dict[str, Any]:
    return {"return_to": "rejected", **changes}


async def returned(tenant: Tenant, run: dict[str, Any], state: str = "returned") -> dict[str, Any]:
    """What is shown of the run's return, once it is in that state."""
    found: list[dict[str, Any]] = []

    async def is_so() -> bool:
        [shown] = [each for each in await tenant.runs() if each["run_id"] == run["run_id"]]
        found[:] = [{"files": shown["return_files"], "code": shown["return_reason_code"]}]
        return bool(shown["return_state"] == state)

    await eventually(is_so, f"the return to be {state}")
    return found[0]


def lying(tenant: Tenant) -> dict[str, bytes]:
    """What lies in the directory of returned rejects, also what is hidden."""
    return {file.name: file.read_bytes() for file in sorted((tenant.directory / "rejected").iterdir())}


async def test_rejects_lie_in_the_drop_folder_with_an_acknowledgement_and_come_back_mended(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING, dialect=DIALECT, rejects=returning()))
    run = await tenant.imported("contacts.csv", CONTENT)
    names = [f"contacts.csv{suffix}" for suffix in (".rejects.csv", ".value-rejects.csv", ".ack")]
    assert (await returned(tenant, run))["files"] == [f"rejected/{name}" for name in names]
    found = lying(tenant)
    assert sorted(found) == sorted(names)
    async with gateway_of(tenant) as gateway:
        shown = await gateway.ask("GET", f"/v1/runs/{run['run_id']}", 200)
        for name in names[:2]:
            kind = name.removeprefix("contacts.csv.")
            assert (await gateway.get(f"/v1/runs/{run['run_id']}/{kind}")).content == found[name]
    assert (shown["returned"]["state"], len(shown["returned"]["files"])) == ("returned", 3)

    told = json.loads(found["contacts.csv.ack"])
    assert (told["file"], told["run_id"], told["state"]) == (
        "contacts.csv",
        str(run["run_id"]),
        "completed_with_rejects",
    )
    assert (told["rows_read"], told["created"], told["rejected"]) == (3, 2, 1)
    assert (told["rejects_by_code"], told["values_rejected_by_code"]) == ({"not_an_integer": 1}, {"not_a_date": 1})
    assert (told["rejects_file"], told["value_rejects_file"]) == (names[0], names[1])
    assert not [value for value in ("canary", "b.example", "someday", "email", "born") if value in json.dumps(told)]

    mended = found[names[0]].replace("cänary;".encode("cp1252"), b"5;")
    again = await tenant.imported(names[0], mended)
    assert (again["state"], again["parent_run_id"]) == ("completed", run["run_id"])
    assert (await returned(tenant, again))["files"] == [f"rejected/{names[0]}.ack"]
    assert json.loads(lying(tenant)[f"{names[0]}.ack"])["mends"] == str(run["run_id"])
    assert (await tenant.profile("canary@b.example"))["points"] == 5


async def test_every_end_is_acknowledged_and_nothing_that_lies_there_is_replaced(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING, duplicate_content="skip", rejects=returning()))
    good = "email,p,born\na@b.example,7,\n"
    ends = [
        (good, "completed", None),
        (good, "skipped", "duplicate_content"),
        ("x,y\n1,2\n", "failed", "header_changed"),
    ]
    expected = set()
    for number, (content, state, code) in enumerate(ends):
        run = await tenant.imported("same.csv", content)
        await returned(tenant, run)
        await tenant.settled("same.csv")
        name = f"same.csv.{run['run_id'].hex[:8]}.ack" if number else "same.csv.ack"
        expected.add(name)
        told = json.loads(lying(tenant)[name])
        assert (told["state"], told["reason_code"], told["rejects_file"]) == (state, code, None)
    assert set(lying(tenant)) == expected


def partner() -> OwnKey:
    return made_key("Partner <partner@b.example>")


@pytest.fixture
async def ours(tenant: Tenant) -> OwnKey:
    """The account's key; it has the partner's public one as well, and one that has expired."""
    key = made_key()
    late = public(made_key("Late <late@b.example>"))
    expired = late.facts.model_copy(update={"expires_at": datetime.now(UTC) - timedelta(days=1)})
    async with tenant.base.database.account(tenant.account_id) as tx:
        await openpgp_keys.add_own(tx, tenant.base.keys, "ours", key, keys.public_part(key))
        await openpgp_keys.add_password(tx, tenant.base.keys, "archives", "hush")
        await openpgp_keys.add_partner(tx, tenant.base.keys, "partner", public(partner()))
        await openpgp_keys.add_partner(tx, tenant.base.keys, "late", PartnerKey(expired, late.material))
    return key


async def test_rejects_of_an_encrypted_file_are_encrypted_to_its_sender_or_not_put_there(
    tenant: Tenant, ours: OwnKey, tmp_path: Path
) -> None:
    late = made_key("Late <late@b.example>").facts.fingerprint
    goals = {
        "good": returning(encrypt_to=[partner().facts.fingerprint]),
        "late": returning(encrypt_to=[late]),
        "none": returning(),
        "zipped": returning(),
    }
    for name, rejects in goals.items():
        source = {"pattern": {"wildcard": f"{name}*"}, "readiness": {"strategy": "rename"}}
        await tenant.save(goal(name=name, source=source, mapping=MAPPING, dialect=DIALECT, rejects=rejects))
    message = await sealed(tmp_path, CONTENT, ours)
    contents = dict.fromkeys(goals, message) | {"zipped": zipped_with_aes({"a.csv": CONTENT}, "hush")}
    runs = {name: await tenant.imported(f"{name}.pgp", content) for name, content in contents.items()}
    assert {run["state"] for run in runs.values()} == {"completed_with_rejects"}

    assert len((await returned(tenant, runs["good"]))["files"]) == 3
    assert (await returned(tenant, runs["late"], "failed"))["code"] == "openpgp_key_expired"
    assert (await returned(tenant, runs["none"], "failed"))["code"] == "rejects_need_key"
    assert (await returned(tenant, runs["zipped"], "failed"))["code"] == "rejects_need_key"
    found = lying(tenant)
    kinds = (".rejects.csv.gpg", ".value-rejects.csv.gpg", ".ack")
    assert sorted(found) == sorted(
        [*(f"good.pgp{kind}" for kind in kinds), "late.pgp.ack", "none.pgp.ack", "zipped.pgp.ack"]
    )
    assert json.loads(found["late.pgp.ack"])["rejects_file"] is None
    assert json.loads(found["good.pgp.ack"])["rejects_file"] == "good.pgp.rejects.csv.gpg"
    assert not [name for name, content in found.items() if b"canary" in content or b"someday" in content]
    (tmp_path / "returned").write_bytes(found["good.pgp.rejects.csv.gpg"])
    bundle = Bundle(own=(partner(),))
    opened = await decrypt(tmp_path / "returned", tmp_path / "opened", bundle, Policy("required"), gpg=find_programs())
    assert "canary@b.example;cänary;" in opened.path.read_text("cp1252")

    async with tenant.base.database.account(tenant.account_id) as tx:
        news = await notifications.page(tx, notifications.NotificationFilter(code="rejects_not_returned"), 10)
    assert {each.news.run_id for each in news} == {runs[name]["run_id"] for name in ("late", "none", "zipped")}
    work = tenant.base.settings.work_directory
    assert [path for path in work.rglob("*") if path.is_file() and path.name != "lock"] == []


async def test_a_file_of_a_hostile_name_and_a_place_that_refuses(tenant: Tenant) -> None:
    await tenant.save(goal(mapping=MAPPING, rejects=returning()))
    name = "\N{SNOWMAN}" * 78 + "'; $(x) %0a.csv"
    run = await tenant.imported(name, "email,p,born\na@b.example,x,\n")
    rejects, ack = (await returned(tenant, run))["files"]
    assert [len(path.removeprefix("rejected/").encode()) <= 255 for path in (rejects, ack)] == [True, True]
    assert (rejects.endswith(".rejects.csv"), ack.endswith(".ack")) == (True, True)
    assert sorted(lying(tenant)) == sorted(path.removeprefix("rejected/") for path in (rejects, ack))

    for file in (tenant.directory / "rejected").iterdir():
        file.unlink()
    (tenant.directory / "rejected").rmdir()
    (tenant.directory / "rejected").write_bytes(b"no directory")
    run = await tenant.imported("refused.csv", "email,p,born\na@b.example,y,\n")
    await returned(tenant, run, "failed")
    assert run["state"] == "completed_with_rejects"
    assert (tenant.directory / "rejected").read_bytes() == b"no directory"
