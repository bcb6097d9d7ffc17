"""Failed logins at hosted folders, and who is shut out for them, shared by all replicas. Writes `login_scores`.

A score counts failures and decays. What is counted for a network alone is the operator's; for a user name, or for
one from a network, its account's. What limits mean and who is let in nevertheless is the guard's business.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shared.domain.failures import NotFound
from shared.storage.database import Database, Record, Tx

MOST_UNWELCOME = 20_000
"""Networks that a server refuses without asking; the others are refused when they log in."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How many failures are borne, how long they count, and how long who exceeds them is shut out."""

    failures: float = 20
    """Of a network."""
    user_failures: float = 50
    """Of a user name, from everywhere where it is not known. Where it is, it is slowed and never shut out."""
    half_life_seconds: float = 600
    ban_seconds: float = 900
    known_seconds: float = 90 * 86_400
    """For how long a user name is known where it logged in."""


PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class Standing:
    """How the scores stand for a user name that comes from a network."""

    address_score: float = 0
    address_is_banned: bool = False
    user_score: float = 0
    user_is_banned: bool = False
    pair_score: float = 0
    is_known: bool = False
    """Whether the user name has logged in from there before."""
    is_familiar: bool = False
    """Whether it did so within the last hour."""


@dataclass(frozen=True, slots=True)
class Looked:
    """Whose user name it is, if anybody's, and how the scores stand."""

    account_id: UUID | None
    credential_id: UUID | None
    standing: Standing
    is_resting: bool = False
    """The account has paused hosted folders, or switched them off."""


Subject = tuple[str, str]
"""A user name and a network, either of which may be empty."""


async def look(database: Database, username: str, network: str, patience: Patience = PATIENCE) -> Looked:
    """Both in one statement: a login must not cost several."""
    async with database.watching() as watch:
        seconds = (patience.half_life_seconds, patience.known_seconds)
        row = await watch.row("login_scores.look", username, network, *seconds)
    assert row is not None
    facts = dict(row)
    is_resting = facts.pop("is_resting")
    return Looked(facts.pop("account_id"), facts.pop("credential_id"), Standing(**facts), is_resting)


async def unwelcome(database: Database, patience: Patience = PATIENCE) -> frozenset[str]:
    """Networks that are shut out and from which nobody has ever logged in."""
    async with database.watching() as watch:
        rows = await watch.fetch("login_scores.unwelcome", patience.known_seconds, MOST_UNWELCOME)
    return frozenset(row["network"] for row in rows)


async def add(tx: Tx, failures: Mapping[Subject, int], patience: Patience = PATIENCE) -> None:
    """So many more failures of each; whoever has too many is shut out. Forgets what is old on the way."""
    await tx.execute("login_scores.forget_old", tx.account_id, patience.known_seconds)
    await tx.execute(
        "login_scores.add",
        tx.account_id,
        [username for username, _ in failures],
        [network for _, network in failures],
        [float(count) for count in failures.values()],
        patience.failures,
        patience.user_failures,
        patience.ban_seconds,
        patience.half_life_seconds,
    )


async def welcome(tx: Tx, subjects: Collection[Subject]) -> None:
    """Good logins of these user names from these networks."""
    names, networks = [username for username, _ in subjects], [network for _, network in subjects]
    await tx.execute("login_scores.welcome", tx.account_id, names, networks)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted against a user name, a network, or the one from the other; an empty one is any."""

    id: UUID
    username: str
    network: str
    score: float
    banned_at: datetime | None
    banned_until: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class CountedFilter:
    """Which to list; None is any. `after` is the (created_at, id) of the last one seen."""

    is_banned: bool | None = None
    username: str | None = None
    after: tuple[datetime, UUID] | None = None


async def page(tx: Tx, chosen: CountedFilter, limit: int, patience: Patience = PATIENCE) -> list[Counted]:
    """What is counted now within the transaction's account, oldest first."""
    created_at, score_id = chosen.after or (None, None)
    rows = await tx.fetch(
        "login_scores.page",
        tx.account_id,
        chosen.is_banned,
        chosen.username,
        created_at,
        score_id,
        limit,
        patience.half_life_seconds,
    )
    return [_counted(row) for row in rows]


async def lift(tx: Tx, score_id: UUID) -> Counted:
    """Count nothing against it any more. Raises NotFound."""
    row = await tx.row("login_scores.lift", tx.account_id, score_id)
    if row is None:
        raise NotFound
    return _counted(row)


def _counted(row: Record) -> Counted:
    facts = dict(row)
    return Counted(id=facts.pop("score_id"), **facts)
