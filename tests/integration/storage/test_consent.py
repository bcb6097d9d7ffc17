"""What a word about consent does to a profile in any state."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from shared.storage import consent, events
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


EVENTS: dict[str, tuple[str, dict[str, str]]] = {
    "hard": ("bounced", {"kind": "hard"}),
    "soft": ("bounced", {"kind": "soft"}),
    "of no kind": ("bounced", {}),
    "unsubscribed": ("unsubscribed", {}),
    "complained": ("complained", {}),
}
LATE = EARLY + timedelta(days=30)
_LATE_NO = (False, LATE, "api", "unsubscribed", LATE)
AFTER: dict[str, dict[str, tuple[Any, ...]]] = {
    "undefined": {
        "hard": (None, None, None, "bounced", LATE),
        "unsubscribed": _LATE_NO,
        "complained": (None, None, None, "complained", LATE),
    },
    "consenting": {
        "hard": (True, EARLY, "shop", "bounced", LATE),
        "unsubscribed": _LATE_NO,
        "complained": (True, EARLY, "shop", "complained", LATE),
    },
    "bounced": {
        "hard": (True, EARLY, "shop", "bounced", LATE),
        "unsubscribed": _LATE_NO,
        "complained": (True, EARLY, "shop", "complained", LATE),
    },
    "unsubscribed": {
        "unsubscribed": _LATE_NO,
        "complained": (False, EARLY, "shop", "complained", LATE),
    },
    "complained": {"unsubscribed": (False, LATE, "api", "complained", EARLY)},
    "erased": {},
}
"""What a profile is after an event of LATE, where that is not what it was."""


async def test_events_suppress_unless_a_weightier_reason_stands_or_a_later_consent(
    database: Database, account: UUID
) -> None:
    async with database.account(account) as tx:
        asked = {(state, event): await _profile(tx, facts) for state, facts in STATES.items() for event in EVENTS}
        since = {event: await _profile(tx, (True, NOW, "shop", None, None)) for event in EVENTS}
        # Without an own id each is a new event, so that telling it again is not what keeps things as they are.
        told = [(number, event, LATE) for (_, event), number in asked.items()]
        told += [(number, event, LATE) for event, number in since.items()]
    async with database.account(account) as tx:
        await _happen(tx, told)
        assert await consent.suppress(tx, run_id=None, source="api") == {
            "bounced": 3,
            "unsubscribed": 5,
            "complained": 5,
        }
    for _ in range(2):
        async with database.account(account) as tx:
            for (state, event), number in asked.items():
                expected = AFTER[state].get(event, STATES[state])
                assert (await _state(tx, number))[:5] == expected, (state, event)
                is_noted = expected[3:] != STATES[state][3:]
                assert (await _noted(tx, number) is not None) == is_noted, (state, event)
            complained = (True, NOW, "shop", "complained", LATE)
            for event, number in since.items():
                now = complained if event == "complained" else (True, NOW, "shop", None, None)
                assert (await _state(tx, number))[:5] == now, event
        async with database.account(account) as tx:
            await _happen(tx, told)
            assert await consent.suppress(tx, run_id=None, source="again") == {}, "what was said before changes nothing"


async def test_of_several_events_the_weightiest_stays_and_none_is_later_than_now(
    database: Database, account: UUID
) -> None:
    async with database.account(account) as tx:
        both, to_come = [await _profile(tx, STATES["consenting"]) for _ in "ab"]
        await _happen(tx, [(both, "complained", LATE), (both, "hard", NOW), (both, "unsubscribed", LATE)])
        await _happen(tx, [(to_come, "unsubscribed", datetime(9999, 1, 1, tzinfo=UTC))])
        await consent.suppress(tx, run_id=RUN, source="Responses")
        assert await _state(tx, both) == (False, LATE, "Responses", "complained", NOW, RUN)
        assert (await _state(tx, to_come))[4].year < 9999


async def test_what_unsubscribes_notes_when_it_did(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        ids = {name: await _profile(tx, state) for name, state in STATES.items()}
        chosen = f"(SELECT p.id FROM {tx.schema}.profiles p)"
        await consent.unsubscribe(tx, chosen, run_id=RUN, source="Full file", at=NOW)
        noted = {name for name, number in ids.items() if await _noted(tx, number) is not None}
    assert noted == {"undefined", "consenting", "bounced"}


async def _happen(tx: Tx, told: list[tuple[int, str, datetime]]) -> None:
    """So many events, by profile, kind and time."""
    arrived = [
        events.Arrived(EVENTS[kind][0], None, number, at, None, EVENTS[kind][1], {}) for number, kind, at in told
    ]
    await events.record(tx, 1, arrived)


async def _noted(tx: Tx, number: int) -> Any:
    return await tx.connection.fetchval(f"SELECT suppressed_xid FROM {tx.schema}.profiles WHERE id = $1", number)
