"""What becomes of a file when its runs have ended. Settings; nothing is decided here."""

from typing import Annotated, Literal, Self

from pydantic import StringConstraints, model_validator

from shared.domain.model import Model
from shared.domain.names import Directory

RenameSuffix = Annotated[str, StringConstraints(pattern=r"^\.[A-Za-z0-9_-]{1,20}\z")]


class AfterDone(Model):
    """What becomes of an imported file; exactly one of these. Without any: rename with `.done`."""

    rename_suffix: RenameSuffix | None = None
    move_to: Directory | None = None
    delete: Literal[True] | None = None
    leave: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.rename_suffix, self.move_to, self.delete, self.leave)) != 1:
            raise ValueError("expected exactly one of rename_suffix, move_to, delete, leave")
        return self


class AfterFailed(Model):
    """What becomes of a file whose import failed; exactly one of these. Without any: move to `failed`.

    With `"rename_suffix": ".failed"` contacts.csv is contacts.csv.failed, or contacts.csv.failed.1 where that is taken;
    its run is retried, and replayed, from there. Once it is imported it is contacts.csv.done, or what `done` says.
    """

    rename_suffix: RenameSuffix | None = None
    move_to: Directory | None = None
    leave: Literal[True] | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if sum(value is not None for value in (self.rename_suffix, self.move_to, self.leave)) != 1:
            raise ValueError("expected exactly one of rename_suffix, move_to, leave")
        return self


class Afterwards(Model):
    """What becomes of the file when every run of its arrival has ended.

    The two suffixes differ, so that a name tells what became of the file. Files that have one of them are never taken.
    """

    done: AfterDone = AfterDone(rename_suffix=".done")
    failed: AfterFailed = AfterFailed(move_to="failed")

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        done, failed = self.done.rename_suffix, self.failed.rename_suffix
        # Where a server takes capitals for small letters, so are these.
        if done is not None and failed is not None and done.lower() == failed.lower():
            raise ValueError("imported and failed files have the same suffix; expected another one")
        return self

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What files are renamed with."""
        return tuple(each for each in (self.done.rename_suffix, self.failed.rename_suffix) if each is not None)
