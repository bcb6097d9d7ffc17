"""Makers of what mails are about: what a test does not name has a plain default."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from services.notifier.receipt import TellableRun
from shared.domain.receipt import FileFacts, Receipt
from shared.domain.run import RunState
from shared.storage.mails import Mail, RejectPlace

RUN = UUID("00000000-0000-0000-0000-00000000aaaa")
GOAL = UUID("00000000-0000-0000-0000-00000000bbbb")
ACCOUNT = UUID("00000000-0000-0000-0000-00000000cccc")
MAIL = UUID("00000000-0000-0000-0000-00000000dddd")
NOON = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)

HOSTILE = [
    "x\r\nBcc: everybody@shop.example",
    "x\nSubject: another",
    "x\rX-Header: 1",
    "x\u2028Bcc: a@b.example",
    "x\u2029Bcc: a@b.example",
    "x\x85Bcc: a@b.example",
    "x\x0b\x0cBcc: a@b.example",
    "invoice\u202egpj.exe",
    "\u2066\u2067\u2068\u2069\u202a\u202b\u202c\u202d\u202e\u200e\u200f",
    "zero\u200bwidth\ufeff",
    "nul\0byte",
    "escape\x1b[31m",
    "lone surrogate \udc80",
    "private \ue000 and unassigned \U000e0fff",
    "=?utf-8?q?Bcc=3A_a=40b.example?=",
    "=?utf-8?b?DQpCY2M6IGFAYi5leGFtcGxl?=",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }} {% raw %}",
    "long" * 5_000,
    "ü" * 5_000,
    "🌊" * 5_000,
    "e\u0301" * 5_000,
    "",
    "   ",
]


def naughty_strings() -> list[str]:
    """The corpus beside the repository; a run without it says so."""
    corpus = Path(__file__).parents[4] / "shared" / "corpora" / "blns" / "blns.json"
    if not corpus.exists():
        pytest.skip("the corpus ../shared/corpora/blns is not here; the project's own list was tried")
    strings: list[str] = json.loads(corpus.read_text("utf-8"))
    return strings


def receipt(state: RunState = RunState.COMPLETED, **facts: Any) -> Receipt:
    """A receipt of 10 created rows, or none where the run took no effect."""
    took_effect = state in (RunState.COMPLETED, RunState.COMPLETED_WITH_REJECTS)
    plain: dict[str, Any] = {
        "run_id": RUN,
        "goal_id": GOAL,
        "goal_version": 3,
        "state": state,
        "queued_at": NOON,
        "finished_at": NOON,
        "file": FileFacts(name="contacts.csv", size_bytes=1_234, sha256="ab" * 32),
    }
    if took_effect:
        plain |= {"rows_read": 10, "created": 10, "profiles_affected": 10, "rows_by_path": {"fast": 10, "exact": 0}}
    return Receipt(**(plain | facts))


def run(
    state: RunState = RunState.COMPLETED,
    *,
    goal_name: str = "Nightly contacts",
    file_name: str | None = "in/contacts.csv",
    rejects: tuple[RejectPlace, ...] = (),
    is_export: bool = False,
    **facts: Any,
) -> TellableRun:
    """A run to be told about."""
    return TellableRun(is_export, state, goal_name, file_name, receipt(state, **facts), rejects)


def mail(recipient: str = "crm@shop.example", **facts: Any) -> Mail:
    """A mail in hand."""
    plain: dict[str, Any] = {
        "id": MAIL,
        "account_id": ACCOUNT,
        "about_kind": "run",
        "about_id": RUN,
        "about_state": "completed:1",
        "recipient": recipient,
        "attempt": 1,
        "planned_at": NOON,
        "age_seconds": 0.0,
    }
    return Mail(**(plain | facts))
