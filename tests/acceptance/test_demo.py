"""`make demo FILE=...` takes anyone's file as far as it goes: into the profiles and out again, or to its questions."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from demo.anyones import Said, Shown, demonstrate
from demo.mailbox import MailFolder
from demo.system import System as DemoSystem
from tests.acceptance.process import ServiceProcess
from tests.acceptance.system import SERVICES, System


@pytest.fixture
def running(system: System, importer: ServiceProcess, operator_key: str) -> DemoSystem:
    """The shared system, as the demonstration knows one."""
    assert importer.is_running
    for each in (*SERVICES, "exporter"):
        system.ensure(each)
    return DemoSystem(system.api_url, operator_key, MailFolder(system.mails), "as it is tested")


async def _shown(running: DemoSystem, place: Path, content: bytes, said: Said) -> tuple[Shown, str]:
    file = place / "anyone's [file].csv.part"
    file.write_bytes(content)
    console = Console(file=StringIO(), width=200)
    shown = await demonstrate(running, place, file, said, console)
    return shown, console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO from above


async def test_a_file_goes_all_the_way(running: DemoSystem, tmp_path: Path) -> None:
    content = "Kundennummer;E-Mail;Geburtstag\n1;ä@example.com;24.12.1980\n2;b@example.com;01.02.1990\n3;;03.04.1970\n"
    said = Said(identifier="kundennummer", answers=("encoding=cp1252",))
    shown, told = await _shown(running, tmp_path, content.encode("cp1252"), said)
    assert (shown.status, shown.wrong) == (0, []), told
    assert shown.outcome["exported"] == 3
    assert (tmp_path / "exported.csv").read_text("utf-8").count("1980-12-24") == 1
    assert "profiles: 3" in told


async def test_an_ambiguous_file_ends_with_its_questions(running: DemoSystem, tmp_path: Path) -> None:
    content = b"email,joined\nann@example.com,01/02/2003\nbob@example.com,03/04/2005\n"
    shown, told = await _shown(running, tmp_path, content, Said())
    assert shown.status == 3
    assert [each["code"] for each in shown.outcome["questions"]] == ["date_order"]
    assert "In which order are day, month and year" in told
    assert "--answer date_order:/columns/1/date_format=" in told
