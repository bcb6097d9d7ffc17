"""What is known of a run while it is carried out: its progress, its file, its timings. Becomes its receipt."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from shared.domain.failures import Failure
from shared.domain.receipt import Counts, FileFacts, MemberFacts, Receipt
from shared.domain.run import ENDED, ClaimedRun, Reason, RunState
from shared.observe import tracing
from shared.observe.metrics import Metrics
from shared.runtime.places import Alone, Place
from shared.storage.connections import StoredConnection
from shared.storage.runs import Progress


@dataclass(slots=True)
class Desk:
    """One run in hand."""

    run: ClaimedRun
    kind: str
    metrics: Metrics
    place: Place = field(default_factory=Alone)
    progress: Progress = field(default_factory=Progress)
    connection: StoredConnection | None = None
    """As the run found it, once that is known."""
    file: FileFacts | None = None
    warnings: list[Reason] = field(default_factory=list)
    properties_created: tuple[str, ...] = ()
    seconds_by_step: dict[str, float] = field(default_factory=dict)
    _step: tuple[str, float] | None = None
    """The present step and when it began."""

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Work on a step of the road: shown as progress, timed for the receipt and the metrics."""
        self.progress = Progress(step=name)
        began = time.monotonic()
        self._step = (name, began)
        try:
            with tracing.span(f"{self.kind}.{name}"):
                yield
        finally:
            seconds = time.monotonic() - began
            self._step = None
            self.seconds_by_step[name] = self.seconds_by_step.get(name, 0.0) + seconds
            self.metrics.step_seconds.labels(self.kind, name).observe(seconds)

    def advance(self, *, rows: int = 0, bytes_done: int = 0, bytes_total: int | None = None) -> None:
        """So much more of the present step is done."""
        self.progress = replace(
            self.progress,
            rows_done=self.progress.rows_done + rows,
            bytes_done=self.progress.bytes_done + bytes_done,
            bytes_total=self.progress.bytes_total if bytes_total is None else bytes_total,
        )

    def warn(self, code: str, detail: str, what_to_do: str = "") -> None:
        """Add a warning to the receipt."""
        self.warnings.append(Reason(code=code, detail=detail, what_to_do=what_to_do))

    def receipt(
        self,
        state: RunState,
        *,
        reason: Reason | None = None,
        counts: Counts | None = None,
        members: Sequence[MemberFacts] = (),
        **more: Any,
    ) -> Receipt:
        """The receipt as things stand; `members` are those of an archive, where it is known what became of them."""
        file = self.file.model_copy(update={"members": tuple(members)}) if self.file and members else self.file
        return Receipt(
            **(counts or Counts()).model_dump(),
            run_id=self.run.id,
            goal_id=self.run.goal_id,
            goal_version=self.run.goal_version,
            replay=self.run.replay,
            state=state,
            reason=reason,
            file=file,
            warnings=tuple(self.warnings),
            properties_created=self.properties_created,
            queued_at=self.run.queued_at,
            started_at=self.run.started_at,
            finished_at=datetime.now(UTC) if state in ENDED else None,
            seconds_by_step=self._seconds(),
            **more,
        )

    def _seconds(self) -> dict[str, float]:
        """With the step that is not over yet: a run ends in the middle of its last one."""
        seconds = dict(self.seconds_by_step)
        if self._step is not None:
            name, began = self._step
            seconds[name] = seconds.get(name, 0.0) + time.monotonic() - began
        return {name: round(value, 3) for name, value in seconds.items()}


def reason_of(failure: Failure) -> Reason:
    """A failure as a run tells it."""
    return Reason(
        code=failure.code, detail=f"{failure.sentence} {failure.detail}".strip(), what_to_do=failure.what_to_do
    )
