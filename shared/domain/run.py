"""Runs: one execution of one version of a goal."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shared.domain.absent import AbsentCounts
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


ABSENT_OVER_GUARD = "absent_over_guard"
"""Why a run waits whose full file lets more people go than the goal lets it do by itself."""


class Approval(Model):
    """What a person approved: a plan, made by one version of the goal. `absent` is the plan's."""

    code: str
    goal_version: int
    absent: AbsentCounts | None = None

    def covers(self, code: str, goal_version: int, absent: AbsentCounts) -> bool:
        """Whether what a run would do now was approved: for that reason, by that version, and no more of it."""
        if self.absent is None or (self.code, self.goal_version) != (code, goal_version):
            return False
        return absent.removed <= self.absent.removed and absent.unsubscribed <= self.absent.unsubscribed


@dataclass(frozen=True, slots=True)
class PassedOver:
    """What a worker does not want to be given just now."""

    accounts: Sequence[UUID] = ()
    connections: Sequence[UUID] = ()
    tried_before: bool = False
    """Runs that were begun before, and had to be put aside."""


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
    approval: Approval | None = None
    """What was approved last."""
    queued_at: datetime
    started_at: datetime
    traceparent: str | None = None
    replay: int = 0
    """Which one it is of the runs that were asked for again of the same file; 0 is the first of all."""
