"""The sample of seed 002 as it stands there, sent with curl to the whole system, which fetches from a real OpenSSH."""

import asyncio
import email
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.acceptance.process import ServiceProcess
from tests.acceptance.shop import open_shop
from tests.acceptance.system import System
from tests.real.openssh import PrivateOpenSSH
from tests.real.ports import is_free

SAMPLE = """{
    "credentials": {
        "hostname": "",
        "username": "vagrant",
        "password": "vagrant",
        "post": "22",
        "file": "ftp_test.txt"
    },
    "mappings": {
        "email": "1",
        "lastname": "2"
    },
    "listIds": [1],
    "settings": {
        "update_duplicates": "yes",
        "delimiter": "comma"
    }
}"""
"""Its fields and values; the page has lost brackets and commas, and names no host."""
HOST = "127.0.0.22"
"""An address of this machine's own, so that port 22 is free however the machine is entered."""
PROPERTIES = (
    {"name": "email", "type": "email", "identifier": True},
    {"name": "lastname", "type": "text"},
)


async def curl(system: System, key: str, body: Path) -> str:
    """What the gateway answers."""
    _, prefix, secret = key.split("_")
    process = await asyncio.create_subprocess_exec(
        *(
            "curl",
            "-s",
            "-u",
            f"{prefix}:{secret}",
            "-H",
            "content-type: application/json",
            "--data-binary",
            f"@{body}",
        ),
        f"{system.api_url}/api/2.0/imports/sftp",
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(30):
        told, _ = await process.communicate()
    return told.decode()


async def test_the_sample_of_the_page_imports_a_file_and_mails_its_report(
    system: System,
    operator_key: str,
    importer: ServiceProcess,
    own_openssh: Callable[..., PrivateOpenSSH],
    tmp_path: Path,
) -> None:
    port = 22 if os.geteuid() == 0 and is_free(HOST, 22) else None
    server = own_openssh(host=HOST, port=port, username="vagrant", password="vagrant")
    if server.password is None:
        pytest.skip("the account that runs the tests has no password of ours")
    server.put("ftp_test.txt", b"number,email,lastname\n1,ann@shop.example,Ann\n2,bob@shop.example,Bob\n")
    sample = json.loads(SAMPLE)
    sample["credentials"]["hostname"] = HOST
    if server.port != 22:
        sample["credentials"]["post"] = str(server.port)
    body = tmp_path / "sample.json"
    body.write_text(json.dumps(sample))
    async with open_shop(system, operator_key, properties=PROPERTIES, hosted=False) as shop:
        visitors = await shop.ask("POST", "/v1/lists", 201, json={"name": "Visitors"})
        assert visitors["number"] == 1
        key = shop.client.headers["Authorization"].removeprefix("Bearer ")
        run = json.loads(await curl(system, key, body))
        await shop.await_runs("ftp_test.txt", "completed")
        (mail,) = await shop.await_mails(run["id"])
        assert "Subject: Completed: ftp_test.txt as vagrant, ftp_test.txt" in mail
        assert "First row was taken for" in mail
        await shop.await_quiet()
        assert {each: facts["lastname"] for each, facts in (await shop.profiles()).items()} == {
            "ann@shop.example": "Ann",
            "bob@shop.example": "Bob",
        }
        assert (await shop.ask("GET", f"/v1/lists/{visitors['id']}", 200))["members"] == 2
    assert [each.name for each in server.drop.iterdir()] == ["ftp_test.txt"]


async def test_the_report_goes_to_the_address_that_the_request_names(
    system: System, operator_key: str, importer: ServiceProcess, openssh_server: PrivateOpenSSH, tmp_path: Path
) -> None:
    if openssh_server.password is None:
        pytest.skip("the account that runs the tests has no password of ours")
    openssh_server.put("reported.txt", b"ann@shop.example,Ann\n")
    asked = json.loads(SAMPLE) | {"mappings": {"email": 0, "lastname": 1}, "listIds": []}
    asked["credentials"] = {
        "hostname": openssh_server.host,
        "username": openssh_server.username,
        "password": openssh_server.password,
        "port": openssh_server.port,
        "file": "reported.txt",
    }
    body = tmp_path / "asked.json"
    async with open_shop(system, operator_key, properties=PROPERTIES, hosted=False) as shop:
        key = shop.client.headers["Authorization"].removeprefix("Bearer ")
        runs = []
        for settings in ({}, {"progress_email_address": "crm@agency.example"}):
            body.write_text(json.dumps(asked | {"settings": settings}))
            runs.append(json.loads(await curl(system, key, body))["id"])
            await shop.await_runs("reported.txt", *["completed"] * len(runs))
            await shop.await_mails(runs[-1])
        await shop.await_quiet()
        reports = [[email.message_from_string(mail) for mail in shop.mails() if run in mail] for run in runs]
        assert [[each["To"] for each in mails] for mails in reports] == [["owner@shop.example"], ["crm@agency.example"]]
        assert {each["Subject"].split(":")[0] for mails in reports for each in mails} == {"Completed"}
