"""What those ask of runs who watch over all of them: the sweeper, and who measures. Writes `runs`, `run_leases`."""

from uuid import UUID

from shared.storage.database import Session, Tx


async def lost(watch: Session) -> list[tuple[UUID, UUID, int]]:
    """Runs whose worker is gone, also those that it ended before: (account, run, token)."""
    rows = [*await watch.fetch("run_watch.lost"), *await watch.fetch("run_watch.running_without_lease")]
    return [(row["account_id"], row["run_id"], row["token"]) for row in rows]


async def unheard(watch: Session, seconds: float) -> list[tuple[UUID, UUID, str]]:
    """Runs that should have been claimed so long ago: (account, run, kind)."""
    return [(row["account_id"], row["run_id"], row["kind"]) for row in await watch.fetch("run_watch.unheard", seconds)]


async def held_too_long(watch: Session) -> list[tuple[UUID, UUID]]:
    """(account, run) that wait for a retry and have held their goal's later runs for as long as they may."""
    return [(row["account_id"], row["run_id"]) for row in await watch.fetch("run_watch.held_too_long")]


async def stop_holding(tx: Tx, run_id: UUID) -> tuple[UUID, UUID] | None:
    """Let the goal's later runs go on: (goal, connection); None where that is so already."""
    row = await tx.row("run_watch.stop_holding", tx.account_id, run_id)
    return None if row is None else (row["goal_id"], row["connection_id"])


async def mark_rung(tx: Tx, run_id: UUID) -> None:
    """The run's doorbell was rung just now."""
    await tx.execute("run_watch.mark_rung", tx.account_id, run_id)


async def totals(watch: Session) -> list[tuple[str, str, int, float]]:
    """How many runs have not ended, by kind and state, and for how many seconds the first of them is known."""
    found = await watch.fetch("run_watch.totals")
    return [(row["kind"], row["state"], row["runs"], row["age_seconds"]) for row in found]


async def successes(watch: Session) -> dict[str, float]:
    """When a run completed last, in Unix time, by kind; only kinds of which one did."""
    return {row["kind"]: row["at"] for row in await watch.fetch("run_watch.successes")}


async def expire_leases(tx: Tx) -> None:
    """Let every lease of the account run out: only for who knows that no worker lives."""
    await tx.execute("run_watch.expire_leases", tx.account_id)
