"""Receipts: the report of a run, without personal data."""

from datetime import datetime
from typing import Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from shared.domain.absent import AbsentCounts
from shared.domain.model import Model
from shared.domain.run import Reason, RunState


class Counts(Model):
    """Rows by outcome: rows_read = created + updated + unchanged + skipped + rejected, always."""

    rows_read: int = Field(default=0, ge=0)
    created: int = Field(default=0, ge=0)
    updated: int = Field(default=0, ge=0)
    unchanged: int = Field(default=0, ge=0)
    skipped: int = Field(default=0, ge=0)
    rejected: int = Field(default=0, ge=0)
    profiles_affected: int = Field(default=0, ge=0)
    skipped_by_reason: dict[str, int] = Field(default_factory=dict)
    rejects_by_code: dict[str, int] = Field(default_factory=dict)
    rows_by_path: dict[str, int] = Field(default_factory=dict)
    opt_ins_withheld: dict[str, int] = Field(
        default_factory=dict,
        description="Profiles that the file opts in and that stay suppressed, by what suppresses them; beside the rows",
    )

    events_affected: int = Field(default=0, ge=0, description="Events created and events changed")
    items_affected: int = Field(default=0, ge=0, description="Their items that the file tells of")
    suppressed: dict[str, int] = Field(
        default_factory=dict, description="Profiles that the file's events suppressed, by why; beside the rows"
    )
    opt_outs_of_rejects: int = Field(
        default=0, ge=0, description="Profiles that only a row opts out which was rejected; it counts all the same"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        _check_sums(self)
        return self


class MemberFacts(Model):
    """Of one file of an archive: which records of the run are its, and what became of them.

    As of the whole run: rows_read = created + updated + unchanged + skipped + rejected, once these are known. They are
    null where the run did not come so far.
    """

    name: str
    """Its path in the archive; empty where the file was no archive."""
    first_record: int
    rows_read: int
    unreadable: int = Field(default=0, description="Rows that could not be read as they are written; rejects too")
    created: int | None = Field(default=None, ge=0)
    updated: int | None = Field(default=None, ge=0)
    unchanged: int | None = Field(default=None, ge=0)
    skipped: int | None = Field(default=None, ge=0)
    rejected: int = Field(default=0, ge=0, description="Rows that were not imported, for whatever reason")
    skipped_by_reason: dict[str, int] = Field(default_factory=dict)
    rejects_by_code: dict[str, int] = Field(default_factory=dict)

    @property
    def is_told(self) -> bool:
        """Whether it is known what became of the rows."""
        return self.created is not None

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        if len({each is None for each in (self.created, self.updated, self.unchanged, self.skipped)}) > 1:
            raise ValueError("expected created, updated, unchanged and skipped to be told, or none of them")
        if self.is_told:
            _check_sums(self)
        return self


class ListCounts(Model):
    """Of one list: which it is, and who was put on it."""

    id: UUID
    number: int
    name: str
    is_new: bool = Field(default=False, description="Whether the run made it for its file")
    added: int = Field(ge=0, description="Profiles that were not on it before")
    already: int = Field(ge=0, description="Profiles that were")


class FileFacts(Model):
    """Of the file: its path as names are shown, size and SHA-256 of the bytes as they lay in the drop folder."""

    name: str
    size_bytes: int
    sha256: str | None = None
    columns: tuple[str, ...] = ()
    """The header as it was read, once it proved to be the goal's: rejects are handed back under it."""
    further_columns: tuple[str, ...] = ()
    """Keys of JSON Lines that an archive's later files have and the first lacks: they were not read."""
    was_encrypted: bool = False
    decrypted_with: str | None = None
    """Fingerprint of the own key that opened it; None where a password did."""
    had_password: bool = False
    """Whether anything in the archive is under a password."""
    signed_by: str | None = None
    """Fingerprint of the key whose signature was demanded, and held."""
    encoding: str | None = None
    """What was found out, where the goal lets it be found out."""
    first_row: Literal["header", "data"] | None = Field(
        default=None,
        description="What the first row was taken for, where that was found out: it is a header where its column of "
        "e-mail addresses holds no valid one",
    )
    members: tuple[MemberFacts, ...] = ()
    """The files that were read, in the order of their names; empty where the file was no archive."""


class ExportedFile(Model):
    """One file that an export delivered."""

    name: str
    """With its directory."""
    rows: int = Field(ge=0, description="Without the header")
    size_bytes: int = Field(ge=0)
    sha256: str


class Receipt(Counts):
    """The report of a run. What became of the rows of an archive's files adds up to what became of the run's."""

    run_id: UUID
    goal_id: UUID
    goal_version: int
    state: RunState
    reason: Reason | None = None
    file: FileFacts | None = None
    replay: int = Field(
        default=0, ge=0, description="Which one it is of the runs that were asked for again of the same file; 0: none"
    )
    mends: UUID | None = None
    """The run whose rejects the file handed back."""
    properties_created: tuple[str, ...] = ()
    """What the run made for columns without a property, in any of its attempts. They stay, whatever becomes of it."""
    values_rejected_by_code: dict[str, int] = Field(default_factory=dict)
    lists: tuple[ListCounts, ...] = ()
    """The lists that the file's profiles were put on."""
    absent: AbsentCounts | None = None
    """Who was absent from a full file, where the goal does not keep them all."""
    warnings: tuple[Reason, ...] = ()
    rows_exported: int | None = Field(
        default=None, description="Rows of the main file of an export, without the header"
    )
    profiles_exported: int | None = Field(
        default=None, description="Whose rows are in the files of an export, each profile counted once"
    )
    held_back: dict[str, int] = Field(
        default_factory=dict,
        description="Rows that an export could not write, of all files, by why: `no_identifier`, or the code of a "
        "processor's reject",
    )
    left_out: dict[str, int] = Field(
        default_factory=dict,
        description="Rows that the processors of an export skipped, of all files: filtered, duplicate",
    )
    files: tuple[ExportedFile, ...] = Field(default=(), description="What an export delivered, the main file first")
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds_by_step: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _members_add_up(self) -> Self:
        members = self.file.members if self.file is not None else ()
        if not members or not all(each.is_told for each in members):
            return self
        for name in ("rows_read", *_OUTCOMES):
            found = sum(getattr(each, name) for each in members)
            if found != getattr(self, name):
                raise ValueError(f"{name} of an archive's files must add up: {found} of {getattr(self, name)}")
        return self


_OUTCOMES = ("created", "updated", "unchanged", "skipped", "rejected")


def _check_sums(counts: Counts | MemberFacts) -> None:
    total = sum(getattr(counts, name) for name in _OUTCOMES)
    if total != counts.rows_read:
        raise ValueError(f"a receipt must add up: {counts.rows_read} rows read, {total} accounted for")
    if sum(counts.skipped_by_reason.values()) != counts.skipped:
        raise ValueError("skipped rows by reason do not add up")
    if sum(counts.rejects_by_code.values()) != counts.rejected:
        raise ValueError("rejected rows by code do not add up")
