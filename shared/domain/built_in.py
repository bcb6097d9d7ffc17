"""Properties that every profile has: nobody defines them, and nobody can take them away.

`language` and `permission_level` are mapped like any other property. What a file says about consent has a setting of
its own, `opt_in`, so these two are not offered to a mapping.
"""

from collections.abc import Mapping

from shared.domain.consent import Suppression
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

CONSENT_SOURCE = Property(name="consent_source", type=PropertyType.TEXT, is_built_in=True)
SUPPRESSION = Property(
    name="suppression",
    type=PropertyType.SINGLE_CHOICE,
    choices=tuple(each.value for each in Suppression),
    is_built_in=True,
)
"""Why nobody writes to a person."""
SUPPRESSED_AT = Property(name="suppressed_at", type=PropertyType.DATETIME, is_built_in=True)
CREATED_AT = Property(name="created_at", type=PropertyType.DATETIME, is_built_in=True)
UPDATED_AT = Property(name="updated_at", type=PropertyType.DATETIME, is_built_in=True)

SHOWN = {
    each.name: each
    for each in (
        SYSTEM_ID,
        LANGUAGE,
        PERMISSION_LEVEL,
        OPT_IN,
        CONSENT_AT,
        CONSENT_SOURCE,
        SUPPRESSION,
        SUPPRESSED_AT,
        CREATED_AT,
        UPDATED_AT,
    )
}
"""What can be shown of every profile, by name. Names that an account has given to its own properties mean those."""

SHOWN_OF_GROUPS = {each.name: each for each in (SYSTEM_ID, CREATED_AT, UPDATED_AT)}
"""What can be shown of every group, by name; properties of groups that have such a name mean those."""

OWN = {each.name: each for each in (OPT_IN, CONSENT_AT, LANGUAGE)}
"""What settings of a goal go into, rather than its mapping, by name."""


def shown_named(name: str, known: Mapping[str, Property]) -> Property | None:
    """The property that a column shows: one of the account's own first."""
    return known.get(name) or SHOWN.get(name)


def shown_of_group_named(name: str, known: Mapping[str, Property]) -> Property | None:
    """The property of groups that a column shows: one of the account's own first."""
    return known.get(name) or SHOWN_OF_GROUPS.get(name)


def identifier_named(name: str, known: Mapping[str, Property]) -> Property | None:
    """The property that an identifier means: one of the account's own first, from before the name was reserved."""
    return known.get(name) or (SYSTEM_ID if name == SYSTEM_ID.name else None)
