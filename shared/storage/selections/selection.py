"""A selection: what becomes one file of an export, as a value. Nothing here runs a statement."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from shared.domain.processor import Processors
from shared.domain.property import Written
from shared.storage.conditions import SqlCondition
from shared.storage.statements import statement

Condition = Callable[[int], SqlCondition]
"""A condition on profiles `p`, given the number that its first parameter has."""


@dataclass(frozen=True, slots=True)
class SelectedColumn:
    """One column of the file."""

    header: str
    type: Written
    """How PostgreSQL writes it, and so how it is written for the dialect (shared/processing/typed_text.py)."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Rows that are held back, and only counted."""

    reason: str
    """As the receipt tells it."""
    text: str
    """A select of one number; has a {schema} slot."""
    parameters: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Selection:
    """The rows of one file, in order."""

    columns: tuple[SelectedColumn, ...]
    text: str
    """A select of the profile's number, null where the row is no person's, then of the columns; has a {schema} slot."""
    parameters: tuple[object, ...] = ()
    part: str = ""
    """What the file's name has behind that of the main file, which has nothing there."""
    held_back: tuple[Counted, ...] = ()
    processors: Processors = ()
    """What a further file has of its own; the goal's are the main file's."""
    segments: tuple[UUID, ...] = ()
    """Of each of these the select has one more column behind the others: whether the profile is in it."""

    def first(self, rows: int) -> "Selection":
        """The same, of so many rows at most."""
        limited = statement("selections.limited").replace("{number}", str(len(self.parameters) + 1))
        return replace(self, text=limited.replace("{select}", self.text), parameters=(*self.parameters, rows))


@dataclass(slots=True)
class Parameters:
    """The parameters of a statement while it is put together."""

    values: list[object] = field(default_factory=list)

    def add(self, value: object, cast: str) -> str:
        """One more; what stands for it."""
        self.values.append(value)
        return f"${len(self.values)}::{cast}"

    def fill(self, condition: Condition) -> str:
        """A condition, with its parameters behind those that there are."""
        made = condition(len(self.values) + 1)
        self.values += made.parameters
        return made.text

    def narrowed(self, conditions: Sequence[Condition]) -> str:
        """What puts conditions behind those that there are."""
        frame = statement("selections.condition")
        return "".join(f" {frame.replace('{condition}', self.fill(each))}" for each in conditions)
