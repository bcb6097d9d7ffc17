"""Goals that write records to files. Every saved change is a new version, as with all goals."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, field_validator, model_validator

from shared.domain.built_in import shown_named
from shared.domain.dates import date_pattern
from shared.domain.dialect import Dialect
from shared.domain.event_files import LEFT, EventFiles
from shared.domain.export_columns import (
    MAX_COLUMNS,
    ExportColumn,
    GroupColumn,
    Headed,
    ListsColumn,
    PropertyColumn,
    SegmentsColumn,
)
from shared.domain.export_names import NUMBER, SEGMENT, ExportName, in_file_name
from shared.domain.goal_base import Ordered
from shared.domain.lists import ListReference
from shared.domain.model import Model
from shared.domain.names import Directory, RelativePath
from shared.domain.packing import CHECKSUM, MANIFEST, DoneFile, Packing, Split
from shared.domain.processor import Processors
from shared.domain.processors.rows import DropRows, KeepRows
from shared.domain.property import Property, PropertyName
from shared.domain.schedule import AfterResponses, When
from shared.domain.segment import segments_in
from shared.domain.unpack import Fingerprint

_REQUESTED_AT = re.compile(r"\{requested_at:([^{}]+)\}")


class Target(Model):
    """Where an exported file goes.

    file_name: `{requested_at:...}` in it takes a date pattern, UTC, and makes the file of each run a new one: another
    with the same name has `_2` behind it. Without it each run replaces the file of the run before. `{segment}` is the
    name of the segment that the goal is about, as it is when the run begins, with `_` for what no file name can hold;
    `{number}` is the number of a file that is split. What packing and encryption add (`.gz`, `.pgp`) is put behind it,
    unless it ends so already.
    direct_write: write under the last name at once, for servers that let nothing be renamed. A partner may then see a
    file that is still being written; with done_file it can tell.
    """

    directory: Directory = ""
    file_name: RelativePath = "profiles_{requested_at:YYYYMMDDHHmmss}.csv"
    direct_write: StrictBool = False

    @field_validator("file_name")
    @classmethod
    def _can_be_filled(cls, value: str) -> str:
        bare = _REQUESTED_AT.sub("", value).replace(NUMBER, "", 1).replace(SEGMENT, "")
        if "/" in bare or "{" in bare or "}" in bare:
            raise ValueError(
                "expected a file name in which only {requested_at:...}, {segment} and {number} stand in braces"
            )
        for pattern in _REQUESTED_AT.findall(value):
            if "/" in date_pattern(pattern).write(datetime.min.replace(tzinfo=UTC)):
                raise ValueError("found a date pattern with '/' in a file name")
        return value

    @property
    def is_new_each_time(self) -> bool:
        """Whether each run writes a file of its own, and none replaces another's."""
        return _REQUESTED_AT.search(self.file_name) is not None

    def named(self, requested_at: datetime, segment: str | None = None) -> str:
        """The name of the file of a run that was asked for then; `segment` is what its segment is called."""
        named = _REQUESTED_AT.sub(lambda found: date_pattern(found[1]).write(requested_at), self.file_name)
        return named if segment is None else named.replace(SEGMENT, in_file_name(segment))


class ExportDialect(Dialect):
    """How an exported file is written. Datetimes are milliseconds since 1970 in UTC, unless a pattern is given.

    A plain date has no time and no zone: it is written YYYY-MM-DD where the pattern is an epoch.
    """

    date_format: str = Field(default="epoch_milliseconds", alias="dateFormat", min_length=1, max_length=64)


class ExportGoal(Ordered):
    """Write records to files, and put them where a partner picks them up: what every kind of export has."""

    target: Target = Target()
    dialect: ExportDialect = ExportDialect()
    ids_as_names: StrictBool = Field(
        default=False,
        description="Show lists and segments by their names, instead of numbers and ids. Where only changes are told, "
        "a new name is a change of everybody whom it stands beside.",
    )
    defuse_formulas: StrictBool = Field(
        default=False,
        description="Put ' before values that a spreadsheet would take for a formula: those that begin with = + - @, "
        "a tab or a line end. Numbers, dates, truth values and phone numbers stay as they are. The price: what was "
        "prefixed cannot be told from what began so, and an import reads the ' as part of the value, unless "
        "a processor takes it off (replace_matching `^'([=+@\\t\\r\\n\\uff1d\\uff0b\\uff0d\\uff20-])` "
        "with `$1`).",
    )
    packing: Packing = Packing()
    encrypt_to: tuple[Fingerprint, ...] = Field(
        default=(),
        max_length=20,
        description="Fingerprints of the account's OpenPGP keys; each file is encrypted to all of them, after it was "
        "packed, and `.pgp` is added to its name",
    )
    sign_with: Fingerprint | None = Field(
        default=None, description="Fingerprint of an own OpenPGP key that signs what is encrypted"
    )
    split: Split | None = None
    checksum: StrictBool = Field(
        default=False, description="Beside each file, one of its name and `.sha256` as sha256sum writes and checks it"
    )
    manifest: StrictBool = Field(
        default=False,
        description="One file a run, of the main file's name without a number and `.manifest.json`: JSON of `goal`, "
        "`run_id`, `made_at`, `rows` and `files`, of each its `name`, `rows`, `bytes` and `sha256`. Never encrypted",
    )
    done_file: DoneFile | None = None
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

    @property
    def named_lists(self) -> tuple[ListReference, ...]:
        """The lists that the goal names."""
        return ()

    @property
    def tells_changes(self) -> bool:
        """Whether its main file tells only what the export before it did not."""
        return False

    @property
    def remembers(self) -> bool:
        """Whether an export goes by what the one before it told."""
        return self.tells_changes

    @property
    def group_types_named(self) -> set[str]:
        """The types of groups that it is about, or shows."""
        return set()

    @property
    def parts(self) -> tuple[str, ...]:
        """What its tables have behind the name of the main one, which has nothing there; as far as the goal tells."""
        return ("",)

    @property
    def named_after(self) -> UUID | None:
        """The segment whose name its files have."""
        return None

    def name_of(self, name: str) -> ExportName:
        """The name of the main file, from one that the target gives or that a run was given."""
        return ExportName.of(name, self.packing, is_sealed=bool(self.encrypt_to))


def delivered_names(
    goal: ExportGoal,
    requested_at: datetime,
    pieces: int = 2,
    *,
    segment: str | None = None,
    parts: Sequence[str] = ("",),
) -> list[str]:
    """What a run that was asked for then delivers of its main table, in order; so many files where it is split.

    `segment` is what the one is called that its files are named after. `parts` are other tables, or more of them: what
    is put behind the main one's name.
    """
    name = goal.name_of(goal.target.named(requested_at, segment))
    data = []
    for each in map(name.beside, parts):
        data += [each.whole] if goal.split is None else [each.piece(n).whole for n in range(1, pieces + 1)]
    beside = [each + CHECKSUM for each in data] if goal.checksum else []
    beside += [name.announced + MANIFEST] if goal.manifest else []
    beside += [] if goal.done_file is None else [name.announced + goal.done_file.suffix]
    return data + beside


class AboutPeople(ExportGoal):
    """Write rows that are about people: what the kinds have in common whose columns can show something of them."""

    columns: tuple[Headed, ...] = Field(min_length=1, max_length=MAX_COLUMNS)
    identifier: PropertyName | None = Field(
        default=None,
        description="An identifier that a row must have; profiles without it are held back, and counted as such",
    )

    @property
    def named_lists(self) -> tuple[ListReference, ...]:
        """The lists that its columns name."""
        return tuple(
            one for each in self.columns if isinstance(each, ListsColumn) and each.lists != "all" for one in each.lists
        )

    @property
    def group_types_named(self) -> set[str]:
        """The types of groups that its columns show."""
        return {each.group.type for each in self.columns if isinstance(each, GroupColumn)}

    @property
    def segments_asked(self) -> tuple[UUID, ...]:
        """The segments that its processors ask rows for, each once."""
        asking = (each.where for each in self.processors if isinstance(each, KeepRows | DropRows))
        return tuple(dict.fromkeys(segment for where in asking for _, segment in segments_in(where)))

    @property
    def segments_named(self) -> set[UUID]:
        """The segments that it shows, or asks rows for."""
        shown = [each.segments for each in self.columns if isinstance(each, SegmentsColumn)]
        return {*self.segments_asked, *(one for several in shown if several != "all" for one in several)}


class AboutProfiles(AboutPeople):
    """Write a row a profile to a file: what all kinds have that are about profiles of some sort."""

    columns: tuple[ExportColumn, ...] = Field(min_length=1, max_length=MAX_COLUMNS)

    @property
    def tells_leavers(self) -> bool:
        """Whether it has a second file of those whom the export before it told of and who are gone."""
        return False

    @property
    def remembers(self) -> bool:
        """Whether an export goes by what the one before it told."""
        return self.tells_changes or self.tells_leavers

    def heading_of(self, found: Property, known: Mapping[str, Property]) -> str:
        """What stands above a property's first column; its name where none shows it. `known` are the account's own."""
        columns = (each for each in self.columns if isinstance(each, PropertyColumn))
        return next((each.heading for each in columns if shown_named(each.property, known) == found), found.name)


class TellsChanges(AboutProfiles):
    """An export that can tell changes alone, whatever they are of."""

    changed_only: StrictBool = Field(
        default=False,
        description="Only profiles that changed since this goal's last delivered export, or that it did not tell of "
        "before. The first one, and the first of another version of the goal, tells everything. An event that is said "
        "again of another person is told with that one: whom it was about before is no news for that.",
    )
    leavers: StrictBool = Field(
        default=False,
        description="A second file, named with `_left`, of those whom the last delivered export told of and who are "
        "no longer in what the goal is about, with the same columns",
    )

    @property
    def tells_changes(self) -> bool:
        """Whether its main file tells only what the export before it did not."""
        return self.changed_only

    @property
    def tells_leavers(self) -> bool:
        """Whether it has a second file of those whom the export before it told of and who are gone."""
        return self.leavers

    @property
    def parts(self) -> tuple[str, ...]:
        """What its tables have behind the name of the main one, which has nothing there; as far as the goal tells."""
        return ("", LEFT) if self.leavers else ("",)


class ExportProfiles(TellsChanges):
    """Write profiles to a file."""

    kind: Literal["export_profiles"]
    segment: UUID | None = Field(default=None, description="Only profiles of this segment; everybody where it is null")
    events: EventFiles | None = Field(default=None, description="Files of their timeline events beside the main file")

    @property
    def segments_named(self) -> set[UUID]:
        """The segments that it knows people by, shows, or asks rows for."""
        named = super().segments_named
        return named if self.segment is None else {*named, self.segment}

    @property
    def named_after(self) -> UUID | None:
        """The segment whose name its files have."""
        return self.segment if SEGMENT in self.target.file_name else None

    @property
    def parts(self) -> tuple[str, ...]:
        """What its tables have behind the name of the main one, which has nothing there; as far as the goal tells."""
        return (*super().parts, *(() if self.events is None else self.events.named))
