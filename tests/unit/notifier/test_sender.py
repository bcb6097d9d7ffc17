"""Where mails go, and mails as files."""

import email
from email.headerregistry import Address
from email.policy import default
from pathlib import Path

import pytest

from services.notifier import receipt
from services.notifier.mail import Stationery, compose
from services.notifier.sender import FolderSender, SmtpServer, smtp_server
from shared.domain.failures import MailUnavailable
from tests.unit.notifier.told import mail, run

SENDER = Address("Tidegate", "tidegate", "mail.example")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://127.0.0.1:1025", SmtpServer("127.0.0.1", 1025, use_tls=False, start_tls=False)),
        ("smtp://mail.example", SmtpServer("mail.example", 25, use_tls=False, start_tls=False)),
        (
            "smtp+starttls://tide:p%40ss%3Aword@mail.example/",
            SmtpServer("mail.example", 587, use_tls=False, start_tls=True, username="tide", password="p@ss:word"),
        ),
        (
            "smtps://tide:secret@mail.example",
            SmtpServer("mail.example", 465, use_tls=True, start_tls=False, username="tide", password="secret"),
        ),
        ("smtp://[::1]:2525", SmtpServer("::1", 2525, use_tls=False, start_tls=False)),
    ],
)
def test_the_url_says_how_the_server_is_spoken_to(url: str, expected: SmtpServer) -> None:
    assert smtp_server(url) == expected


@pytest.mark.parametrize(
    "url",
    [
        "",
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://tide@mail.example",
        "smtp://tide:hunter2@mail.example:99999",
        "smtp://tide:hunter2@mail.example/path",
        "smtp://tide:hunter2@mail.example?x=1",
    ],
)
def test_a_url_that_cannot_be_used_is_an_error_that_quotes_nothing(url: str) -> None:
    with pytest.raises(ValueError, match="expected") as error:
        smtp_server(url)
    assert "hunter2" not in str(error.value)


def test_a_password_is_not_shown() -> None:
    assert "hunter2" not in repr(smtp_server("smtp://tide:hunter2@mail.example"))


async def test_a_mail_becomes_one_whole_file_however_often_it_leaves(tmp_path: Path) -> None:
    sender = FolderSender(tmp_path / "mails")
    for attempt in (1, 2):
        letter = Stationery().receipt(receipt.describe(run()))
        await sender.send(compose(letter, mail(attempt=attempt), SENDER))
    [file] = (tmp_path / "mails").iterdir()
    assert file.name.startswith("20260301T120000_")
    assert file.suffix == ".eml"
    read = email.message_from_bytes(file.read_bytes(), policy=default)
    assert read["Subject"] == "Completed: Nightly contacts, contacts.csv"
    assert read["To"] == "crm@shop.example"


async def test_mails_to_two_people_are_two_files(tmp_path: Path) -> None:
    for recipient in ("one@shop.example", "two@shop.example", "drie€@shop.example"):
        letter = Stationery().receipt(receipt.describe(run()))
        await FolderSender(tmp_path).send(compose(letter, mail(recipient), SENDER))
    found = {email.message_from_bytes(file.read_bytes(), policy=default)["To"] for file in tmp_path.iterdir()}
    assert found == {"one@shop.example", "two@shop.example", "drie€@shop.example"}


async def test_a_directory_that_cannot_be_written_to_delays_the_mail(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way")
    with pytest.raises(MailUnavailable, match="FileExistsError"):
        await FolderSender(blocked).send(compose(Stationery().receipt(receipt.describe(run())), mail(), SENDER))
    assert blocked.read_text() == "in the way"
