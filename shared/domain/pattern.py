"""Which file names a goal takes: a wildcard or a regular expression, each for the whole name.

Nothing is matched here; `tree` is what both kinds have in common, for comparing what they take.
"""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared.domain.expression_tree import Characters, Node, Repeat, Sequence
from shared.domain.model import Model
from shared.domain.regular_expression import RegularExpressionText, regular_expression

_ANY = Characters((), is_negated=True)


def _checked_wildcard(value: str) -> str:
    if "/" in value or "\0" in value:
        raise ValueError("expected a file name pattern without '/'; the directory has a field of its own")
    return value


WildcardText = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_checked_wildcard)]
"""A wildcard for names of files: `*` is any run of characters, `?` is one."""


class Pattern(Model):
    """Which file names a goal takes, case-sensitive; exactly one of these, and the whole name must fit.

    wildcard: `*` is any run of characters, `?` is one. regular_expression: as in conditions, for instance
    `contacts_[0-9]{8}(_v2)?\\.csv`; read by an engine whose time is linear in the name.
    """

    wildcard: WildcardText | None = None
    regular_expression: RegularExpressionText | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.wildcard is None) == (self.regular_expression is None):
            raise ValueError("expected exactly one of wildcard, regular_expression")
        return self

    @property
    def text(self) -> str:
        """The pattern as it was written."""
        return self.wildcard or self.regular_expression or ""

    @property
    def tree(self) -> Node:
        """What a whole name must be."""
        if self.wildcard is not None:
            return wildcard_tree(self.wildcard)
        return regular_expression(self.text).root


def wildcard_tree(wildcard: str) -> Node:
    """A wildcard as a regular expression would say it."""
    parts: dict[str, Node] = {"*": Repeat(_ANY, 0, None, is_lazy=False), "?": _ANY}
    return Sequence(tuple(parts.get(c) or Characters(((ord(c), ord(c)),)) for c in wildcard))
