"""Properties that every profile has: nobody defines them, and nobody can take them away.

`language` and `permission_level` are mapped like any other property. What a file says about consent has a setting of
its own, `opt_in`, so these two are not offered to a mapping.
"""

from collections.abc import Mapping

from shared.domain.property import Property, PropertyType

LANGUAGE = Property(name="language", type=PropertyType.TEXT, label="Contact language", is_built_in=True)
"""The language to write to a person in: a tag of BCP 47."""

PERMISSION_LEVEL = Property(
    name="permission_level",
    type=PropertyType.SINGLE_CHOICE,
    label="Permission level",
    choices=("0", "1", "2"),
    is_built_in=True,
)
"""How much may be kept of a person: 0 nothing, 1 what is anonymous, 2 personal data."""

SYSTEM_ID = Property(name="system_id", type=PropertyType.INTEGER, is_identifier=True, is_built_in=True)
"""The number that Tidegate gave a profile, its `id` in the API: profiles are found by it, and nothing sets it."""

OFFERED = (LANGUAGE, PERMISSION_LEVEL)
RESERVED_NAMES = frozenset(each.name for each in (*OFFERED, SYSTEM_ID))

OPT_IN = Property(name="opt_in", type=PropertyType.BOOLEAN, is_built_in=True)
CONSENT_AT = Property(name="consent_at", type=PropertyType.DATETIME, is_built_in=True)

OWN = {each.name: each for each in (OPT_IN, CONSENT_AT, LANGUAGE)}
"""What settings of a goal go into, rather than its mapping, by name."""


def identifier_named(name: str, known: Mapping[str, Property]) -> Property | None:
    """The property that an identifier means: one of the account's own first, from before the name was reserved."""
    return known.get(name) or (SYSTEM_ID if name == SYSTEM_ID.name else None)
