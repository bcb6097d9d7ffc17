"""The steps of a trial of a place, as a person reads them: how long each took, what failed, and what to do.

Steps are planned beforehand; some are found to be needed only on the way. Nothing here tries anything.
"""

import time
from dataclasses import dataclass, field
from typing import Literal

from shared.domain.failures import (
    CertificateFailure,
    Failure,
    HostKeyFailure,
    LoginRefused,
    UnsupportedKey,
)
from shared.domain.model import Model
from shared.domain.names import shown

StepName = Literal[
    "resolve", "connect", "host_key", "certificate", "login", "list", "write", "read", "replace", "remove"
]


class Step(Model):
    """One step. A host key or a certificate that was shown and not accepted comes along, to be accepted."""

    name: StepName
    outcome: Literal["ok", "failed", "not_tried"]
    directory: str | None = None
    """Which directory it was tried in, below the home directory; None for a step of getting in."""
    milliseconds: int | None = None
    """How long it took; None where it was not tried."""
    code: str | None = None
    detail: str = ""
    what_to_do: str = ""
    presented_key: str | None = None
    fingerprint: str | None = None


@dataclass(slots=True)
class Trail:
    """Which steps there are, and how far we came."""

    plan: list[tuple[StepName, str | None]]
    steps: list[Step] = field(default_factory=list)
    """All of them, once it is known how it ended."""
    failure: Failure | None = None
    _at: int = 0
    _began: float = field(default_factory=time.monotonic)
    _took: dict[int, int] = field(default_factory=dict)
    _notes: dict[int, list[str]] = field(default_factory=dict)
    _failed: dict[int, Failure] = field(default_factory=dict)
    """Steps that failed and kept those behind them from nothing."""

    @property
    def has_failed(self) -> bool:
        """Whether a step has failed."""
        return bool(self._failed)

    def insert(self, name: StepName, directory: str) -> None:
        """A step was found to be needed behind the one under way."""
        # Those of this name that are planned already come first; of the later ones nothing is known yet.
        last = max(number for number, step in enumerate(self.plan) if step[0] == name)
        self.plan.insert(last + 1, (name, directory))

    def fail(self, failure: Failure) -> None:
        """The step under way failed, and the trial goes on."""
        self._failed[self._at] = failure

    def begin(self, name: str, directory: str | None = None) -> None:
        """A step begins; those before it went well. One that has begun already goes on."""
        at = next((n for n, step in enumerate(self.plan) if step == (name, directory)), self._at)
        if at > self._at:
            self._measure()
            self._at = at

    def note(self, text: str) -> None:
        """Say something of the step under way, which goes well."""
        self._notes.setdefault(self._at, []).append(text)

    def end(self, failure: Failure | None = None) -> None:
        """Every step went well, or the one that was begun last failed and those after it were not tried."""
        self._measure()
        self.failure = failure or next(iter(self._failed.values()), None)
        tried = len(self.plan) if self.failure is None else self._at + 1
        if failure is not None:
            failed = self._step_of(failure)
            self._failed[failed] = failure
            tried = min(self._at, failed)
        self.steps = [self._went_well(number) for number in range(tried)]
        self.steps += [self._not_tried(number) for number in range(tried, len(self.plan))]
        for number, each in self._failed.items():
            self.steps[number] = self._broken(number, each)

    def add(self, text: str) -> None:
        """Say something more of the step that failed, or of the last one."""
        at = next((n for n, step in enumerate(self.steps) if step.outcome == "failed"), len(self.steps) - 1)
        step = self.steps[at]
        self.steps[at] = step.model_copy(update={"detail": f"{step.detail} {text}".strip()})

    def _measure(self) -> None:
        now = time.monotonic()
        self._took[self._at] = round(1_000 * (now - self._began))
        self._began = now

    def _step_of(self, failure: Failure) -> int:
        """Some show at another moment than at their step: a key that cannot be read before anything is contacted."""
        names = [name for name, _ in self.plan]
        for kind, name in (
            (UnsupportedKey, "login"),
            (LoginRefused, "login"),
            (HostKeyFailure, "host_key"),
            (CertificateFailure, "certificate"),
        ):
            if isinstance(failure, kind) and name in names and self._at < names.index("list"):
                return names.index(name)
        return self._at

    def _went_well(self, number: int) -> Step:
        return self._step(number, "ok", detail=" ".join(self._notes.get(number, ())))

    def _not_tried(self, number: int) -> Step:
        name, directory = self.plan[number]
        return Step(name=name, directory=_shown(directory), outcome="not_tried")

    def _broken(self, number: int, failure: Failure) -> Step:
        key = failure.presented_key if isinstance(failure, HostKeyFailure) else ""
        print_ = failure.fingerprint if isinstance(failure, (HostKeyFailure, CertificateFailure)) else ""
        return self._step(
            number,
            "failed",
            code=failure.code,
            detail=f"{failure.sentence} {failure.detail}".strip(),
            what_to_do=failure.what_to_do,
            presented_key=key or None,
            fingerprint=print_ or None,
        )

    def _step(self, number: int, outcome: Literal["ok", "failed"], **more: str | None) -> Step:
        name, directory = self.plan[number]
        facts = {
            "name": name,
            "directory": _shown(directory),
            "outcome": outcome,
            "milliseconds": self._took.get(number, 0),
        }
        return Step.model_validate({**facts, **more})


def _shown(directory: str | None) -> str | None:
    """Fit for eyes: what a server holds may have any name."""
    return None if directory is None else shown(directory)
