"""What a word about consent does to a profile in any state."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.storage import consent
from shared.storage.consent import Unsubscribed
from shared.storage.database import Database, Tx

EARLY = datetime(2024, 1, 1, tzinfo=UTC)
NOW = EARLY + timedelta(days=90)
RUN = uuid4()
STATES: dict[str, tuple[Any, ...]] = {
    "undefined": (None, None, None, None, None),
    "consenting": (True, EARLY, "shop", None, None),
    "bounced": (True, EARLY, "shop", "bounced", EARLY),
    "unsubscribed": (False, EARLY, "shop", "unsubscribed", EARLY),
    "complained": (None, None, None, "complained", EARLY),
    "erased": (False, EARLY, "shop", "erased", EARLY),
}
"""opt_in, consent_at, consent_source, suppression, suppressed_at."""


async def test_to_be_unsubscribed_leaves_a_weightier_reason_and_who_is_so_already(
    database: Database, account: UUID
) -> None:
    async with database.account(account) as tx:
        ids = {name: await _profile(tx, state) for name, state in STATES.items()}
        stays = await _profile(tx, STATES["consenting"])
        chosen = f"(SELECT p.id FROM {tx.schema}.profiles p WHERE p.id <> {stays})"
        assert await consent.unsubscribe(tx, chosen, run_id=RUN, source="Full file", at=NOW) == Unsubscribed(4, 0)
        found = {name: await _state(tx, number) for name, number in ids.items()}
        assert await _state(tx, stays) == (*STATES["consenting"], None)
        assert await consent.unsubscribe(tx, chosen, run_id=RUN, source="Full file", at=NOW) == Unsubscribed(0, 0)
    new = (False, NOW, "Full file", "unsubscribed", NOW, RUN)
    assert found == {
        "undefined": new,
        "consenting": new,
        "bounced": new,
        "unsubscribed": (*STATES["unsubscribed"], None),
        "complained": (False, NOW, "Full file", "complained", EARLY, RUN),
        "erased": (*STATES["erased"], None),
    }


async def _profile(tx: Tx, state: tuple[Any, ...]) -> int:
    number: int = await tx.connection.fetchval(
        f"INSERT INTO {tx.schema}.profiles (domain_group, opt_in, consent_at, consent_source, suppression, "
        "suppressed_at) VALUES (1, $1, $2, $3, $4, $5) RETURNING id",
        *state,
    )
    return number


async def _state(tx: Tx, number: int) -> tuple[Any, ...]:
    row = await tx.connection.fetchrow(
        "SELECT opt_in, consent_at, consent_source, suppression, suppressed_at, updated_by_run "
        f"FROM {tx.schema}.profiles WHERE id = $1",
        number,
    )
    assert row is not None
    return tuple(row)
