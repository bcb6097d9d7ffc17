"""What each connection has exchanged, in the account's own schema. Writes `exchange_totals` and `exchange_sets`.

A run is counted in the transaction that completes it, and so once. Whose data it was is a set that only grows, a bit
for each profile: who comes again is there already, and who is deleted later was exchanged nevertheless (numbers of
profiles are never given twice). Runs of one connection meet in these rows, so they are written behind everything else
of the transaction but its end: then a run waits for another's commit, and not for its merge. Nothing here commits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.storage.database import Tx
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Blocks:
    """A set of profiles: number `block` * 64 + n is in it where the block has bit n. Each block once."""

    numbers: Sequence[int]
    bits: Sequence[int]


@dataclass(frozen=True, slots=True)
class Exchange:
    """What one run exchanged, but for whose data it was."""

    files: int
    rows: int
    """Of the files, without headers, whatever became of them."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Totals:
    """What all completed runs of one kind have exchanged through a connection."""

    profiles: int
    """Each counted once, however often it came or went."""
    runs: int
    files: int
    rows: int
    size_bytes: int
    first_at: datetime
    last_at: datetime


async def add(tx: Tx, connection_id: UUID, kind: str, exchange: Exchange, profiles: Blocks | str) -> None:
    """Count a run of a kind that completes in this transaction; to be asked last but for the run's end.

    `profiles` may be a quoted table of the transaction with `block` and `bits`.
    """
    is_table = isinstance(profiles, str)
    source = f"{profiles} b" if is_table else statement("exchanges.given")
    given = () if isinstance(profiles, str) else (profiles.numbers, profiles.bits)
    text = statement("exchanges.add_profiles").replace("{blocks}", source).replace("{schema}", tx.schema)
    await tx.connection.execute(text, connection_id, kind, *given)
    await tx.execute("exchanges.add_run", connection_id, kind, exchange.files, exchange.rows, exchange.size_bytes)


async def totals(tx: Tx, connection_id: UUID) -> dict[str, Totals]:
    """What a connection has exchanged, by kind of run; a kind of which none has completed is left out."""
    found = {}
    for row in await tx.fetch("exchanges.totals", connection_id):
        facts = dict(row)
        kind = facts.pop("kind")
        found[kind] = Totals(**facts)
    return found


async def forget(tx: Tx, connection_id: UUID) -> None:
    """A connection is taken away."""
    await tx.execute("exchanges.forget_profiles", connection_id)
    await tx.execute("exchanges.forget_totals", connection_id)
