"""One column of a sample while it is looked at: its values, what it may be meant for, and the evidence so far."""

from dataclasses import dataclass, field
from typing import Any

from shared.domain.findings import Certainty, Excluded
from shared.domain.property import PropertyType
from shared.processing.trials import Trial, Values

Verdict = tuple[PropertyType, Certainty, dict[str, Any]]
"""A column's type, how sure that is, and its notation."""


@dataclass
class Look:
    """One column while it is looked at."""

    position: int
    name: str | None
    concept: str | None
    """What a column of that name usually holds."""
    values: Values
    distinct: int
    list_mark: str | None = None
    """What joins its items, where its format says that it is a list."""
    wanted: PropertyType | None = None
    """The type of the property it is meant for."""
    why: list[str] = field(default_factory=list)
    excluded: list[Excluded] = field(default_factory=list)
    fits: dict[PropertyType, int] = field(default_factory=dict)

    @property
    def pointer(self) -> str:
        """Into the findings."""
        return f"/columns/{self.position}"

    @property
    def shown(self) -> str:
        """How people are told of it."""
        return repr(self.name) if self.name else f"column {self.position + 1}"

    def note(self, trial: Trial) -> None:
        """Keep what a trial came to as evidence."""
        self.fits[trial.type] = max(trial.fitting, self.fits.get(trial.type, 0))
        if trial.unfit:
            example = self.values.texts.filter(trial.canonical.is_null())[0]
            self.excluded.append(Excluded(type=trial.type, values=trial.unfit, example=example))
