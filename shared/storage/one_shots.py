"""One-shot imports: a request names a file on a server, and becomes an arrival and a run. Writes `one_shots`.

Its server is a built-in connection, which keeps the pinned host key; who logs in is kept with the arrival, the
password sealed and only until the run ends. Its settings are a goal, one a file and user: the same again with other
settings is that goal's next version. Nothing here commits.
"""

import math
from dataclasses import dataclass
from uuid import UUID

from shared.domain.connection import Login
from shared.domain.failures import TooManyRefusals
from shared.domain.goal import ImportGoal
from shared.domain.run import Reason
from shared.observe import tracing
from shared.storage import arrivals, goals, outbox, runs
from shared.storage.connections import StoredConnection
from shared.storage.database import Database, Tx
from shared.storage.goals import StoredGoal
from shared.storage.secrets import KeyRing, Place, keep

MAX_REFUSALS = 4
"""Fewer than the five at which servers commonly ban an address or lock a user."""
REFUSED_WITHIN_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Errand:
    """What an import fetches, and as whom."""

    path: str
    username: str
    login: Login
    """Without a password once the run has ended."""
    email_position: int
    """The column that holds e-mail addresses, from 0: by it the first row is judged."""
    warnings: tuple[Reason, ...] = ()


async def goal_of_name(tx: Tx, connection: StoredConnection, name: str) -> StoredGoal | None:
    """The goal of earlier imports of that file by that user. The caller holds the connection."""
    found = await goals.page(tx, connection.id, goals.GoalFilter(name=name), 1)
    return found[0] if found else None


async def start(
    tx: Tx,
    ring: KeyRing,
    connection: StoredConnection,
    goal: ImportGoal,
    errand: Errand,
    *,
    email: str | None,
    saved_by: UUID,
) -> UUID:
    """Save the settings, and make an arrival and a run of the file; the run. The caller holds the connection."""
    known = await goal_of_name(tx, connection, goal.name)
    if known is None:
        stored = await goals.create(tx, connection.id, goal, email=email, saved_by=saved_by)
    else:
        stored = await goals.update(tx, known.id, goal, saved_by=saved_by)
    arrival_id, asked_at = await arrivals.insert_named(tx, connection.id, errand.path)
    await _keep_login(tx, ring, arrival_id, errand)
    with tracing.span("arrival", kind="sends", account_id=str(tx.account_id), arrival_id=str(arrival_id)):
        trace = tracing.traceparent()
    new = runs.NewRun("import", stored.id, asked_at, errand.path, arrival_id=arrival_id, traceparent=trace)
    run_id = await runs.create(tx, new)
    assert run_id is not None, "the arrival is new"
    await outbox.ring_run(tx, run_id, "import", trace)
    return run_id


async def _keep_login(tx: Tx, ring: KeyRing, arrival_id: UUID, errand: Errand) -> None:
    assert errand.login.password is not None
    sealed = ring.seal(errand.login.password, _place(tx, arrival_id))
    warnings = [each.model_dump(mode="json") for each in errand.warnings]
    told = (errand.username, sealed, errand.email_position, warnings)
    await tx.execute("one_shots.insert", tx.account_id, arrival_id, *told)
    await keep(tx, ring)


async def find(tx: Tx, ring: KeyRing, arrival_id: UUID, path: str) -> Errand | None:
    """What is to be fetched for an arrival; None where no request named it. Raises SecretKeyMissing; SealBroken."""
    row = await tx.row("one_shots.get", tx.account_id, arrival_id)
    if row is None:
        return None
    sealed = row["password_sealed"]
    password = None if sealed is None else ring.open(bytes(sealed), _place(tx, arrival_id))
    told = tuple(Reason.model_validate(each) for each in row["warnings"])
    return Errand(path, row["username"], Login(password=password), row["email_position"], told)


async def require_rest(tx: Tx, connection_id: UUID, username: str) -> None:
    """Raises TooManyRefusals where a server has refused so many logins lately that it must be left alone.

    It may count them by user, and lock that out, or by address, and ban ours for everybody: each request may come with
    another password, which no memory of refused ones stops.
    """
    most, within = MAX_REFUSALS, REFUSED_WITHIN_SECONDS
    seconds = await tx.value("one_shots.rest", tx.account_id, connection_id, username, most - 1, within)
    if seconds is not None:
        detail = f"Not tried: the server has refused {most} logins within {within / 60:g} minutes."
        raise TooManyRefusals(detail, retry_after_seconds=max(1, math.ceil(seconds)))


async def may_try(tx: Tx, connection_id: UUID, username: str, run_id: UUID) -> bool:
    """Whether a run may log in now, where `require_rest` has let it: each of those that are at it may be refused.

    Those of users whom the server has let in count for nothing, and those that began later wait for this one.
    """
    most, within = MAX_REFUSALS, REFUSED_WITHIN_SECONDS
    return bool(await tx.value("one_shots.may_try", tx.account_id, connection_id, username, run_id, most, within))


async def is_one(tx: Tx, arrival_id: UUID | None) -> bool:
    """Whether a request named the file of the arrival."""
    return arrival_id is not None and await tx.row("one_shots.get", tx.account_id, arrival_id) is not None


async def forget_password(tx: Tx, arrival_id: UUID) -> bool:
    """The run of the arrival ends, so nobody logs in for it any more; whether it is a one-shot import's."""
    return await tx.row("one_shots.forget", tx.account_id, arrival_id) is not None


async def forget_ended(database: Database) -> int:
    """Delete passwords that outlived their runs: services of an earlier release end runs, and know of no passwords.

    How many. One short transaction an account. Raises StorageUnavailable.
    """
    async with database.watching() as watch:
        account_ids = [row["account_id"] for row in await watch.fetch("one_shots.ended")]
    forgotten = 0
    for account_id in account_ids:
        async with database.account(account_id) as tx:
            forgotten += await tx.execute("one_shots.forget_ended", account_id)
    return forgotten


def _place(tx: Tx, arrival_id: UUID) -> Place:
    return Place(tx.account_id, "one_shots", arrival_id, "password")
