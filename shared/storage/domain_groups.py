"""Domain groups: parts of an account with profiles of their own. Writes `domain_groups`."""

from shared.domain.failures import InvalidGoal
from shared.storage.database import Tx

DEFAULT = "default"
"""Every account has this one, as number 1."""


async def create(tx: Tx, name: str) -> int:
    """Add a domain group; its number within the account."""
    return int(await tx.value("domain_groups.insert", tx.account_id, name))


async def number_of(tx: Tx, name: str) -> int:
    """The number that profiles of the group carry. Raises InvalidGoal for a name that is not there."""
    number: int | None = await tx.value("domain_groups.number_of", tx.account_id, name)
    if number is None:
        raise InvalidGoal(f"Found domain group {name!r}, expected one of: {', '.join((await names(tx)).values())}.")
    return number


async def names(tx: Tx) -> dict[int, str]:
    """The names of all domain groups by their numbers, in order."""
    return {row["number"]: row["name"] for row in await tx.fetch("domain_groups.list", tx.account_id)}
