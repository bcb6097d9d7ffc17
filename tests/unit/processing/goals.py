"""Goals and properties for these tests, short to say."""

from collections.abc import Mapping
from typing import Any

from shared.domain.goal import ImportGoal
from shared.domain.property import Property, PropertyType


def goal(
    identifiers: list[dict[str, Any]],
    mapping: list[dict[str, Any]] | None = None,
    dialect: Mapping[str, Any] | None = None,
    **changes: Any,
) -> ImportGoal:
    """An import goal with nothing but what these tests are about."""
    return ImportGoal.model_validate(
        {
            "name": "goal",
            "source": {"pattern": {"wildcard": "*.csv"}},
            "opt_in": {"declaration": "undefined"},
            "identifiers": identifiers,
            "mapping": mapping or [],
            "dialect": dict(dialect or {}),
            **changes,
        }
    )


def properties(*identifiers: str, **kinds: str) -> list[Property]:
    """Properties by name and type; those named first are identifiers."""
    return [
        Property(name=name, type=PropertyType(kind), is_identifier=name in identifiers) for name, kind in kinds.items()
    ]
