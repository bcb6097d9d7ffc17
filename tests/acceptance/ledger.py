"""The ledger as it stands in the database, read past all walls, and what must be true of it after every case."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from tests.eventually import eventually

OPEN = ("queued", "running", "waiting")
ENDED = ("completed", "completed_with_rejects", "failed", "skipped", "cancelled", "undone")

_RUNS = """
SELECT r.run_id, r.kind, r.state, r.waits_for, r.reason_code, r.attempt, r.token, r.order_at, r.order_name, r.queued_at,
    r.started_at, r.finished_at, r.rows_read, r.rows_created, r.rows_updated, r.rows_unchanged, r.rows_skipped,
    r.rows_rejected, r.receipt, r.arrival_id, r.goal_id, r.goal_version, r.delivered_name, a.path
FROM tidegate.runs r LEFT JOIN tidegate.arrivals a USING (account_id, arrival_id)
WHERE r.account_id = $1 ORDER BY r.order_at, r.order_name, r.queued_at
"""
_ARRIVALS = """
SELECT arrival_id, path, size_bytes, modified_at, sighting, state, upload_id, reason_code, reason_detail, sha256,
    settled_as, settled_path, settled_at, vanished_at
FROM tidegate.arrivals WHERE account_id = $1 ORDER BY seen_at, path
"""
_STAGED = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relpersistence = 'u' AND c.relkind = 'r'
"""
_LEFT_BEHIND = """
SELECT 'lease of ' || l.run_id FROM tidegate.run_leases l JOIN tidegate.runs r USING (account_id, run_id)
WHERE l.account_id = $1 AND r.state <> 'running'
UNION ALL
SELECT 'backend ' || b.pid || ' of ' || b.run_id
FROM tidegate.run_backends b JOIN tidegate.runs r USING (account_id, run_id)
WHERE b.account_id = $1 AND r.state <> 'running'
UNION ALL
SELECT 'return of ' || run_id FROM tidegate.run_returns WHERE account_id = $1 AND state = 'asked'
UNION ALL
SELECT 'password of ' || o.arrival_id FROM tidegate.one_shots o JOIN tidegate.runs r USING (account_id, arrival_id)
WHERE o.account_id = $1 AND o.password_sealed IS NOT NULL AND r.finished_at IS NOT NULL
UNION ALL
SELECT 'unsent ' || name FROM tidegate.outbox WHERE account_id = $1 AND sent_at IS NULL
"""


class Ledger:
    """One account's part of the ledger."""

    def __init__(self, connection: Any, account_id: UUID) -> None:
        self._connection = connection
        self._account_id = account_id

    async def reconnect(self, superuser_dsn: str) -> None:
        """Leave the connection for a new one."""
        self._connection.terminate()
        self._connection = await asyncpg.connect(superuser_dsn, timeout=10)

    async def close(self) -> None:
        """Close the connection."""
        await self._connection.close(timeout=10)

    async def runs(self) -> list[dict[str, Any]]:
        """All runs, in the order in which their goals take them."""
        found = [dict(row) for row in await self._connection.fetch(_RUNS, self._account_id)]
        for each in found:
            each["receipt"] = None if each["receipt"] is None else json.loads(each["receipt"])
        return found

    async def runs_of(self, name: str) -> list[dict[str, Any]]:
        """The runs of every file that lay under that name, oldest first."""
        return [each for each in await self.runs() if (each["path"] or "").rpartition("/")[2] == name]

    async def arrivals(self) -> list[dict[str, Any]]:
        """Every file that was seen."""
        return [dict(row) for row in await self._connection.fetch(_ARRIVALS, self._account_id)]

    async def notifications(self) -> list[str]:
        """The codes of what people should know, oldest first."""
        query = "SELECT code FROM tidegate.notifications WHERE account_id = $1 ORDER BY created_at"
        return [row["code"] for row in await self._connection.fetch(query, self._account_id)]

    async def mails(self) -> list[tuple[str, str, str]]:
        """What people are told by mail: (about what kind of thing, in which of its states, state of the mail)."""
        query = "SELECT about_kind, about_state, state FROM tidegate.mails WHERE account_id = $1 ORDER BY created_at"
        return [tuple(row) for row in await self._connection.fetch(query, self._account_id)]

    async def left_behind(self) -> list[str]:
        """What must not be there when nothing runs: staged rows, leases, connections and unsent messages."""
        schema = f"account_{self._account_id.hex}"
        staged = [f"staged {row['relname']}" for row in await self._connection.fetch(_STAGED, schema)]
        return staged + [row[0] for row in await self._connection.fetch(_LEFT_BEHIND, self._account_id)]

    async def forget_looks(self) -> None:
        """Put every look at the account's places off."""
        query = "UPDATE tidegate.connections SET next_look_at = now() + interval '1 day' WHERE account_id = $1"
        await self._connection.execute(query, self._account_id)

    async def told_of(self, goal_id: str) -> int:
        """How many profiles the goal's last delivered export told of."""
        schema = f"account_{self._account_id.hex}"
        query = f"SELECT sum(bit_count(bits::bit(64))) FROM {schema}.export_sets WHERE goal_id = $1::uuid"
        return int(await self._connection.fetchval(query, goal_id) or 0)

    async def make_due(self) -> None:
        """The time of every goal has come."""
        await self._connection.execute(
            "UPDATE tidegate.dues SET due_at = now() WHERE account_id = $1", self._account_id
        )

    async def seen(self) -> "Seen":
        """All of it as it stands at one moment."""
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            return Seen(await self.runs(), await self.arrivals(), await self.left_behind())

    async def is_quiet(self) -> bool:
        """Whether it is quiet at this moment."""
        return (await self.seen()).is_quiet

    async def shown(self) -> str:
        """All of it for people, one row a line."""
        rows = [*await self.arrivals(), *await self.runs()]
        told = [{name: value for name, value in row.items() if value is not None and name != "receipt"} for row in rows]
        return "\n".join(json.dumps(row, default=str) for row in told)


@dataclass(frozen=True, slots=True)
class Seen:
    """The ledger at one moment: a look begins whenever it is due, so that two reads may be of two states of things."""

    runs: list[dict[str, Any]]
    arrivals: list[dict[str, Any]]
    left_behind: list[str]

    @property
    def is_quiet(self) -> bool:
        """Whether no run is queued or running, every ended arrival's file is marked, and nothing is left behind."""
        busy = [each for each in self.runs if each["state"] in ("queued", "running") or each["waits_for"] == "retry"]
        waiting = {each["arrival_id"] for each in self.runs if each["state"] in OPEN}
        unmarked = [each for each in self.arrivals if each["state"] == "accepted" and each["arrival_id"] not in waiting]
        return not busy and not unmarked and not self.left_behind


async def await_quiet(ledger: Ledger, limit_seconds: float) -> None:
    """Wait until nothing is left to do, and check that very moment for what must always be true."""
    quiet: list[Seen] = []

    async def is_quiet() -> bool:
        seen = await ledger.seen()
        quiet[:] = [seen] if seen.is_quiet else []
        return bool(quiet)

    await eventually(is_quiet, "a quiet ledger", limit_seconds=limit_seconds, every_seconds=0.1)
    check_invariants(quiet[0])


async def assert_invariants(ledger: Ledger) -> None:
    """The same of this moment, where nobody is at work any more."""
    check_invariants(await ledger.seen())


def check_invariants(seen: Seen) -> None:
    """What must be true of a quiet ledger after every case, however it went."""
    assert seen.left_behind == []
    of_arrival: dict[UUID, list[dict[str, Any]]] = {}
    for run in seen.runs:
        of_arrival.setdefault(run["arrival_id"], []).append(run)
        _check_run(run)
    for arrival in seen.arrivals:
        _check_arrival(arrival, of_arrival.get(arrival["arrival_id"], []))


def _check_run(run: dict[str, Any]) -> None:
    counts = ("created", "updated", "unchanged", "skipped", "rejected")
    assert run["rows_read"] == sum(run[f"rows_{name}"] for name in counts), run
    if run["state"] not in ENDED and run["waits_for"] != "approval":
        return
    receipt = run["receipt"]
    assert receipt is not None, run
    assert receipt["state"] == run["state"], run
    assert receipt["rows_read"] == run["rows_read"], run
    for name in counts:
        assert receipt[name] == run[f"rows_{name}"], run
    if run["state"] in ("failed", "skipped", "cancelled", "waiting"):
        assert receipt["reason"]["code"] == run["reason_code"], run


def _check_arrival(arrival: dict[str, Any], runs: list[dict[str, Any]]) -> None:
    """Every file has an end or a reason."""
    if arrival["state"] in ("waiting", "unmatched"):
        assert arrival["reason_code"], arrival
        assert not runs, arrival
    elif arrival["state"] == "accepted":
        assert any(run["state"] in OPEN for run in runs), arrival
    elif arrival["state"] == "settled":
        assert runs, arrival
        assert all(run["state"] in ENDED for run in runs), arrival
        assert arrival["settled_as"], arrival


@asynccontextmanager
async def open_ledger(superuser_dsn: str, account_id: UUID) -> AsyncIterator[Ledger]:
    """Read the ledger while inside."""
    ledger = Ledger(await asyncpg.connect(superuser_dsn, timeout=10), account_id)
    try:
        yield ledger
    finally:
        await ledger.close()
