"""Lists: named parts of the contacts, and which of them a goal's file goes into."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, Field, StrictInt, StringConstraints, field_validator

from shared.domain.dates import date_pattern
from shared.domain.model import Model
from shared.domain.names import shown
from shared.domain.trimmed import folded

MAX_NAME_CHARACTERS = 300
"""Room for a goal's name, which has 200 at most, with a time behind it."""
MAX_NUMBER = 2**31 - 1

_SLOT = re.compile(r"\{(?:(goal)|(file)|arrived_at:([^{}]+))\}")


def _list_name(value: str) -> str:
    name = folded(value)
    if not name or any(unicodedata.category(char) in ("Cc", "Cs") for char in name):
        raise ValueError("expected a name in one line, without control characters")
    return name


ListName = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_CHARACTERS), AfterValidator(_list_name)]
ListReference = UUID | Annotated[StrictInt, Field(ge=1, le=MAX_NUMBER)]
"""A list by its id or by its number."""


class NewList(Model):
    """A list that each run makes for its own file.

    `{goal}` in its name is the goal's name, `{file}` the file's without directories, `{arrived_at:...}` takes a date
    pattern, UTC. Where the name is taken, the list gets it with a number behind it: `Contacts (2)`.
    """

    name: str = Field(default="{goal} {arrived_at:YYYY-MM-DD HH:mm}", min_length=1, max_length=200)

    @field_validator("name")
    @classmethod
    def _can_be_filled(cls, value: str) -> str:
        bare = _SLOT.sub("-", value)
        if "{" in bare or "}" in bare:
            raise ValueError("expected a name in which only {goal}, {file} and {arrived_at:...} stand in braces")
        _list_name(bare)
        for found in _SLOT.finditer(value):
            if found[3] is not None:
                date_pattern(found[3])
        return value

    def named(self, *, goal: str, file: str, arrived_at: datetime) -> str:
        """The name of the list of a file that arrived then; the same for every attempt. `file` may be any name."""

        def filled(found: re.Match[str]) -> str:
            if found[3] is not None:
                return date_pattern(found[3]).write(arrived_at.astimezone(UTC))
            return goal if found[1] else shown(file.rpartition("/")[2])

        return _shortened(_SLOT.sub(filled, self.name))


class Lists(Model):
    """Which lists the profiles that a file names are put on; without any, they are contacts and nothing more.

    Created, updated and unchanged profiles are put on them; those of rows that were rejected or skipped are not.
    """

    add_to: tuple[ListReference, ...] = Field(
        default=(), max_length=20, description="Lists that there are, by id or by number"
    )
    create: NewList | None = Field(default=None, description="A new list for each file that names anybody")


def numbered(name: str, number: int) -> str:
    """The name with a number behind it, for a list whose name is taken."""
    behind = f" ({number})"
    return name[: MAX_NAME_CHARACTERS - len(behind)] + behind


def _shortened(text: str) -> str:
    """The text as the name of a list. What a partner calls its file can be anything; its middle goes first."""
    name = folded("".join(" " if unicodedata.category(char) in ("Cc", "Cs") else char for char in text)) or "-"
    if len(name) > MAX_NAME_CHARACTERS:
        half = MAX_NAME_CHARACTERS // 2
        name = folded(f"{name[: half - 1]}…{name[-half:]}")
    return name
