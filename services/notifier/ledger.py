"""Read from the ledger what people are to be told. Changes nothing.

What a mail is about is named with its state and, for a run, the token under which it came into that state: a run
that fails, is retried and fails again is told twice, and a mail whose run has moved on is not sent any more.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.notifier.receipt import FIRST_REJECTS, OUTCOMES, TellableRun
from shared.domain.goal import Goal
from shared.domain.names import shown
from shared.domain.receipt import Receipt
from shared.domain.run import ENDED, RunState, Waiting
from shared.storage import goals, mails, one_shots, runs
from shared.storage.database import Tx

RAISED = "raised"
"""The one state of a notification."""


@dataclass(frozen=True, slots=True)
class Told:
    """A run that people may be told about, and which state of it they are told."""

    run: TellableRun
    about_state: str
    goal: Goal
    goal_id: UUID
    connection_id: UUID


async def run_to_tell(tx: Tx, run_id: UUID, *, with_rejects: bool) -> Told | None:
    """A run that ended or waits for a person; None where there is nothing to tell (any more)."""
    row = await runs.get(tx, run_id)
    if row is None or not _is_tellable(row):
        return None
    goal = await goals.version(tx, row["goal_id"], row["goal_version"])
    rejects = await mails.first_rejects(tx, run_id, row["token"], FIRST_REJECTS) if with_rejects else []
    # A newer importer may tell more than this version knows.
    receipt = Receipt.model_validate(row["receipt"], extra="ignore")
    run = TellableRun(
        is_export=row["kind"] == "export",
        state=RunState(row["state"]),
        goal_name=goal.name,
        file_name=_file_name(row, receipt),
        receipt=receipt,
        rejects=tuple(rejects),
        is_one_shot=await one_shots.is_one(tx, row["arrival_id"]),
    )
    return Told(run, about_state(row), goal, row["goal_id"], row["connection_id"])


def about_state(row: dict[str, Any]) -> str:
    """The state that a mail is about, with the token under which the run came into it."""
    return f"{row['state']}:{row['token']}"


def _is_tellable(row: dict[str, Any]) -> bool:
    state = RunState(row["state"])
    waits_for_a_person = state is RunState.WAITING and row["waits_for"] == Waiting.APPROVAL
    return row["receipt"] is not None and state in OUTCOMES and (state in ENDED or waits_for_a_person)


def _file_name(row: dict[str, Any], receipt: Receipt) -> str | None:
    if receipt.file is not None:
        return receipt.file.name
    name: str | None = row["path"] or row["delivered_name"]
    return None if name is None else shown(name)
