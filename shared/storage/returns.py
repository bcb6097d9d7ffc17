"""What runs that have ended owe their senders: rejects and acknowledgements in drop folders. Writes `run_returns`.

Asked for in the transaction that ends the run, done afterwards by whoever holds it, fenced by a token of its own.
Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.contracts.runs import ReturnRequested
from shared.domain.failures import LeaseLost
from shared.storage import outbox
from shared.storage.database import Session, Tx


@dataclass(frozen=True, slots=True)
class Held:
    """One of them in hand."""

    account_id: UUID
    run_id: UUID
    token: int
    attempt: int
    """1, 2, ... since the run ended."""
    stem: str | None
    """How the paths of its files begin, where that was settled before."""


async def ask(tx: Tx, run_id: UUID, traceparent: str | None = None) -> None:
    """Have an ended run's rejects put back where its goal says so; the importer hears of it after the commit."""
    if await tx.row("returns.ask", tx.account_id, run_id) is not None:
        await outbox.put(tx, ReturnRequested(**outbox.heading(tx, traceparent), run_id=run_id))


async def begin(tx: Tx, run_id: UUID, lease_seconds: float) -> Held | None:
    """Take it; None where nothing is owed, where it waits, or where another does it."""
    row = await tx.row("returns.begin", tx.account_id, run_id, lease_seconds)
    return None if row is None else Held(tx.account_id, run_id, **dict(row))


async def keep(tx: Tx, held: Held, lease_seconds: float) -> None:
    """Go on holding it. Raises LeaseLost."""
    if await tx.row("returns.keep", tx.account_id, held.run_id, held.token, lease_seconds) is None:
        raise LeaseLost


async def name(tx: Tx, held: Held, stem: str, looked_at: datetime) -> bool:
    """Settle how its files are called; False where another run's are about to be, or are since it was looked.

    The caller holds the connection.
    """
    return await tx.row("returns.name", tx.account_id, held.run_id, held.token, stem, looked_at) is not None


async def postpone(
    tx: Tx, held: Held, seconds: float, code: str, *, is_attempt: bool = True, longest_seconds: float = 0
) -> None:
    """It did not work, and the sweeper rings again after so long; up to the longest where it was not even tried."""
    told = (held.token, seconds, code, is_attempt, longest_seconds)
    await tx.execute("returns.postpone", tx.account_id, held.run_id, *told)


async def end(
    tx: Tx, held: Held, state: Literal["returned", "failed"], files: Sequence[str], code: str | None = None
) -> bool:
    """It is done, or given up; False where it is no longer ours, and nothing was changed."""
    row = await tx.row("returns.end", tx.account_id, held.run_id, held.token, state, list(files), code)
    return row is not None


async def unreturned(
    watch: Session, seconds: float, at_most: int = 200, *, of_one_account: int = 50
) -> list[tuple[UUID, UUID]]:
    """(account, run) whose return was asked for so long ago, and at which nobody works; accounts in turn."""
    found = await watch.fetch("returns.unreturned", seconds, at_most, of_one_account)
    return [(row["account_id"], row["run_id"]) for row in found]


async def leave_behind(tx: Tx, connection_id: UUID) -> None:
    """The connection is taken away: what was to be put there is given up."""
    await tx.execute("returns.leave_behind", tx.account_id, connection_id)
