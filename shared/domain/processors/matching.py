"""Settings of processors with regular expressions: replace_matching, extract."""

from typing import Literal

from pydantic import Field, model_validator

from shared.domain.processors.base import OneColumn, OnFailure, Shown, SomeColumns, Text
from shared.domain.regular_expression import RegularExpressionText, regular_expression
from shared.domain.replacement import replacement


class ReplaceMatching(SomeColumns):
    """Replaces whatever matches a regular expression (shared/domain/regular_expression.py) in a value.

    In `with`, `$1` is what the first group matched, `$0` the whole match, `$$` a dollar. An expression that looks far
    behind its match (`(ab)+`, `a+b`, but not `a+` or `[^0-9]`) takes time by the square of a value's length: it works
    on values of up to 2,000 bytes, and a longer one that matches goes by `on_failure` (`text_too_long`), as does one
    that may grow over 1 MiB (`field_too_long`).
    """

    kind: Literal["replace_matching"]
    expression: RegularExpressionText
    replacement: Text = Field(alias="with")
    on_failure: OnFailure = "reject"
    shows = Shown(
        example={"kind": "replace_matching", "field": "Number", "expression": "^([A-Z]+)-0*", "with": "$1 "},
        before={"Number": "AB-0012"},
        after={"Number": "AB 12"},
    )

    @model_validator(mode="after")
    def _groups_are_there(self) -> "ReplaceMatching":
        groups = regular_expression(self.expression).groups
        highest = max((part for part in replacement(self.replacement) if isinstance(part, int)), default=0)
        if highest > groups:
            raise ValueError(f"found ${highest}, but the regular expression has {groups} groups")
        return self


class Extract(OneColumn):
    """Keeps of a value what a regular expression matches: its first group, the whole match where it has none.

    `group` names another (0 is the whole match). Without a match the value goes by `on_failure` (`no_match`); a group
    that takes no part in the match gives an empty value.
    """

    kind: Literal["extract"]
    expression: RegularExpressionText
    group: int | None = Field(default=None, ge=0, le=20)
    shows = Shown(
        example={"kind": "extract", "field": "Order", "expression": "#([0-9]+)", "into": "Order number"},
        before={"Order": "Order #123 of May"},
        after={"Order": "Order #123 of May", "Order number": "123"},
    )

    @model_validator(mode="after")
    def _group_is_there(self) -> "Extract":
        groups = regular_expression(self.expression).groups
        if self.group is not None and self.group > groups:
            raise ValueError(f"found the group {self.group}, but the regular expression has {groups}")
        return self
