"""`make demo FILE=...` takes anyone's file as far as it goes: into the profiles and out again, or to its questions."""

import asyncio
import gzip
import secrets
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from demo.anyones import Said, Shown, demonstrate
from demo.mailbox import MailFolder
from demo.partner import open_sealed
from demo.system import System as DemoSystem
from shared.formats.openpgp.message import encrypt
from tests.acceptance.process import ServiceProcess
from tests.acceptance.system import SERVICES, System
from tests.openpgp import made_key, public
from tests.unit.formats.workbooks import n, t, workbook


@pytest.fixture
def running(system: System, importer: ServiceProcess, operator_key: str) -> DemoSystem:
    """The shared system, as the demonstration knows one."""
    assert importer.is_running
    for each in (*SERVICES, "exporter"):
        system.ensure(each)
    return DemoSystem(system.api_url, operator_key, MailFolder(system.mails), "as it is tested", reaches_itself=True)


async def _shown(running: DemoSystem, place: Path, content: bytes, said: Said) -> tuple[Shown, str]:
    file = place / "anyone's [file].csv.part"
    file.write_bytes(content)
    console = Console(file=StringIO(), width=200)
    shown = await demonstrate(running, place, file, said, console)
    return shown, console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO from above


async def test_files_of_many_kinds_go_all_the_way(running: DemoSystem, tmp_path: Path) -> None:
    """A text in an old encoding, which hides the identifier's name until that is answered; a packed workbook; JSON."""
    text = "Öznr;E-Mail;Geburtstag\n1;ö@example.com;24.12.1980\n2;b@example.com;01.02.1990\n3;c@example.com;\n"
    people = workbook([t("E-mail"), t("Points")], [t("ann@example.com"), n("7")], [t("bob@example.com"), n("12")])
    records = (
        '{"email": "ann@example.com", "home": {"city": "York"}}\n{"email": "b@example.com", "home": {"city": "Bath"}}\n'
    )
    files = {
        "text": (text.encode("cp850"), Said(identifier="öznr", answers=("encoding=cp850",)), 3, 2, "1980-12-24"),
        "workbook": (gzip.compress(people), Said(), 2, 2, "ann@example.com,7"),
        "records": (records.encode(), Said(), 2, 2, "York"),
    }
    for kind in files:
        (tmp_path / kind).mkdir()
    shows = [_shown(running, tmp_path / kind, content, said) for kind, (content, said, *_) in files.items()]
    for (kind, (_, _, profiles, sent, value)), (shown, told) in zip(
        files.items(), await asyncio.gather(*shows), strict=True
    ):
        assert (shown.status, shown.wrong, shown.outcome["exported"]) == (0, [], profiles), (kind, told)
        assert (tmp_path / kind / "exported.csv").read_text("utf-8").count(value) == 1, kind
        assert f"profiles: {profiles}" in told
        assert shown.outcome["sent"] == sent, (kind, told)
        assert f"{sent} profiles, opened by gpg" in told
        assert "each as in exported.csv" in told


async def test_an_ambiguous_file_ends_with_its_questions(running: DemoSystem, tmp_path: Path) -> None:
    content = b"email,joined\nann@example.com,01/02/2003\nbob@example.com,03/04/2005\n"
    shown, told = await _shown(running, tmp_path, content, Said())
    assert shown.status == 3
    assert [each["code"] for each in shown.outcome["questions"]] == ["date_order"]
    assert "In which order are day, month and year" in told
    assert "--answer date_order:/columns/1/date_format=" in told


async def test_a_partner_without_gpg_reads_what_was_sent(tmp_path: Path) -> None:
    content = secrets.token_bytes(1_000)
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(content)
    await encrypt(plain, sealed, (public(made_key()),), gpg=None)
    assert "library" in await open_sealed(made_key(), sealed, opened, None)
    assert opened.read_bytes() == content
