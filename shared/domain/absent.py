"""What becomes of profiles that a full file does not name, and how many of them may go without a question."""

from decimal import Decimal
from typing import Literal

from pydantic import Field

from shared.domain.model import Model


class Absent(Model):
    """What becomes of profiles that a full file does not name.

    Looked at are those on the one list in `lists.add_to`; with `unsubscribe` and no list, all contacts of the goal's
    domain group; who came by another way after the file was written is not. What processors leave out of a file does
    not stand in it; a row that is rejected or skipped does. Where a rejected row names nobody that can be told (an
    identifier cannot be read, or the row cannot be parted into its columns, as `opt_in` says), nobody is absent; nor is
    anybody from a file without rows, from one that hands rejects back, or from one that comes after a later file. An
    archive of which one file is empty fails.
    """

    then: Literal["keep", "remove_from_list", "unsubscribe"] = "keep"


class AbsentGuard(Model):
    """More than this share of those who were looked at, and more than this number: then the run waits for approval.

    It waits too where all of them are absent, however few.
    """

    share: float = Field(default=0.05, ge=0, le=1, allow_inf_nan=False)
    number: int = Field(default=20, ge=0, le=2**31 - 1)


class Guards(Model):
    """How much a run may do by itself. What would do more changes nothing, and waits until a person approves it."""

    approve_when_absent_over: AbsentGuard = AbsentGuard()


NotJudged = Literal["hands_rejects_back", "imported_late", "names_nobody", "nameless_rejects"]


class AbsentCounts(Model):
    """Who was absent from a full file, and what became of them; of a run that waits, what would become of them."""

    looked_at: int = Field(
        default=0,
        ge=0,
        description="Profiles on the list, or contacts of the domain group, before the run and the file",
    )
    found: int = Field(default=0, ge=0, description="Those of them that the file does not name")
    removed: int = Field(default=0, ge=0, description="Taken off the list")
    unsubscribed: int = Field(default=0, ge=0, description="Those that had not unsubscribed before")
    not_judged: NotJudged | None = Field(
        default=None, description="Why nobody counts as absent, whoever is in the file"
    )

    @property
    def changed(self) -> int:
        """Profiles that lose something."""
        return self.removed + self.unsubscribed

    def is_over(self, guard: AbsentGuard) -> bool:
        """Whether that is more than a run may do by itself."""
        if self.changed == 0:
            return False
        # As it is written: 0.1 is a tenth here, and of thirty not more than three.
        is_much = self.changed > guard.number and self.changed > Decimal(str(guard.share)) * self.looked_at
        return is_much or self.found == self.looked_at
