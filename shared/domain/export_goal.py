"""Goals that write records to files. Every saved change is a new version, as with all goals."""

import re
from datetime import UTC, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, field_validator, model_validator

from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.goal_base import Ordered
from shared.domain.model import Model
from shared.domain.names import Directory, RelativePath
from shared.domain.processor import Processors
from shared.domain.property import PropertyName
from shared.domain.schedule import AfterResponses, When


class ExportColumn(Model):
    """A column of the exported file."""

    property: PropertyName
    header: str | None = Field(default=None, min_length=1, max_length=1_000)


_REQUESTED_AT = re.compile(r"\{requested_at:([^{}]+)\}")


class Target(Model):
    """Where an exported file goes. `{requested_at:...}` in the name takes a date pattern, UTC."""

    directory: Directory = ""
    file_name: RelativePath = "profiles_{requested_at:YYYYMMDDHHmmss}.csv"

    @field_validator("file_name")
    @classmethod
    def _can_be_filled(cls, value: str) -> str:
        bare = _REQUESTED_AT.sub("", value)
        if "/" in bare or "{" in bare or "}" in bare:
            raise ValueError("expected a file name in which only {requested_at:...} stands in braces")
        for pattern in _REQUESTED_AT.findall(value):
            if "/" in date_pattern(pattern).write(datetime.min.replace(tzinfo=UTC)):
                raise ValueError("found a date pattern with '/' in a file name")
        return value

    def named(self, requested_at: datetime) -> str:
        """The name of the file of a run that was asked for then; the same for every attempt."""
        return _REQUESTED_AT.sub(lambda found: date_pattern(found[1]).write(requested_at), self.file_name)


class ExportGoal(Ordered):
    """Write records to files, and put them where a partner picks them up: what every kind of export has."""

    target: Target = Target()
    dialect: Dialect = Dialect()
    processors: Processors = Field(
        default=(),
        description="Steps that filter or change the rows of the main file before they are written; they name its "
        "columns by their headers. A row that one cannot work on is held back and counted.",
    )
    when: tuple[When, ...] = Field(default=(), max_length=10, description="When it runs by itself, besides when asked")

    @model_validator(mode="after")
    def _waits_once(self) -> Self:
        if sum(isinstance(each, AfterResponses) for each in self.when) > 1:
            raise ValueError("found after_responses twice; a message is waited for once")
        return self


class ExportProfiles(ExportGoal):
    """Write profiles to a file."""

    kind: Literal["export_profiles"]
    segment: UUID | None = Field(default=None, description="Only profiles of this segment; everybody where it is null")
    columns: tuple[ExportColumn, ...] = Field(min_length=1, max_length=400)

    @property
    def segments_named(self) -> set[UUID]:
        """The segments that it knows people by."""
        return set() if self.segment is None else {self.segment}
