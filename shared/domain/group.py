"""Groups: companies, households and the like, that profiles belong to. Each is of a type.

Groups have typed properties as profiles have them, the same for all types. A type says which identifier names its
groups: no two groups of the type in one domain group have the same value in it, and each has one.
"""

from pydantic import Field

from shared.domain.model import Model
from shared.domain.property import PropertyName

MAX_GROUP_TYPES = 100
"""Of one account."""
MAX_MEMBERS_AT_ONCE = 1_000
"""Put into a group, or taken out, by one request."""

GroupTypeName = PropertyName


class GroupType(Model):
    """What groups of one type are called, and what names one."""

    name: GroupTypeName
    label: str = Field(default="", max_length=200)
    identifier: PropertyName = Field(description="A property of groups that is an identifier; it stays as it is")
