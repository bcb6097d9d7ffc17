"""How a goal knows that an upload is complete, and which files beside it say so. Settings; nothing is decided here."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_validator, model_validator

from shared.domain.model import Model
from shared.domain.pattern import WildcardText

Strategy = Literal["stable", "rename", "closed", "marker", "checksum", "manifest"]


def _checked_template(value: str) -> str:
    if value.count("{name}") + value.count("{stem}") != 1 or value in ("{name}", "{stem}"):
        raise ValueError("expected {name} or {stem} once, and something beside it")
    rest = value.replace("{name}", "").replace("{stem}", "")
    if any(c in "/{}" or not c.isprintable() for c in rest):
        raise ValueError("expected the name of a file beside the other, without '/', braces and control characters")
    return value


Template = Annotated[str, Field(min_length=7, max_length=100), AfterValidator(_checked_template)]
"""How the file beside another is called: `{name}` is the other's name, `{stem}` the same without its last extension."""


class Readiness(Model):
    """How we know that an upload is complete: by one of these, or by several that must all hold.

    stable: size and time held still over two looks and the minimum age. rename: a file under a name that matches is
    complete, because the sender renames it when it is. closed: the hosted server saw the upload's end. marker: a file
    beside it that is not older says so. checksum: a file beside it has its SHA-256, as sha256sum writes it; what is
    fetched must have it (`checksum_mismatch`), and a file that is newer than its checksum must also be stable.
    manifest: a file in the same directory, ours or a list as sha256sum writes it, names the file, and all files that it
    names are there with the sizes that it says; hashes that it says are compared as well. They are read up to 1 MiB and
    10,000 names. When a file was imported and put away, its marker and checksum are put away like it; what stands for
    several files, as a manifest does, when all of them were.
    deadline_minutes: a file that is not complete so long after it was first seen is told (`file_not_ready`), once.
    """

    strategy: Strategy | Annotated[tuple[Strategy, ...], Field(min_length=1, max_length=6)] = "stable"
    minimum_age_seconds: int = Field(default=30, ge=0, le=86_400)
    marker: Template = "{name}.ok"
    checksum: Template = "{name}.sha256"
    manifest: WildcardText = "*.manifest.json"
    deadline_minutes: int | None = Field(default=None, ge=1, le=60 * 24 * 31)

    @field_validator("strategy")
    @classmethod
    def _is_said_once(cls, value: Strategy | tuple[Strategy, ...]) -> Strategy | tuple[Strategy, ...]:
        if not isinstance(value, str) and len(set(value)) != len(value):
            raise ValueError("expected each strategy once")
        return value

    @model_validator(mode="after")
    def _are_told_apart(self) -> Self:
        if {"marker", "checksum"} <= self.strategies and self.marker == self.checksum:
            raise ValueError("the marker and the checksum have the same name; expected another one")
        return self

    @property
    def strategies(self) -> frozenset[Strategy]:
        """All that must hold."""
        return frozenset((self.strategy,) if isinstance(self.strategy, str) else self.strategy)

    @property
    def templates(self) -> tuple[str, ...]:
        """How the files beside each file are called that have to be there."""
        named: tuple[tuple[Strategy, str], ...] = (("marker", self.marker), ("checksum", self.checksum))
        return tuple(template for strategy, template in named if strategy in self.strategies)

    @property
    def looks_beside(self) -> bool:
        """Whether other files say that a file is complete."""
        return not self.strategies.isdisjoint(("marker", "checksum", "manifest"))


def beside(template: str, name: str) -> str:
    """How the file beside a file is called."""
    stem = name.rpartition(".")[0] or name
    return template.replace("{name}", name).replace("{stem}", stem)


def stands_for(template: str, name: str) -> str | None:
    """The name, or with `{stem}` the stem, of the file that a name of this form stands for; None for other names."""
    before, _, after = template.replace("{stem}", "{name}").partition("{name}")
    if len(name) <= len(before) + len(after) or not (name.startswith(before) and name.endswith(after)):
        return None
    return name[len(before) : len(name) - len(after)]
