"""What one process at a time does for all, by a lease that runs out. Writes `duties` and `watches`."""

from uuid import UUID

from shared.storage.database import Database, Tx


async def hold_duty(database: Database, duty: str, holder: str, seconds: float) -> bool:
    """Take or keep a duty for so long; False when another holds it."""
    async with database.watching() as watch:
        return await watch.row("leases.hold_duty", duty, holder, seconds) is not None


async def lay_down_duty(database: Database, duty: str, holder: str) -> None:
    """Give a duty up at once, so that another need not wait for it to run out."""
    async with database.watching() as watch:
        await watch.execute("leases.lay_down_duty", duty, holder)


async def take_watch(tx: Tx, connection_id: UUID, holder: str, seconds: float) -> bool:
    """Take the look at a connection for so long; False when another looks."""
    return await tx.row("leases.take_watch", tx.account_id, connection_id, holder, seconds) is not None


async def keep_watch(tx: Tx, connection_id: UUID, holder: str, seconds: float) -> bool:
    """The look goes on for so long; False where it ran out: what it saw may be old by now."""
    return await tx.execute("leases.keep_watch", tx.account_id, connection_id, holder, seconds) > 0


async def leave_watch(tx: Tx, connection_id: UUID, holder: str) -> None:
    """The look is over."""
    await tx.execute("leases.leave_watch", tx.account_id, connection_id, holder)


async def forget_duties(database: Database) -> None:
    """Free every duty: only for who knows that no other process lives."""
    async with database.watching() as watch:
        await watch.execute("leases.forget_duties")


async def forget_watches(tx: Tx) -> None:
    """Free every connection of the account: only for who knows that no poller lives."""
    await tx.execute("leases.forget_watches", tx.account_id)
