"""Receipts: the report of a run, without personal data."""

from datetime import datetime
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

    opt_outs_of_rejects: int = Field(
        default=0, ge=0, description="Profiles that only a row opts out which was rejected; it counts all the same"
    )

    @model_validator(mode="after")
    def _adds_up(self) -> "Counts":
        total = self.created + self.updated + self.unchanged + self.skipped + self.rejected
        if total != self.rows_read:
            raise ValueError(f"a receipt must add up: {self.rows_read} rows read, {total} accounted for")
        if sum(self.skipped_by_reason.values()) != self.skipped:
            raise ValueError("skipped rows by reason do not add up")
        if sum(self.rejects_by_code.values()) != self.rejected:
            raise ValueError("rejected rows by code do not add up")
        return self


class MemberFacts(Model):
    """Of one file of an archive: which records of the run are its."""

    name: str
    """Its path in the archive; empty where the file was no archive."""
    first_record: int
    rows_read: int
    unreadable: int = 0
    """Rows that could not be read as they are written."""
    rejected: int = 0
    """Rows that were not imported, for whatever reason."""


class ListCounts(Model):
    """Of one list: which it is, and who was put on it."""

    id: UUID
    number: int
    name: str
    is_new: bool = Field(default=False, description="Whether the run made it for its file")
    added: int = Field(ge=0, description="Profiles that were not on it before")
    already: int = Field(ge=0, description="Profiles that were")


class FileFacts(Model):
    """Of the file: name, size and SHA-256 of the bytes as they lay in the drop folder."""

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
    members: tuple[MemberFacts, ...] = ()
    """The files that were read, in the order of their names; empty where the file was no archive."""


class Receipt(Counts):
    """The report of a run."""

    run_id: UUID
    goal_id: UUID
    goal_version: int
    state: RunState
    reason: Reason | None = None
    file: FileFacts | None = None
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
    rows_exported: int | None = None
    queued_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    seconds_by_step: dict[str, float] = Field(default_factory=dict)
