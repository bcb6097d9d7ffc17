"""Build mails: what is said, as text and as HTML, in one message with headers that nobody outside can shape.

Message-ID and Date depend only on what the mail is about and when it was planned: a mail that leaves twice, because
a notifier was killed in between, is the same mail to whoever receives it. Nothing here reads the ledger or sends.
"""

import hashlib
import re
from dataclasses import dataclass
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr

import jinja2

from services.notifier.notice import NoticeText
from services.notifier.receipt import ReceiptText
from services.notifier.shown import shown
from services.notifier.subject import Subject
from shared.domain.failures import MailRefused
from shared.storage.mails import Mail

MAX_ADDRESS_CHARACTERS = 320
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\x80-\U0010ffff-]+")
"""RFC 5322 dot-atom, and RFC 6532's characters beyond ASCII."""
_HOST = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


@dataclass(frozen=True, slots=True)
class Letter:
    """What a mail says, in both of its forms."""

    subject: str
    text: str
    html: str


class Stationery:
    """The templates, rendered: text as it is, HTML with everything escaped."""

    def __init__(self) -> None:
        self._templates = jinja2.Environment(
            loader=jinja2.PackageLoader("services.notifier"),
            autoescape=jinja2.select_autoescape(enabled_extensions=("html.j2",), default=False),
            undefined=jinja2.StrictUndefined,
            trim_blocks=False,
            keep_trailing_newline=True,
        )

    def receipt(self, text: ReceiptText) -> Letter:
        """The letter about a run."""
        return self._letter("receipt", text)

    def notification(self, text: NoticeText) -> Letter:
        """The letter about a notification."""
        return self._letter("notification", text)

    def _letter(self, name: str, text: ReceiptText | NoticeText) -> Letter:
        return Letter(
            subject=text.subject,
            text=self._templates.get_template(f"{name}.txt.j2").render(text=text),
            html=self._templates.get_template(f"{name}.html.j2").render(text=text),
        )


def compose(letter: Letter, mail: Mail, sender: Address) -> EmailMessage:
    """The message for a planned mail. Raises MailRefused for a recipient that is no address (RFC 5322, RFC 3834)."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient_address(mail.recipient)
    message["Subject"] = Subject(letter.subject)
    message["Date"] = mail.planned_at
    message["Message-ID"] = message_id(mail, sender.domain)
    message["Auto-Submitted"] = "auto-generated"
    # Quoted-printable keeps lines short and ASCII, whatever servers on the way can do.
    message.set_content(letter.text, cte="quoted-printable")
    message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
    return message


def message_id(mail: Mail, domain: str) -> str:
    """The same for the same thing, state and recipient, always; tells nothing of them."""
    told = "\n".join((str(mail.account_id), str(mail.about_id), mail.about_state, mail.recipient))
    return f"<{hashlib.sha256(told.encode()).hexdigest()[:40]}@{domain}>"


def sender_address(text: str) -> Address:
    """The address that mails come from, `name@host` or `Name <name@host>`. Raises ValueError."""
    name, address = parseaddr(text)
    if shown(text, len(text) + 1) != text.strip() or not address.isascii():
        raise ValueError("expected an address like tidegate@example.com or Tidegate <tidegate@example.com>")
    return _address(address, name)


def recipient_address(text: str) -> Address:
    """A recipient's address, its domain in ASCII (IDNA). Raises MailRefused, which does not quote it."""
    try:
        return _address(text)
    except ValueError as error:
        raise MailRefused("found a recipient that is no e-mail address") from error


def _address(text: str, name: str = "") -> Address:
    local, _, domain = text.rpartition("@")
    # No quoted local parts, and none that looks like an encoded word: `email` would decode it, line breaks and all.
    if not _LOCAL_PART.fullmatch(local) or "=?" in local or len(text) > MAX_ADDRESS_CHARACTERS:
        raise ValueError("expected an address of the form name@host")
    host = domain.encode("idna").decode("ascii")
    if not _HOST.fullmatch(host) or shown(text, len(text) + 1) != text:
        raise ValueError("expected an address of the form name@host")
    try:
        return Address(display_name=name, username=local, domain=host)
    except HeaderParseError as error:
        raise ValueError("expected an address of the form name@host") from error
