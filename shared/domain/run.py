"""Runs: one execution of one version of a goal."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.domain.model import Model


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    WAITING = "waiting"
    COMPLETED = "completed"
    COMPLETED_WITH_REJECTS = "completed_with_rejects"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNDONE = "undone"


ENDED = frozenset(
    {
        RunState.COMPLETED,
        RunState.COMPLETED_WITH_REJECTS,
        RunState.FAILED,
        RunState.SKIPPED,
        RunState.CANCELLED,
        RunState.UNDONE,
    }
)


class Waiting(StrEnum):
    """What a waiting run waits for."""

    RETRY = "retry"
    APPROVAL = "approval"


class Reason(Model):
    """Why a run is where it is, and what to do about it."""

    code: str
    detail: str = ""
    what_to_do: str = ""


class ClaimedRun(Model):
    """A run in the hands of one worker. The token fences: only its bearer may change the run."""

    id: UUID
    account_id: UUID
    goal_id: UUID
    goal_version: int
    connection_id: UUID
    arrival_id: UUID | None
    attempt: int
    token: int
    is_approved: bool = False
    queued_at: datetime
    started_at: datetime
    traceparent: str | None = None
