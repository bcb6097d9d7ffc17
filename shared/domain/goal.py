"""Goals: what one connection does. Every saved change is a new version.

What an import says of files and profiles (`ImportRules`) stands apart from where its files come from: a manual import
says the one without the other.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, StrictBool, model_validator

from shared.domain.absent import Absent, Guards
from shared.domain.afterwards import AfterDone, AfterFailed, Afterwards
from shared.domain.built_in import LANGUAGE
from shared.domain.dialect import Dialect, FileFormat
from shared.domain.event_rules import EventRules
from shared.domain.expectation import Expectation
from shared.domain.expected import Expected
from shared.domain.export_goal import ExportProfiles
from shared.domain.export_groups import ExportGroups
from shared.domain.export_kinds import ExportSubscribers, ExportUnsubscribes
from shared.domain.export_messages import ExportResponses, ExportSms
from shared.domain.field_choice import ColumnName
from shared.domain.fields import IdentifierField, MapAll, MappedField, OnBadValue
from shared.domain.goal_base import GoalBase, Ordered
from shared.domain.lists import ListReference, Lists
from shared.domain.merge import MergeRule, Mode
from shared.domain.model import Model
from shared.domain.names import Directory
from shared.domain.opt_in import ContactLanguage, OptIn
from shared.domain.pattern import Pattern
from shared.domain.processor import Processors
from shared.domain.readiness import Readiness
from shared.domain.returned import ReturnedRejects
from shared.domain.schedule import Times
from shared.domain.trimmed import folded
from shared.domain.unpack import Unpack

TEMPORARY_SUFFIXES = (".part", ".tmp", ".filepart")


class Source(Model):
    """Where an import's files come from.

    subdirectories: how many levels of directories below `directory` are watched too; the pattern is on the name alone.
    Hidden directories, links to directories, and those into which goals of the connection put files (`move_to`,
    `return_to`) are never looked into; what is moved from a subdirectory keeps it within `move_to`.
    order: in which order the goal's files are imported, among those known when one begins: by the time they were last
    modified and then their path, or by their path alone.
    """

    directory: Directory = ""
    pattern: Pattern
    subdirectories: int = Field(default=0, ge=0, le=8)
    order: Literal["time", "name"] = "time"
    readiness: Readiness = Readiness()
    afterwards: Afterwards = Afterwards()


class TakesFiles(Ordered):
    """Takes files from a drop folder: as they come, or at its times."""

    source: Source
    rejects: ReturnedRejects | None = None
    when: tuple[Times, ...] = Field(
        default=(),
        max_length=10,
        description="Times at which files are taken: what is complete at the first look after one, in order. Until "
        "then they wait (`scheduled`). Without any, and none of the connection, files are taken as they come",
    )
    expect: Expectation | None = Field(default=None, description="When its files come, and how large they are")


class MadeFrom(Model):
    """What a goal was made from."""

    sample_id: UUID
    """A sample, which may have expired since."""


class FileRules(GoalBase):
    """What every import says of its files: how they are read, and whom their rows name."""

    unpack: Unpack = Unpack()
    format: FileFormat = "csv"
    dialect: Dialect = Dialect()
    processors: Processors = ()
    identifiers: tuple[IdentifierField, ...] = Field(max_length=10)
    """None only where the mode is `always_create`; `system_id` stands alone."""
    ignore: tuple[ColumnName, ...] = Field(default=(), max_length=1_000)
    """Columns that are not imported, and not reported: by their names, whether a file has them or not."""
    expected: Expected = Expected()
    duplicate_content: Literal["skip", "ask", "import"] | None = None
    allow_empty_file: StrictBool = False
    hold_order_for_seconds: int = Field(default=86_400, ge=0, le=30 * 86_400)

    def check_columns(self, entries: "Sequence[IdentifierField | MappedField]") -> None:
        """Raise ValueError where columns that are read cannot be found, are ignored as well, or are no numbers."""
        for entry in entries:
            if entry.field is not None and not self.dialect.has_header and not self.processors:
                raise ValueError("a file without a header is mapped by position; only processors name its columns")
            written = entry.within(self.dialect)
            if written.group_char == written.decimal_char:
                raise ValueError(f"the groupChar and the decimalChar of {entry.shown!r} must differ")
        ignored = {folded(name) for name in self.ignore}
        both = [each.field for each in entries if each.field is not None and folded(each.field) in ignored]
        if both:
            raise ValueError(f"{both[0]!r} is mapped, and to be ignored as well")


class ImportRules(FileRules):
    """How files of contacts are imported into profiles, wherever they come from."""

    kind: Literal["import_profiles"] = "import_profiles"
    mapping: tuple[MappedField, ...] = Field(default=(), max_length=400)
    map_all: MapAll | None = None
    create_properties: StrictBool = False
    """Whether properties that are missing are made: those of mapping when the goal is saved, those of map_all by the
    run that needs them. POST /v1/connections/{id}/goals/check tells before which they are. What a run made stays, even
    where the run fails."""
    default_rule: MergeRule = MergeRule.SET
    on_bad_value: OnBadValue = "reject_row"
    mode: Mode = Mode.UPSERT
    opt_in: OptIn
    language: ContactLanguage | None = None
    lists: Lists = Lists()
    full_file: StrictBool = Field(default=False, description="Whether a file holds everybody, not what changed alone")
    absent: Absent = Absent()
    guards: Guards = Guards()

    @model_validator(mode="after")
    def _one_column_one_property(self) -> Self:
        seen: set[str] = set()
        for entry in self._entries:
            if entry.property in seen:
                raise ValueError(f"the property {entry.property!r} is named twice; one column feeds one property")
            seen.add(entry.property)
        if self.language is not None and LANGUAGE.name in seen:
            raise ValueError("the contact language is mapped, and has its own setting as well")
        self.check_columns((*self._entries, *self.own_fields))
        return self

    @model_validator(mode="after")
    def _columns_are_taken_or_left(self) -> Self:
        if self.map_all is not None and not self.dialect.has_header and not self.processors:
            raise ValueError("map_all goes by names, and a file without a header has none; only processors name them")
        if self.map_all is not None and self.create_properties and not any(map(_is_demanded_by_name, self._entries)):
            # A file without its header would make properties of a person's values.
            raise ValueError(
                "with map_all and create_properties, expected a required column that is named by its field"
            )
        return self

    @property
    def _entries(self) -> "tuple[IdentifierField | MappedField, ...]":
        return (*self.identifiers, *self.mapping)

    @property
    def own_fields(self) -> tuple[MappedField, ...]:
        """What settings of their own read or say, as if it were mapped; the properties are `built_in.OWN`."""
        return (*self.opt_in.columns, *(self.language.columns if self.language is not None else ()))

    @property
    def is_idempotent(self) -> bool:
        """Whether importing the same file twice leaves what importing it once does."""
        if self.mode is Mode.ALWAYS_CREATE:
            return False
        if self.map_all is not None and self.rule_of(self.map_all) is MergeRule.SUM:
            return False
        return all(self.rule_of(entry) is not MergeRule.SUM for entry in self.mapping)

    def rule_of(self, entry: MappedField | MapAll) -> MergeRule:
        """By what rule a column goes into its property."""
        return entry.rule or self.default_rule

    def is_lenient(self, entry: MappedField) -> bool:
        """Whether a bad value of a column leaves the rest of its row."""
        return (entry.on_bad_value or self.on_bad_value) == "reject_value"

    def flags_absent(self, entry: MappedField) -> bool:
        """Whether rows must tell a value that is absent, which changes nothing, from an empty one, which clears."""
        # A file that hands rejects back may lack any column, whatever the goal says of other files.
        return entry.constant is None and self.rule_of(entry) is MergeRule.SET_OR_CLEAR

    @property
    def named_lists(self) -> tuple[ListReference, ...]:
        """The lists that the goal names."""
        return self.lists.add_to

    @property
    def puts_on_lists(self) -> bool:
        """Whether the profiles of a file come to be on a list."""
        return bool(self.lists.add_to) or self.lists.create is not None

    @property
    def judges_absent(self) -> bool:
        """Whether something becomes of who is absent from a file."""
        return self.full_file and self.absent.then != "keep"

    @property
    def wants_named_rejects(self) -> bool:
        """Whether anything in the goal asks whom rejected rows name; finding that out costs where rows are rejected."""
        return self.opt_in.says_no or self.judges_absent

    @property
    def on_duplicate_content(self) -> Literal["skip", "ask", "import"]:
        """What to do with a file whose bytes are those of the latest effective run."""
        return self.duplicate_content or ("skip" if self.is_idempotent else "ask")


def _is_demanded_by_name(entry: IdentifierField | MappedField) -> bool:
    return entry.field is not None and (isinstance(entry, IdentifierField) or entry.required)


class LedBy(Model):
    """The manual import that leads a goal: what the goal says of files and profiles is what the import said.

    latest: a later import under the same name leads from its completion on, with a new version of the goal and a
    notification. Otherwise a goal stays with its import until it is given another one. Where it would make others count
    as absent from full files (other lists, domain group, identifiers or processors), only a person gives it that one.
    """

    import_id: UUID
    latest: StrictBool = False


class ImportGoal(ImportRules, TakesFiles):
    """Import files of contacts into profiles."""

    made_from: MadeFrom | None = None
    led_by: LedBy | None = None


MANUAL_SOURCE = Source(
    pattern=Pattern(wildcard="*"),
    readiness=Readiness(strategy="closed"),
    afterwards=Afterwards(done=AfterDone(leave=True), failed=AfterFailed(leave=True)),
)
"""Of goals whose files clients send or name: whatever is sent or named is theirs, and nobody looks for it."""


class ImportEventRules(FileRules, EventRules):
    """How files of timeline events are imported, wherever they come from.

    They make no profiles, and change none but for what suppresses it.

    A row whose profile does not exist is rejected (`unknown_profile`). Rows of the same type and event id are one
    event, and the columns of items say one item each, in the order of the file; what they say of the event itself must
    be the same. Where events have items, an event is taken whole or not at all: all its rows come back if one is
    rejected.
    """

    kind: Literal["import_events"]

    @model_validator(mode="after")
    def _columns_can_be_read(self) -> Self:
        named = [each.property for each in self.identifiers]
        if len(set(named)) != len(named):
            raise ValueError("an identifier is named twice; one column feeds one property")
        self.check_columns((*self.identifiers, *self.own_fields))
        return self

    @property
    def own_fields(self) -> tuple[MappedField, ...]:
        """The columns of the event, as if they were mapped: see `EventRules.columns`."""
        return self.event.columns

    @property
    def on_duplicate_content(self) -> Literal["skip", "ask", "import"]:
        """What to do with a file whose bytes are those of the latest effective run."""
        return self.duplicate_content or ("skip" if self.is_idempotent else "ask")


class ImportEvents(ImportEventRules, TakesFiles):
    """Import files of timeline events."""


AnyImport = ImportGoal | ImportEvents
"""Goals that take files from drop folders."""

AnyGoal = (
    ImportGoal
    | ImportEvents
    | ExportProfiles
    | ExportSubscribers
    | ExportUnsubscribes
    | ExportGroups
    | ExportResponses
    | ExportSms
)
"""Goals of every kind."""

Goal = Annotated[AnyGoal, Field(discriminator="kind")]
"""Every kind of goal."""
