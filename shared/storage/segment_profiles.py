"""Who fulfils a condition: counted, or some of them shown. Reads only; exports select by themselves.

A question may take so long and no longer: whoever asks waits for the answer, and the database works for others too.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from shared.domain.askable import Askable
from shared.domain.condition import Node
from shared.domain.failures import SegmentTooSlow
from shared.domain.property import Property
from shared.storage import columns
from shared.storage.answer_time import ANSWER_SECONDS, NoAnswer, answered_within
from shared.storage.conditions import SqlCondition, compiled
from shared.storage.database import Tx
from shared.storage.statements import statement


@dataclass(frozen=True, slots=True)
class Found:
    """A profile that fulfils a condition; `values` by property name, None where there is none."""

    id: int
    domain_group: int
    values: dict[str, Any]


async def count(tx: Tx, condition: Node, known: Askable, *, now: datetime, domain_group: int | None) -> int:
    """How many profiles of a domain group, or of all, fulfil a condition. Raises InvalidCondition, SegmentTooSlow."""
    asked = compiled(condition, known, schema=tx.schema, now=now, first_parameter=2)
    async with _in_time(tx):
        rows = await _asked(tx, "segments.count_profiles", "", asked, domain_group)
    return int(rows[0]["count"])


async def some(
    tx: Tx,
    condition: Node,
    known: Askable,
    shown: Sequence[Property],
    *,
    now: datetime,
    domain_group: int | None,
    limit: int,
) -> list[Found]:
    """The first profiles that fulfil a condition, with some properties. Raises InvalidCondition, SegmentTooSlow."""
    asked = compiled(condition, known, schema=tx.schema, now=now, first_parameter=3)
    selected = "".join(f", {columns.value_of(each)} AS {columns.quoted(each.column)}" for each in shown)
    async with _in_time(tx):
        rows = await _asked(tx, "segments.some_profiles", selected, asked, domain_group, limit)
    return [Found(row["id"], row["domain_group"], {each.name: row[each.column] for each in shown}) for row in rows]


async def _asked(tx: Tx, name: str, selected: str, asked: SqlCondition, *first: object) -> list[asyncpg.Record]:
    await tx.execute("segments.plan_anew")
    text = statement(name).replace("{schema}", tx.schema).replace("{columns}", selected)
    return await tx.connection.fetch(text.replace("{condition}", asked.text), *first, *asked.parameters)


@asynccontextmanager
async def _in_time(tx: Tx) -> AsyncIterator[None]:
    try:
        async with answered_within(tx):
            yield
    except NoAnswer as error:
        raise SegmentTooSlow(f"Found no answer within {ANSWER_SECONDS:.0f} seconds.") from error
