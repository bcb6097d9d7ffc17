"""The account of the benchmark: its properties, and the goal that imports its files with all five merge rules."""

from typing import Any

from shared.domain.goal import ImportGoal
from shared.domain.property import Property, PropertyType

PROPERTIES = (
    Property(name="email", type=PropertyType.EMAIL, is_identifier=True),
    Property(name="first_name", type=PropertyType.TEXT),
    Property(name="last_name", type=PropertyType.TEXT),
    Property(name="phone", type=PropertyType.TEXT),
    Property(name="city", type=PropertyType.TEXT),
    Property(name="country", type=PropertyType.TEXT),
    Property(name="birth_date", type=PropertyType.DATE),
    Property(name="points", type=PropertyType.INTEGER),
    Property(name="revenue", type=PropertyType.NUMBER),
    Property(name="active", type=PropertyType.BOOLEAN),
    Property(name="tags", type=PropertyType.LIST),
    Property(name="seen_at", type=PropertyType.DATETIME),
)
_RULES = {
    "first_name": "set",
    "last_name": "set",
    "phone": "set_if_empty",
    "city": "set_or_clear",
    "country": "set",
    "birth_date": "set_if_empty",
    "points": "sum",
    "revenue": "sum",
    "active": "set_or_clear",
    "tags": "add",
    "seen_at": "set",
}

GOAL: dict[str, Any] = {
    "kind": "import_profiles",
    "name": "Contacts",
    "source": {"pattern": {"wildcard": "*.csv"}, "readiness": {"strategy": "closed"}},
    "identifiers": [{"field": "email", "property": "email"}],
    "mapping": [{"field": name, "property": name, "rule": rule} for name, rule in _RULES.items()],
    "opt_in": {"declaration": "undefined"},
    "feedback": {"when": "never"},
}
"""As an API client sends it."""

SMALLEST: dict[str, Any] = {
    "kind": "import_profiles",
    "name": "Addresses",
    "source": {"pattern": {"wildcard": "*.csv"}},
    "identifiers": [{"field": "email", "property": "email"}],
    "mapping": [{"field": "first_name", "property": "first_name"}],
    "opt_in": {"declaration": "undefined"},
}
"""A goal of which no file comes."""


def goal() -> ImportGoal:
    """The same goal as the importer has it."""
    return ImportGoal.model_validate(GOAL)
