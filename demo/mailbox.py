"""Where the demonstration's mails can be found: in a folder, or in a mail catcher that has maildev's API."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import httpx


class Mailbox(Protocol):
    """Mails that were sent."""

    def find(self, text: str) -> str | None:
        """Where a mail with this text can be seen, or None while there is none."""
        ...


@dataclass(frozen=True, slots=True)
class MailFolder:
    """A file a mail."""

    directory: Path

    def find(self, text: str) -> str | None:
        """See `Mailbox.find`."""
        found = (path for path in self.directory.glob("*.eml") if text.encode() in path.read_bytes())
        return next((str(path) for path in found), None)


@dataclass(frozen=True, slots=True)
class MailCatcher:
    """maildev's list of mails, `GET /email`."""

    url: str

    def find(self, text: str) -> str | None:
        """See `Mailbox.find`."""
        answer = httpx.get(f"{self.url}/email", timeout=10).raise_for_status()
        found = (mail["id"] for mail in answer.json() if text in mail.get("text", ""))
        return next((f"{self.url}/email/{mail}" for mail in found), None)
