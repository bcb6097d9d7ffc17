"""Domain groups: parts of an account with profiles of their own. Writes `domain_groups`."""

from dataclasses import dataclass
from datetime import datetime

from shared.domain.failures import AlreadyExists, InvalidGoal, NotFound, TooManyDomainGroups
from shared.storage.database import Tx

DEFAULT = "default"
"""Every account has this one, as number 1."""


MAX_GROUPS = 1_000
"""Of one account. More are accounts of their own."""


@dataclass(frozen=True, slots=True)
class DomainGroup:
    """A part of an account, as it is stored."""

    number: int
    name: str
    created_at: datetime


async def create(tx: Tx, name: str) -> DomainGroup:
    """Add a domain group. Raises AlreadyExists, and TooManyDomainGroups where the account has as many as it can."""
    await tx.execute("domain_groups.lock_account", tx.account_id)
    row = await tx.row("domain_groups.insert", tx.account_id, name)
    if row is None:
        raise AlreadyExists(f"Found the domain group {name!r} already.")
    if row["number"] > MAX_GROUPS:
        raise TooManyDomainGroups
    return DomainGroup(**dict(row))


async def get(tx: Tx, name: str) -> DomainGroup:
    """One domain group. Raises NotFound."""
    row = await tx.row("domain_groups.get", tx.account_id, name)
    if row is None:
        raise NotFound
    return DomainGroup(**dict(row))


async def page(tx: Tx, *, after: int, limit: int) -> list[DomainGroup]:
    """Domain groups in the order of their numbers; `after` is 0 at the start."""
    rows = await tx.fetch("domain_groups.page", tx.account_id, after, limit)
    return [DomainGroup(**dict(row)) for row in rows]


async def number_of(tx: Tx, name: str) -> int:
    """The number that profiles of the group carry. Raises InvalidGoal for a name that is not there."""
    number: int | None = await tx.value("domain_groups.number_of", tx.account_id, name)
    if number is None:
        raise InvalidGoal(f"Found domain group {name!r}, expected one of: {', '.join((await names(tx)).values())}.")
    return number


async def names(tx: Tx) -> dict[int, str]:
    """The names of all domain groups by their numbers, in order."""
    return {row["number"]: row["name"] for row in await tx.fetch("domain_groups.list", tx.account_id)}
