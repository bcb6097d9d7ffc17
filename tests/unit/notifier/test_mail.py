"""Mails as they are built: headers that nobody outside can shape, text and HTML."""

import email
import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, default
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.notifier import notice, receipt
from services.notifier.mail import Stationery, compose, message_id, recipient_address, sender_address
from shared.domain.failures import MailRefused
from shared.domain.run import Reason, RunState
from shared.storage.mails import RejectPlace
from shared.storage.notifications import News, Notification
from tests.examples import examples
from tests.unit.notifier.told import GOAL, HOSTILE, MAIL, NOON, RUN, mail, naughty_strings, run

SENDER = Address("Tidegate", "tidegate", "mail.example")
STATIONERY = Stationery()
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "MIME-Version",
    "Content-Type",
]


def written(name: str, state: RunState = RunState.COMPLETED) -> EmailMessage:
    """A receipt for a goal and a file of that name, as it comes out of the receiver's parser."""
    letter = STATIONERY.receipt(receipt.describe(run(state, goal_name=name, file_name=name)))
    return email.message_from_bytes(compose(letter, mail(), SENDER).as_bytes(policy=SMTP), policy=default)


def part(message: EmailMessage, kind: str) -> str:
    """The text of one alternative."""
    body = message.get_body((kind,))
    assert body is not None
    return str(body.get_content())


def check(name: str) -> None:
    """The headers are ours, and the subject arrives as it was meant."""
    message = written(name)
    assert message.keys() == HEADERS
    assert str(message["Subject"]) == receipt.describe(run(goal_name=name, file_name=name)).subject
    assert str(message["To"]) == "crm@shop.example"
    assert not message.defects
    assert tags_of(part(message, "html")) == tags_of(part(written("plain"), "html"))


def tags_of(html: str) -> set[str]:
    """The elements of a page."""
    found: set[str] = set()

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.add(tag)
            assert not [name for name, _ in attrs if name.startswith("on")]

    Reader().feed(html)
    return found


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.strip()])
def test_a_hostile_name_adds_no_header_and_no_element(name: str) -> None:
    check(name)


def test_the_big_list_of_naughty_strings_adds_no_header_and_no_element() -> None:
    for name in naughty_strings():
        if name.strip():
            check(name)


@settings(max_examples=examples(60))
@given(st.text(min_size=1).filter(lambda name: receipt.shown(name, 60) != ""))
def test_no_name_adds_a_header_or_an_element(name: str) -> None:
    check(name)


def test_html_is_escaped_and_text_is_not() -> None:
    message = written("<b>Fish & chips</b>")
    assert "&lt;b&gt;Fish &amp; chips&lt;/b&gt;" in part(message, "html")
    assert "<b>Fish & chips</b>" in part(message, "plain")


def test_text_and_html_say_the_same() -> None:
    told = receipt.describe(
        run(
            RunState.COMPLETED_WITH_REJECTS,
            rows_read=10,
            created=9,
            rejected=1,
            rejects_by_code={"not_an_email": 1},
            reason=Reason(code="some_code", detail="Some detail.", what_to_do="Some advice."),
            warnings=(Reason(code="late", detail="An older file came late."),),
            rejects=(RejectPlace(7, 8, "not_an_email", "E-mail"),),
        )
    )
    letter = STATIONERY.receipt(told)
    for said in (
        *told.what_to_do,
        *told.warnings,
        *told.first_rejects,
        told.reason,
        told.reason_code,
        told.summary,
        told.rejects[0].meaning,
    ):
        assert said in letter.text
        assert said in letter.html


def test_a_mail_says_that_no_person_wrote_it() -> None:
    assert written("x")["Auto-Submitted"] == "auto-generated"


def test_lines_of_a_mail_are_short_and_ascii() -> None:
    letter = STATIONERY.receipt(receipt.describe(run(goal_name="ü" * 500, file_name="🌊" * 500)))
    lines = compose(letter, mail(), SENDER).as_bytes(policy=SMTP).split(b"\r\n")
    assert max(map(len, lines)) <= 998
    assert all(line.isascii() for line in lines)


def test_the_same_mail_has_the_same_identity_and_date() -> None:
    first, again = (compose(STATIONERY.receipt(receipt.describe(run())), mail(attempt=n), SENDER) for n in (1, 2))
    assert first["Message-ID"] == again["Message-ID"]
    assert first["Date"] == again["Date"] == "Sun, 01 Mar 2026 12:00:00 +0000"
    assert re.fullmatch(r"<[0-9a-f]{40}@mail\.example>", str(first["Message-ID"]))


@pytest.mark.parametrize(
    "other", [{"recipient": "other@shop.example"}, {"about_state": "failed:1"}, {"about_id": GOAL}, {"account_id": RUN}]
)
def test_another_recipient_state_or_thing_is_another_mail(other: dict[str, str]) -> None:
    assert message_id(mail(**other), "mail.example") != message_id(mail(), "mail.example")


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("crm@shop.example", "crm@shop.example"),
        ("crm+tide.gate@shop.example", "crm+tide.gate@shop.example"),
        ("crm@bücher.example", "crm@xn--bcher-kva.example"),
    ],
)
def test_a_recipient_is_taken(address: str, expected: str) -> None:
    assert recipient_address(address).addr_spec == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "@shop.example",
        "crm@",
        "crm@shop.example\r\nBcc: all@shop.example",
        "crm@shop.example\nDATA",
        "crm@shop.example, other@shop.example",
        "crm@shop .example",
        "crm@shop..example",
        "crm@shop.example>",
        "a" * 400 + "@shop.example",
        '"quoted"@shop.example',
        "=?utf-8?b?DQpCY2M6IGFAYi5leGFtcGxl?=@shop.example",
        "=?utf-8?q?a=0D=0ABcc:x?=@shop.example",
        "crm\0@shop.example",
    ],
)
def test_what_is_no_address_is_refused_without_being_quoted(address: str) -> None:
    with pytest.raises(MailRefused) as refused:
        recipient_address(address)
    assert "shop" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("tidegate@localhost", "", "tidegate@localhost"),
        ("Tidegate <tidegate@mail.example>", "Tidegate", "tidegate@mail.example"),
    ],
)
def test_the_sender_is_read_from_the_settings(text: str, name: str, address: str) -> None:
    sender = sender_address(text)
    assert (sender.display_name, sender.addr_spec) == (name, address)


@pytest.mark.parametrize("text", ["", "tidegate", "Tidegate <tidegate>", "a@b.example\nX: 1", "tïdegate@mail.example"])
def test_a_sender_that_is_no_address_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="expected an address"):
        sender_address(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_notification_is_told_in_a_subject_of_one_line(text: str) -> None:
    notification = Notification(MAIL, News("host_key_changed", text, text, text, goal_id=GOAL), NOON, None)
    letter = STATIONERY.notification(notice.describe(notification))
    message = email.message_from_bytes(compose(letter, mail(), SENDER).as_bytes(policy=SMTP), policy=default)
    assert message.keys() == HEADERS
    assert str(message["Subject"]).startswith("Notice:")
    assert "host_key_changed" in part(message, "plain")
    assert tags_of(part(message, "html")) <= tags_of(letter.html)
    assert "script" not in tags_of(letter.html)
