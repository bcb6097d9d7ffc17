"""Accounts: the tenants. Writes `accounts` (but for `served_at`, the ledger's, and `schema_version`, migrate's).

A transaction sees one account only, so a list is made of identities from the watching role and one read each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage import domain_groups, integrations
from shared.storage.database import Database, Record, Session, Tx
from shared.storage.migrate import migrate_account

OPERATOR = UUID(int=0)
"""The operator's own account: it has keys and nothing else."""


@dataclass(frozen=True, slots=True)
class Account:
    """A tenant."""

    id: UUID
    name: str
    local_directories: tuple[str, ...]
    """Which of the operator's directories it may use."""
    version: int
    created_at: datetime


async def create(tx: Tx, name: str, local_directories: Sequence[str] = ()) -> Account:
    """Make the account that the transaction was opened for, with a new identity: its schema and domain group too."""
    await tx.execute("accounts.insert", tx.account_id, name, list(local_directories))
    await domain_groups.create(tx, domain_groups.DEFAULT)
    await integrations.begin(tx)
    await migrate_account(tx)
    account = await get(tx)
    assert account is not None
    return account


async def get(tx: Tx) -> Account | None:
    """The transaction's account; None for one that does not exist and for the operator's."""
    return _account(await tx.row("accounts.get", tx.account_id))


async def lock(tx: Tx) -> Account | None:
    """The same, held until the transaction ends."""
    return _account(await tx.row("accounts.lock", tx.account_id))


async def change(tx: Tx, name: str, local_directories: Sequence[str]) -> Account:
    """Give the transaction's account other settings: a new version. The caller holds it by `lock`."""
    await tx.execute("accounts.change", tx.account_id, name, list(local_directories))
    account = await get(tx)
    assert account is not None
    return account


async def ids(
    watch: Session,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[UUID]:
    """Identities of accounts, oldest first; `after` is (created_at, id) of the last one seen."""
    created_at, account_id = after or (None, None)
    rows = await watch.fetch("accounts.page", created_at, account_id, limit, since, until)
    return [row["account_id"] for row in rows]


async def page(
    database: Database,
    after: tuple[datetime, UUID] | None,
    limit: int,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[Account]:
    """Accounts, oldest first; one short transaction each, because no query crosses accounts."""
    async with database.watching() as watch:
        account_ids = await ids(watch, after, limit, since=since, until=until)
    found = []
    for account_id in account_ids:
        async with database.account(account_id, read_only=True) as tx:
            account = await get(tx)
        if account is not None:
            found.append(account)
    return found


def _account(row: Record | None) -> Account | None:
    if row is None or row["is_operator"]:
        return None
    return Account(row["account_id"], row["name"], tuple(row["local_directories"]), row["version"], row["created_at"])
