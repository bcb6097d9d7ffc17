"""Merge rules and modes: what a value of the file does to the value that is stored."""

from enum import StrEnum

from shared.domain.property import PropertyType


class MergeRule(StrEnum):
    """What a value of the file does to the stored one."""

    SET = "set"
    SET_IF_EMPTY = "set_if_empty"
    SET_OR_CLEAR = "set_or_clear"
    ADD = "add"
    SUM = "sum"


class Mode(StrEnum):
    """Which profiles an import may touch."""

    UPSERT = "upsert"
    CREATE_ONLY = "create_only"
    UPDATE_ONLY = "update_only"
    ALWAYS_CREATE = "always_create"
    """Every row makes a profile; none is looked for, so the goal has no identifiers."""


def allowed(rule: MergeRule, kind: PropertyType, *, is_identifier: bool) -> bool:
    """Whether a rule makes sense on a property: sum on numbers, add on lists, only set on an identifier."""
    if is_identifier:
        return rule is MergeRule.SET
    if rule is MergeRule.SUM:
        return kind in (PropertyType.INTEGER, PropertyType.NUMBER)
    if rule is MergeRule.ADD:
        return kind.is_many
    return True
