"""What a file says about consent, merged, against a model.

Every state of a profile meets every word and every two words, under every setting; and files that chance made, one
after another, whose people may be new, have one identifier or two, and are opted in or out by column or all together.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.domain.consent import Declaration, Resubscribe
from shared.domain.goal import ImportGoal
from shared.domain.merge import MergeRule, Mode
from shared.domain.opt_in import ConsentTime, OptIn
from shared.domain.property import Property, PropertyType
from shared.storage import consent, merge_first
from shared.storage.database import Database
from shared.storage.merge import Merged
from tests.builders import import_goal
from tests.integration.storage.consent_model import Consent, Word, heard, is_withheld, voice
from tests.integration.storage.merging import Bench

DAYS = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=number) for number in range(5)]
HEARD_AT = DAYS[2] + timedelta(hours=1)
IDENTIFIERS = ("customer", "email")
STATES = [
    None,
    Consent(),
    Consent(True, DAYS[0], "shop"),
    Consent(True, DAYS[3], "shop"),
    Consent(False, DAYS[2], "shop", "unsubscribed", DAYS[2]),
    Consent(None, None, None, "bounced", DAYS[2]),
    Consent(True, DAYS[3], "shop", "bounced", DAYS[0]),
    Consent(False, DAYS[0], "shop", "bounced", DAYS[0]),
    Consent(None, None, None, "complained", DAYS[2]),
    Consent(True, DAYS[0], "shop", "erased", DAYS[2]),
    Consent(False, DAYS[0], "shop", "erased", DAYS[0]),
]
"""None is a person who is not known."""


@dataclass(frozen=True)
class File:
    """One file, and what its goal says."""

    mode: Mode
    opt_in: OptIn
    rows: list[dict[str, Any]]


def _states() -> st.SearchStrategy[Consent]:
    days = st.sampled_from(DAYS)
    yes = st.builds(lambda at: Consent(True, at, "shop"), days)
    none = st.just(Consent())
    no = st.builds(lambda at: Consent(False, at, "shop", "unsubscribed", at), days)
    other = st.builds(
        lambda before, why, at: Consent(before.opt_in, before.consent_at, before.consent_source, why, at),
        none | yes,
        st.sampled_from(["bounced", "complained", "erased"]),
        days,
    )
    return none | yes | no | other


def _files() -> st.SearchStrategy[File]:
    def opt_in(declaration: Declaration, resubscribe: Resubscribe) -> OptIn:
        is_from_file = declaration is Declaration.FROM_FILE
        says_yes = declaration is not Declaration.UNSUBSCRIBE_EVERYONE
        return OptIn(
            declaration=declaration,
            field="opt_in" if is_from_file else None,
            resubscribe=resubscribe if says_yes else Resubscribe.NEVER,
            time=ConsentTime(field="consent_at"),
        )

    rows = st.fixed_dictionaries(
        {
            "customer": st.sampled_from(["a", "b", "c", "d"]),
            "name": st.none() | st.sampled_from(["x", "y"]),
            "opt_in": st.none() | st.booleans(),
            "consent_at": st.none() | st.sampled_from(DAYS),
        }
    )
    # Undefined has no column of its own, and is what all other tests of the merge have.
    declarations = st.sampled_from(
        [Declaration.FROM_FILE] * 4 + [Declaration.EVERYONE, Declaration.UNSUBSCRIBE_EVERYONE]
    )
    return st.builds(
        File,
        st.sampled_from([Mode.UPSERT, Mode.UPSERT, Mode.CREATE_ONLY, Mode.UPDATE_ONLY]),
        st.builds(opt_in, declarations, st.sampled_from(Resubscribe)),
        st.lists(rows, min_size=1, max_size=8),
    )


@pytest_asyncio.fixture
async def bench(database: Database, account: UUID, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """An account with two identifiers; the way of an empty account is taken even by the smallest file."""
    monkeypatch.setattr(merge_first, "LEAST_ROWS", 1)
    made = Bench(database, account)
    await made.define(
        *(Property(name=name, type=PropertyType.TEXT, is_identifier=True) for name in IDENTIFIERS),
        Property(name="name", type=PropertyType.TEXT),
    )
    return made


@settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # each example empties the account first
)
@given(
    stored=st.dictionaries(st.sampled_from(["a", "b", "c"]), _states()),
    files=st.lists(_files(), min_size=1, max_size=2),
    is_resolved=st.booleans(),
)
async def test_consent_is_merged_as_the_model_says(
    bench: Bench, stored: dict[str, Consent], files: list[File], is_resolved: bool
) -> None:
    await bench.empty()
    await _store(bench, stored)
    people = {customer: ("old", consent) for customer, consent in stored.items()}
    for file in files:
        goal = import_goal(
            IDENTIFIERS if is_resolved else IDENTIFIERS[:1],
            {"name": MergeRule.SET},
            mode=file.mode,
            opt_in=file.opt_in,
        )
        rows = [_as_staged(row, goal) for row in file.rows]
        merged = await bench.merge(goal, rows, heard_at=HEARD_AT)
        assert _counts(merged) == _merged(people, rows, goal)
        assert await _stored(bench) == people


@pytest.mark.parametrize("resubscribe", Resubscribe)
async def test_every_state_meets_every_word_and_every_two(bench: Bench, resubscribe: Resubscribe) -> None:
    words = [*product((True, False), (None, DAYS[0], DAYS[2], DAYS[4])), (None, DAYS[4])]
    three = ((False, DAYS[0]), (False, None), (True, DAYS[2]))
    said = [*((word,) for word in words), *product(words, repeat=2), three]
    cases = {f"{number}": case for number, case in enumerate(product(STATES, said))}
    rows = [
        {"customer": customer, "name": None, "opt_in": says, "consent_at": at}
        for customer, (_, spoken) in cases.items()
        for says, at in spoken
    ]
    opt_in = OptIn(
        declaration=Declaration.FROM_FILE, field="opt_in", resubscribe=resubscribe, time=ConsentTime(field="consent_at")
    )
    for mode in Mode:
        await bench.empty()
        stored = {customer: state for customer, (state, _) in cases.items() if state is not None}
        await _store(bench, stored)
        people = {customer: ("old", state) for customer, state in stored.items()}
        goal = import_goal(IDENTIFIERS[:1], {"name": MergeRule.SET}, mode=mode, opt_in=opt_in)
        merged = await bench.merge(goal, rows, heard_at=HEARD_AT)
        assert _counts(merged) == _merged(people, rows, goal)
        assert await _stored(bench) == people
        before = {customer: _suppression(stored.get(customer)) for customer in people}
        assert await _noted(bench) == {
            customer for customer, (_, state) in people.items() if _suppression(state) != before[customer]
        }


def _suppression(state: Consent | None) -> tuple[Any, ...]:
    return (None, None) if state is None else (state.suppression, state.suppressed_at)


async def _noted(bench: Bench) -> set[str]:
    """Whose suppression was changed since they were stored."""
    async with bench.database.account(bench.account) as tx:
        query = f"SELECT p_customer FROM {tx.schema}.profiles WHERE suppressed_xid = changed_xid"
        return {row[0] for row in await tx.connection.fetch(query)}


def _counts(merged: Merged) -> dict[str, int]:
    return {
        "created": merged.created,
        "updated": merged.updated,
        "unchanged": merged.unchanged,
        "skipped": sum(merged.skipped_by_reason.values()),
        "affected": merged.profiles_affected,
        **merged.opt_ins_withheld,
    }


def _as_staged(row: dict[str, Any], goal: ImportGoal) -> dict[str, Any]:
    constant = goal.opt_in.constant
    return row | ({} if constant is None else {"opt_in": constant})


def _merged(people: dict[str, tuple[str, Consent]], rows: list[dict[str, Any]], goal: ImportGoal) -> dict[str, int]:
    """Merge rows into the people, and say what became of them."""
    counts: Counter[str] = Counter()
    resubscribe = goal.opt_in.resubscribe
    for customer in dict.fromkeys(row["customer"] for row in rows):
        mine = [row for row in rows if row["customer"] == customer]
        before = people.get(customer)
        is_known = before is not None
        name, consent = before or ("", Consent())
        words: list[Word] = [(row["opt_in"], row["consent_at"]) for row in mine if row["opt_in"] is not None]
        word = voice(words, resubscribe)
        is_new_name = [row["name"] for row in mine if row["name"] is not None][-1:] if _is_named(goal, is_known) else []
        applies = word is not None and not (is_known and goal.mode is Mode.CREATE_ONLY and word[0])
        if not is_known and goal.mode is Mode.UPDATE_ONLY:
            counts["skipped"] += len(mine)
            continue
        after = (is_new_name or [name])[0], consent
        if applies and word is not None:
            if is_withheld(consent, word, resubscribe):
                counts[str(consent.suppression)] += 1
            after = (
                after[0],
                heard(consent, word, heard_at=HEARD_AT, source="Nightly contacts", resubscribe=resubscribe),
            )
        people[customer] = after
        outcome = "created" if not is_known else "updated" if after != before else "unchanged"
        if outcome == "unchanged" and goal.mode is Mode.CREATE_ONLY:
            outcome = "skipped"
        counts[outcome] += len(mine)
        counts["affected"] += outcome in ("created", "updated")
    zeros = dict.fromkeys(("created", "updated", "unchanged", "skipped", "affected"), 0)
    return zeros | {name: number for name, number in counts.items() if number}


def _is_named(goal: ImportGoal, is_known: bool) -> bool:
    return not (is_known and goal.mode is Mode.CREATE_ONLY)


async def _store(bench: Bench, people: dict[str, Consent]) -> None:
    async with bench.database.account(bench.account) as tx:
        await tx.connection.executemany(
            f"INSERT INTO {tx.schema}.profiles (domain_group, p_customer, k_customer, p_name, "
            f"{', '.join(consent.WRITTEN)}) VALUES (1, $1, $1, 'old', $2, $3, $4, $5, $6)",
            [(customer, *asdict(state).values()) for customer, state in people.items()],
        )


async def _stored(bench: Bench) -> dict[str, tuple[str, Consent]]:
    async with bench.database.account(bench.account) as tx:
        rows = await tx.connection.fetch(
            f"SELECT p_customer, p_name, {', '.join(consent.WRITTEN)} FROM {tx.schema}.profiles"
        )
    return {row[0]: (row[1] or "", Consent(*tuple(row)[2:])) for row in rows}
