"""`/v1/samples`: what a file is, asked of the gateway; what is open is asked, and who may not see it does not."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import pyzipper

from services.api.limits import Limits
from services.api.routes.samples import MAX_ANSWERS
from services.api.tools import Tools
from shared.domain.findings import Question
from shared.domain.scope import OWNER_SCOPES
from shared.formats.openpgp import keys
from shared.formats.openpgp.gpg import find_programs
from shared.formats.openpgp.message import encrypt
from shared.runtime.apart import Bounds, apart
from shared.runtime.looking import Looking
from shared.storage import kept_files, openpgp_keys, samples
from shared.storage.database import Database
from tests.fakes.apart import in_thread
from tests.integration.api.asking import SFTP_PLACE, Client
from tests.integration.api.conftest import make_key
from tests.openpgp import made_key, public
from tests.unit.samples.made import Made, files
from tests.unit.samples.oracle import answer, read

FILE = {"Content-Type": "application/octet-stream"}
CONTACTS = (
    "E-mail;First name;Joined;Points\r\n"
    "ann@shop.example;Ann;2024-01-31;10\r\nbob@shop.example;Bob;2024-02-28;20\r\neve@shop.example;Eve;2024-03-01;5\r\n"
).encode("utf-16")
ROUNDS = 8


async def _post(client: Client, content: Any, name: str = "contacts.csv", status: int = 201, **more: Any) -> Any:
    return await client.ask("POST", "/v1/samples", status, params={"name": name}, content=content, headers=FILE, **more)


async def _settled(client: Client, sample: Any, made: Made) -> Any:
    """The sample once every question was answered truly."""
    for _ in range(ROUNDS):
        questions = [Question.model_validate(each) for each in sample["findings"]["questions"]]
        if not questions:
            return sample
        told = [{"code": each.code, "pointer": each.pointer, "value": answer(each, made)} for each in questions]
        sample = await client.ask("POST", f"/v1/samples/{sample['id']}/answers", 200, json={"answers": told})
    raise AssertionError(questions)


async def test_a_sample_says_what_the_file_is_and_what_a_goal_would_say(owner: Client) -> None:
    await owner.ask("POST", "/v1/properties", 201, json={"name": "email", "type": "email", "identifier": True})
    sample = await _post(owner, CONTACTS)
    found = sample["findings"]
    assert (sample["state"], sample["name"], sample["size_bytes"]) == ("ready", "contacts.csv", len(CONTACTS))
    assert (found["encoding"]["value"], found["packing"]["value"]) == ("utf-16", "none")
    assert found["dialect"]["delimiter"] | {"why": []} == {"value": ";", "certainty": "certain", "why": []}
    assert [each["type"]["value"] for each in found["columns"]] == ["email", "text", "date", "integer"]
    assert all(each["type"]["why"] for each in found["columns"])
    assert found["sample_rows"][0] == ["ann@shop.example", "Ann", "2024-01-31", "10"]
    assert found["mapping"][0]["property"]["value"] == "email"
    assert found["identifiers"]["value"] == [0]
    assert sample["settled"]
    assert sample["goal"]["identifiers"] == [{"field": "E-mail", "property": "email"}]
    assert {each["name"] for each in sample["goal"]["properties"]} == {"first_name", "joined", "points"}
    assert await owner.ask("GET", f"/v1/samples/{sample['id']}", 200) == sample


@pytest.mark.parametrize("made", files(4), ids=lambda made: made.name)
async def test_through_the_gateway_too_a_file_is_found_right_or_asked_about(
    owner: Client, tmp_path: Path, made: Made
) -> None:
    sample = await _settled(owner, await _post(owner, made.content), made)
    path = tmp_path / "sample.csv"
    path.write_bytes(made.content)
    rows, rejected = read(path, sample["goal"])
    assert rejected == 0
    assert [row[: len(made.rows[0])] for row in rows] == list(made.rows)


async def test_what_is_open_is_asked_and_an_answer_that_is_no_choice_refused(
    owner: Client, capsys: pytest.CaptureFixture[str]
) -> None:
    sample = await _post(owner, b"id;email;born\n1;canary@shop.example;01/02/2003\n2;b@shop.example;03/04/2005\n")
    questions = {each["code"]: each for each in sample["findings"]["questions"]}
    assert (sample["settled"], sample["goal"]) == (False, None)
    assert "date_order" in questions
    path = f"/v1/samples/{sample['id']}/answers"
    order = {"code": "date_order", "pointer": questions["date_order"]["pointer"]}
    problem = await owner.ask("POST", path, 422, json={"answers": [{**order, "value": "sideways"}]})
    assert "sideways" not in str(problem)
    told = await owner.ask("POST", path, 200, json={"answers": [{**order, "value": "DD/MM/YYYY"}]})
    assert told["answers"] == [{**order, "value": "DD/MM/YYYY"}]
    assert "date_order" not in {each["code"] for each in told["findings"]["questions"]}
    printed = capsys.readouterr()
    assert "canary" not in printed.out + printed.err


async def test_of_two_who_answer_at_the_same_time_none_is_forgotten_and_answers_have_bounds(
    owner: Client, connect: Callable[..., Client], key: str, tools: Tools, database: Database, account: UUID
) -> None:
    sample = await _post(owner, b"id;email;born\n1;a@shop.example;01/02/2003\n2;b@shop.example;03/04/2005\n")
    path = f"/v1/samples/{sample['id']}/answers"
    both = asyncio.Barrier(2)
    looks = 0

    async def at_once(module: str, order: bytes) -> bytes:
        nonlocal looks
        looks += 1
        if looks <= 2:
            await both.wait()
        return await in_thread(module, order)

    client = connect(key, looking=replace(tools.looking, apart=at_once))
    said = [{"code": each["code"], "pointer": each["pointer"], "value": each["choices"][0]["value"]}
            for each in sample["findings"]["questions"]]  # fmt: skip
    assert len(said) == 2
    await asyncio.gather(*(client.ask("POST", path, 200, json={"answers": [each]}) for each in said))
    told = await owner.ask("GET", f"/v1/samples/{sample['id']}", 200)
    assert (told["settled"], len(told["answers"]), looks) == (True, 2, 3)

    for field, value in (("pointer", "/" * 201), ("value", "x" * 1001), ("value", 10**9)):
        problem = await owner.ask("POST", path, 422, json={"answers": [{**said[0], field: value}]})
        assert problem["errors"][0]["pointer"].startswith(f"/answers/0/{field}")
    many = [{"code": "header", "pointer": f"/{number}", "value": True} for number in range(MAX_ANSWERS)]
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.samples SET answers = $1", many)
    problem = await owner.ask("POST", path, 422, json={"answers": said})
    assert (problem["errors"][0]["pointer"], problem["errors"][0]["code"]) == ("/answers", "invalid_value")


async def test_an_encrypted_zip_is_opened_with_the_accounts_own_keys_and_passwords(
    owner: Client, tools: Tools, database: Database, account: UUID, tmp_path: Path
) -> None:
    """The preview of an encrypted file: its columns, rows and mapping, as of a plain one."""
    key = made_key()
    async with database.account(account) as tx:
        await openpgp_keys.add_own(tx, tools.keys, "ours", key, keys.public_part(key))
        await openpgp_keys.add_password(tx, tools.keys, "archives", "hush hush")
    packed = io.BytesIO()
    with pyzipper.AESZipFile(packed, "w", zipfile.ZIP_DEFLATED, encryption=pyzipper.WZ_AES) as archive:
        archive.setpassword(b"hush hush")
        archive.writestr("contacts.csv", CONTACTS)
    plain, message = tmp_path / "plain", tmp_path / "message"
    plain.write_bytes(packed.getvalue())
    await encrypt(plain, message, (public(key),), None, gpg=find_programs())
    sample = await _post(owner, message.read_bytes(), "contacts.zip.pgp")
    assert sample["findings"]["trouble"] is None
    assert sample["findings"]["packing"]["value"] == "openpgp+zip"
    assert [each["name"] for each in sample["findings"]["columns"]] == ["E-mail", "First name", "Joined", "Points"]
    assert sample["findings"]["sample_rows"][1][0] == "bob@shop.example"
    assert [each["property"]["value"] for each in sample["findings"]["mapping"]][1:] == [
        "first_name",
        "joined",
        "points",
    ]
    assert not [*tmp_path.glob("sample-*")], "nothing plain is left"


async def test_what_no_key_opens_has_its_trouble_in_the_findings(owner: Client, tmp_path: Path) -> None:
    plain, message = tmp_path / "plain", tmp_path / "message"
    plain.write_bytes(CONTACTS)
    await encrypt(plain, message, (public(made_key("Other <other@b.example>")),), None, gpg=find_programs())
    sample = await _post(owner, message.read_bytes())
    assert sample["findings"]["trouble"]["code"] == "no_decryption_key"
    assert (sample["settled"], sample["goal"]) == (False, None)


async def test_a_sample_is_read_in_a_process_of_its_own_that_has_limits(
    connect: Callable[..., Client], key: str, tools: Tools, database: Database, tmp_path: Path
) -> None:
    def client(bounds: Bounds) -> Client:
        return connect(key, looking=Looking(database, tools.keys, tmp_path, find_programs(), apart(bounds)))

    found = (await _post(client(Bounds()), CONTACTS))["findings"]
    assert (found["trouble"], len(found["columns"])) == (None, 4)
    for bounds in (Bounds(seconds=0.2), Bounds(memory_bytes=8 << 20)):
        sample = await _post(client(bounds), CONTACTS)
        assert sample["findings"]["trouble"]["code"] == "too_hard_to_read"


async def test_who_may_only_read_goals_sees_that_there_is_a_sample_and_nothing_in_it(
    owner: Client, connect: Callable[..., Client], database: Database, account: UUID
) -> None:
    sample = await _post(owner, CONTACTS)
    reader = connect(await make_key(database, account, OWNER_SCOPES - {"goals:write"}))
    (listed,) = (await reader.ask("GET", "/v1/samples", 200))["items"]
    assert (listed["id"], listed["name"]) == (sample["id"], "contacts.csv")
    assert "ann@shop.example" not in str(listed)
    await reader.ask("GET", f"/v1/samples/{sample['id']}", 403)
    await _post(reader, CONTACTS, status=403)


async def test_a_file_streams_and_one_that_is_too_large_is_refused_and_gone(
    connect: Callable[..., Client], key: str, database: Database, account: UUID
) -> None:
    client = connect(key, limits=Limits(sample_bytes=3 << 20))

    async def rows(count: int) -> AsyncIterator[bytes]:
        yield b"email,name\n"
        for number in range(count):
            yield b"".join(b"p%d@shop.example,P\n" % (number * 1000 + each) for each in range(1000))

    large = await _post(client, rows(100))
    assert large["size_bytes"] > 1 << 20, "more than the body of any other request"
    assert (await _post(client, rows(200), status=413))["code"] == "file_too_large"
    assert (await _post(client, b"a" * (3 << 20) + b"a", status=413))["code"] == "file_too_large"
    await kept_files.sweep(database)
    async with database.account(account) as tx:
        assert await tx.connection.fetchval("SELECT count(*) FROM tidegate.kept_files") == 1


async def test_a_file_that_comes_too_slowly_is_given_up(connect: Callable[..., Client], key: str) -> None:
    async def broken_off() -> AsyncIterator[bytes]:
        yield CONTACTS
        await asyncio.Event().wait()

    problem = await _post(connect(key, limits=Limits(body_seconds=0.1)), broken_off(), status=408)
    assert problem["code"] == "request_too_slow"


async def test_a_file_under_an_idempotency_key_is_one_sample_and_another_file_is_refused(
    owner: Client, database: Database
) -> None:
    async def post(content: bytes, status: int) -> Any:
        headers = {**FILE, "Idempotency-Key": "one"}
        return await owner.ask("POST", "/v1/samples?name=a.csv", status, content=content, headers=headers)

    first = await post(CONTACTS, 201)
    assert await post(CONTACTS, 201) == first
    assert (await post(CONTACTS + b"\0\0", 422))["code"] == "idempotency_key_reused"
    assert len((await owner.ask("GET", "/v1/samples", 200))["items"]) == 1
    assert await kept_files.sweep(database) == 2, "what came again was not kept"


async def test_a_file_needs_a_name_and_comes_as_it_is(owner: Client) -> None:
    for query in ("", "?name=", "?name=a%0Ab"):
        problem = await owner.ask("POST", f"/v1/samples{query}", 422, content=CONTACTS, headers=FILE)
        assert problem["errors"][0]["pointer"] == "?name", query
    for media_type in ("text/csv", "multipart/form-data; boundary=x"):
        await owner.ask("POST", "/v1/samples?name=a", 415, content=CONTACTS, headers={"Content-Type": media_type})
    await owner.ask("POST", "/v1/samples", 422, content=b"", headers={"Content-Type": "application/json"})


async def test_what_was_asked_of_a_place_says_so_until_it_was_fetched_or_given_up(
    owner: Client, database: Database, account: UUID
) -> None:
    connection = await owner.ask("POST", "/v1/connections", 201, json={"name": "P", "place": SFTP_PLACE})
    for elsewhere in ("../a.csv", "/a.csv", "in//a.csv", "", "a\x00.csv"):
        asked = {"connection_id": connection["id"], "path": elsewhere}
        assert (await owner.ask("POST", "/v1/samples", 422, json=asked))["errors"][0]["pointer"] == "/path"
    asked = {"connection_id": connection["id"], "path": "in/a.csv"}
    beside = await owner.ask("POST", "/v1/samples?name=b.csv", 422, json=asked)
    assert [each["pointer"] for each in beside["errors"]] == ["?name"]
    answer = await owner.post("/v1/samples", json=asked)
    assert (answer.status_code, answer.json()["state"], answer.json()["findings"]) == (202, "fetching", None)
    path = answer.headers["Location"]
    await owner.ask(
        "POST", f"{path}/answers", 409, json={"answers": [{"code": "header", "pointer": "", "value": True}]}
    )
    async with database.account(account) as tx:
        await tx.connection.execute("UPDATE tidegate.samples SET created_at = now() - interval '11 minutes'")
    given_up = await owner.ask("GET", path, 200)
    assert (given_up["state"], given_up["reason"]["code"]) == ("failed", "sample_not_fetched")


async def test_a_sample_that_is_deleted_or_whose_time_is_over_is_gone_with_its_file(
    owner: Client, database: Database, account: UUID
) -> None:
    one, other = await _post(owner, CONTACTS), await _post(owner, CONTACTS)
    await owner.ask("DELETE", f"/v1/samples/{one['id']}", 204)
    await owner.ask("GET", f"/v1/samples/{one['id']}", 404)
    async with database.account(account) as tx:
        for table in ("samples", "kept_files"):
            await tx.connection.execute(f"UPDATE tidegate.{table} SET expires_at = now()")
    await owner.ask("GET", f"/v1/samples/{other['id']}", 404)
    assert await samples.forget_old(database) == 1
    assert await kept_files.sweep(database) == 2
    async with database.account(account) as tx:
        for table in ("samples", "kept_files", "kept_chunks"):
            assert await tx.connection.fetchval(f"SELECT count(*) FROM tidegate.{table}") == 0
