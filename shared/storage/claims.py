"""Claiming the ledger's runs: accounts in turn, goals in order, and what keeps a goal's runs from beginning.

A claim gives a token; every later change of the run is fenced by it (runs.py). Writes `runs` and `run_leases`.
"""

from datetime import UTC, datetime
from uuid import UUID

from pydantic import TypeAdapter

from shared.domain.blackout import Blackout, blackout_until
from shared.domain.run import ClaimedRun, PassedOver
from shared.observe.failpoints import reach
from shared.storage.database import Database, Record, Tx
from shared.storage.runs import LEASE_SECONDS

PAUSED = "paused"
BLACKOUT = "blackout"
"""Why a run in the queue is not begun."""
_BLACKOUTS: TypeAdapter[tuple[Blackout, ...]] = TypeAdapter(tuple[Blackout, ...])
GOALS_AT_ONCE = 50
"""How many goals a claim looks at before it asks for more."""


async def claim(
    database: Database,
    kind: str,
    worker: str,
    lease_seconds: float = LEASE_SECONDS,
    *,
    passed_over: PassedOver | None = None,
) -> ClaimedRun | None:
    """Claim the next run of a kind, accounts in turn, goals in order; None when there is nothing to do."""
    left = passed_over or PassedOver()
    wanted = (list(left.accounts), list(left.connections), not left.tried_before)
    seen = 0
    held_back: set[UUID] = set()
    while True:
        async with database.watching() as watch:
            goals = await watch.fetch("claims.runnable_goals", kind, GOALS_AT_ONCE, seen, *wanted)
        for goal in goals:
            async with database.account(goal["account_id"]) as tx:
                is_open = await _is_open(tx, goal["goal_id"])
                claimed = await _claim_head(tx, goal["goal_id"], worker, lease_seconds) if is_open else None
                if claimed is not None:
                    reach(f"{kind}er.claiming")
            if claimed is not None:
                return claimed
            if is_open is False and goal["goal_id"] not in held_back:
                # It stands there no longer, and others have moved up.
                held_back.add(goal["goal_id"])
            else:
                seen += 1
        # The watching role does not see names: where times are equal, a goal can look free that is held. Many of
        # these must not hide the others.
        if len(goals) < GOALS_AT_ONCE:
            return None


async def _claim_head(tx: Tx, goal_id: UUID, worker: str, lease_seconds: float) -> ClaimedRun | None:
    row = await tx.row("claims.claim_head", tx.account_id, goal_id)
    if row is None:
        return None
    await tx.execute("claims.take_lease", tx.account_id, row["run_id"], row["token"], worker, lease_seconds)
    await tx.execute("claims.serve_account", tx.account_id)
    facts = dict(row)
    return ClaimedRun(id=facts.pop("run_id"), account_id=tx.account_id, **facts)


async def _is_open(tx: Tx, goal_id: UUID) -> bool | None:
    """Whether runs of a goal may begin now, held so; else they are told so. None while others are at it."""
    gate = await tx.row("claims.lock_goal", tx.account_id, goal_id)
    if gate is None or _why_shut(gate) is None:
        return None if gate is None else True
    gate = await tx.row("claims.lock_gate", tx.account_id, goal_id)
    if gate is None:
        return None
    why = _why_shut(gate)
    if why is None:
        return True
    await tx.execute("claims.hold_back", tx.account_id, goal_id, *why)
    return False


def _why_shut(gate: Record) -> tuple[datetime | None, str, str] | None:
    """Until when nothing of a goal may begin, or with None until somebody resumes it; as code and in words."""
    if gate["is_paused"]:
        return None, PAUSED, "The goal or its connection is switched off."
    windows = _BLACKOUTS.validate_python(gate["blackouts"]) if gate["blackouts"] else ()
    until = blackout_until(windows, datetime.now(UTC))
    return None if until is None else (until, BLACKOUT, f"Nothing is begun until {until:%Y-%m-%dT%H:%M:%SZ}.")


async def let_go(tx: Tx, *, goal_id: UUID | None = None, connection_id: UUID | None = None) -> None:
    """A goal, or a connection, was resumed or has other windows: what waited for that is judged again when claimed."""
    await tx.execute("claims.let_go", tx.account_id, goal_id, connection_id)
