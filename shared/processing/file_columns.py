"""The columns of a file on its way through the processors: which there are, and how settings name them.

A column keeps the position that it has in the file itself, whatever is dropped or added before or after it; one that a
processor made has a name and no position. Names are compared trimmed and in Unicode's canonical composition (NFC),
case-sensitive. Nothing here looks at a row.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from uuid import UUID

from shared.domain.failures import HeaderChanged
from shared.domain.field_choice import shown
from shared.domain.trimmed import TRIMMED, folded

_SHOWN_NAMES = 30
_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class FileColumn:
    """One column."""

    key: str
    """Its name in frames, unique and never shown."""
    name: str | None
    """The header's name, or the one that a processor gave; None in a file without a header."""
    position: int | None
    """0-based, in the file itself; None for a column that a processor made."""

    @property
    def shown(self) -> str:
        """How messages and rejects name it."""
        return self.name if self.name is not None else shown(self.position or 0)


@dataclass(frozen=True, slots=True)
class FileColumns:
    """All columns, in order."""

    columns: tuple[FileColumn, ...]
    made: int = 0
    """How many processors have made so far."""
    segments: Mapping[UUID, str] = field(default_factory=dict)
    """Columns that no setting names and no file has: whether each row is in a segment (Boolean), by their keys."""

    @classmethod
    def of(cls, header: tuple[str, ...] | None, width: int) -> "FileColumns":
        """Those of a file as it was read: its frames call them `c0`, `c1`, ..."""
        names: Sequence[str | None] = header if header is not None else [None] * width
        return cls(tuple(FileColumn(f"c{place}", name, place) for place, name in enumerate(names)))

    @property
    def keys(self) -> list[str]:
        """The names of the frame's columns, in order, but for those of segments."""
        return [column.key for column in self.columns]

    @property
    def all_keys(self) -> list[str]:
        """The names of all of the frame's columns, in order."""
        return [*self.keys, *self.segments.values()]

    @property
    def header(self) -> tuple[str, ...] | None:
        """The names, where all have one."""
        names = tuple(column.name for column in self.columns if column.name is not None)
        return names if len(names) == len(self.columns) else None

    def find(self, chosen: Iterable[str | int]) -> list[FileColumn]:
        """The columns of names and positions. Raises HeaderChanged where one is not there, or is there twice."""
        wanted = list(chosen)
        by_name: dict[str, list[FileColumn]] = {}
        for column in self.columns:
            if column.name is not None:
                by_name.setdefault(folded(column.name), []).append(column)
        by_position = {column.position: column for column in self.columns}
        missing = [one for one in wanted if isinstance(one, str) and folded(one) not in by_name]
        if missing:
            raise HeaderChanged(self._lack(missing))
        doubled = [one for one in wanted if isinstance(one, str) and len(by_name[folded(one)]) > 1]
        if doubled:
            raise HeaderChanged(f"A processor expects each field once, found more than once: {listed(doubled)}.")
        for one in wanted:
            if isinstance(one, int) and one not in by_position:
                raise HeaderChanged(f"A processor expects a field at position {one} (0-based), found none there.")
        return [by_name[folded(one)][0] if isinstance(one, str) else by_position[one] for one in wanted]

    def place(self, chosen: str | int) -> int:
        """Where a column stands now, counted from 0. Raises HeaderChanged."""
        return self.columns.index(self.find([chosen])[0])

    def has(self, name: str) -> bool:
        """Whether a column has this name."""
        return any(column.name is not None and folded(column.name) == folded(name) for column in self.columns)

    def having(self, name: str) -> tuple["FileColumns", FileColumn]:
        """With a column of that name: the one that is there, or a new one at the end."""
        if self.has(name):
            return self, self.find([name])[0]
        column = FileColumn(f"n{self.made}", name, None)
        return replace(self, columns=(*self.columns, column), made=self.made + 1), column

    def without(self, dropped: Iterable[FileColumn]) -> "FileColumns":
        """Without some of them."""
        keys = {column.key for column in dropped}
        return replace(self, columns=tuple(column for column in self.columns if column.key not in keys))

    def renamed(self, names: dict[str, str]) -> "FileColumns":
        """With other names, given by key."""
        return replace(self, columns=tuple(replace(each, name=names.get(each.key, each.name)) for each in self.columns))

    def rekeyed(self) -> "FileColumns":
        """The same columns, called `c0`, `c1`, ... in their order."""
        columns = tuple(replace(each, key=f"c{place}") for place, each in enumerate(self.columns))
        return replace(self, columns=columns)

    def _lack(self, missing: Sequence[str]) -> str:
        # The first line of a file without a header is a person's record: only what is near to a name is shown of it.
        names = [column.name for column in self.columns if column.name is not None]
        near = {name: get_close_matches(name, names, n=1) for name in missing}
        hints = [f"{shortened(name)} may now be {shortened(found[0])}" for name, found in near.items() if found]
        sentence = f"A processor expects {listed(missing)}, found {len(self.columns)} fields without"
        return ". ".join([sentence, *hints]) + "."


class AnyColumns(FileColumns):
    """Columns of a file that nobody has seen: whatever is asked for is there, once."""

    def find(self, chosen: Iterable[str | int]) -> list[FileColumn]:
        """A column for each."""
        return [FileColumn(repr(one), one if isinstance(one, str) else None, None) for one in chosen]

    def has(self, name: str) -> bool:
        """Always."""
        return True

    def without(self, dropped: Iterable[FileColumn]) -> "FileColumns":
        """The same: nobody knows what is left."""
        return self

    def renamed(self, names: dict[str, str]) -> "FileColumns":
        """The same."""
        return self


def listed(names: Sequence[str]) -> str:
    """Names of columns for a sentence, bounded."""
    text = ", ".join(shortened(name) for name in names[:_SHOWN_NAMES])
    return text if len(names) <= _SHOWN_NAMES else f"{text} and {len(names) - _SHOWN_NAMES} more"


def shortened(name: str) -> str:
    """A name of a column for a sentence, bounded and in quotes."""
    text = "".join(c if c.isprintable() else " " for c in name.strip(TRIMMED))
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "…")
