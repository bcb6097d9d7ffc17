"""Names of files are bytes from a stranger: imported, shown escaped, renamed exactly; what is no file is told once."""

import json
import os

from shared.domain.names import shown, split
from tests.eventually import eventually
from tests.integration.road.gateway import gateway_of
from tests.integration.road.place import Tenant, goal

NAMES = {
    b"line\nbreak.csv": "line\\x0abreak.csv",
    b"quotes '\".csv": "quotes '\".csv",
    "\u202etfel.csv".encode(): "\\u202etfel.csv",
    b"M\xfcller.csv": "M\\xfcller.csv",
    "M\u00fcller.csv".encode(): "M\u00fcller.csv",
    "Mu\u0308ller.csv".encode(): "Mu\\u0308ller.csv",
    b"\xe4" * 251 + b".csv": "\\xe4" * 251 + ".csv",
}
NO_FILES = ("link.csv", "pipe.csv", "directory.csv")


async def test_files_of_any_name_are_imported_shown_escaped_and_renamed_exactly(afar: Tenant) -> None:
    tenant = afar
    await tenant.save(goal(rejects={"return_to": "back"}))
    tenant.drop("first.csv", "email,name\nfirst@b.example,x\n").with_name("link.csv").symlink_to("first.csv")
    os.mkfifo(tenant.directory / "pipe.csv")
    (tenant.directory / "directory.csv").mkdir()
    for number, name in enumerate(NAMES):
        tenant.drop(os.fsdecode(name), f"email,name\n{number}@b.example,x\nbad,y\n")
    texts = {shown(path): path for path in await _settled(tenant, len(NAMES) + 1)}
    assert set(NAMES.values()) < set(texts)
    async with gateway_of(tenant) as gateway:
        runs = {run["path"]: run for run in (await gateway.ask("GET", "/v1/runs", 200))["items"]}
        for form in NAMES.values():
            for asked in (form, texts[form]):
                page = await gateway.ask("GET", "/v1/arrivals", 200, params={"path": asked})
                assert [each["path"] for each in page["items"]] == [form]
            run = runs[form]
            assert (run["state"], run["receipt"]["created"], run["receipt"]["file"]["name"]) == (
                "completed_with_rejects",
                1,
                form,
            )
        begun = await gateway.ask("GET", "/v1/arrivals", 200, params={"path_prefix": "M\\xfc"})
        assert [(each["path"], each["settled_path"]) for each in begun["items"]] == [
            ("M\\xfcller.csv", "M\\xfcller.csv.done")
        ]
        no_files = await gateway.ask("GET", "/v1/arrivals", 200, params={"state": "unmatched"})
    assert {(each["path"], each["reason"]["code"]) for each in no_files["items"]} == {
        (name, "not_a_file") for name in NO_FILES
    }
    left = {os.fsencode(path.name) for path in tenant.directory.iterdir()}
    assert {name + b".done" for name in NAMES if len(name) < 250} < left
    await eventually(lambda: _returned(tenant, len(NAMES)), "the rejects to be returned")
    back = {os.fsencode(path.name) for path in (tenant.directory / "back").iterdir()}
    assert {name + b".rejects.csv" for name in NAMES if len(name) < 200} < back
    acknowledged = json.loads((tenant.directory / "back" / os.fsdecode(b"line\nbreak.csv.ack")).read_text())
    assert acknowledged["file"] == "line\nbreak.csv"
    # Told once, however often the folder is looked at.
    assert sum(split(each["path"])[1] in NO_FILES for each in await _all(tenant)) == len(NO_FILES)


async def _returned(tenant: Tenant, count: int) -> bool:
    return sum(run["return_state"] == "returned" for run in await tenant.runs()) == count + 1


async def _settled(tenant: Tenant, count: int) -> list[str]:
    found: list[str] = []

    async def are_settled() -> bool:
        found[:] = [path for path, row in (await tenant.arrivals()).items() if row["settled_as"] == "renamed"]
        return len(found) == count

    await eventually(are_settled, "the files to be marked")
    return found


async def _all(tenant: Tenant) -> list[dict[str, str]]:
    async with gateway_of(tenant) as gateway:
        items: list[dict[str, str]] = (await gateway.ask("GET", "/v1/arrivals", 200))["items"]
        return items
