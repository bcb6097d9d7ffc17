"""What the tests of the merge share: a bench with an account's properties, onto which rows are put and merged."""

import io
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from shared.domain.built_in import OWN
from shared.domain.goal import ImportGoal
from shared.domain.identifier import key_of
from shared.domain.property import Property
from shared.storage import merge, properties, staging
from shared.storage.columns import quoted
from shared.storage.database import Database, Tx
from shared.storage.merge import LateReject, Merged
from shared.storage.merge_work import Work
from shared.storage.named_rejects import profiles_named
from shared.storage.staging import Staged
from tests.builders import claimed_run

Row = Mapping[str, Any]


@dataclass(frozen=True)
class MergedWithRejects(Merged):
    """The outcome of a merge, and the rows that it rejected."""

    late_rejects: tuple[LateReject, ...] = ()
    named: tuple[tuple[int, int], ...] = ()
    """Record and profile of what rejected rows name, where the goal asks."""


@dataclass
class Bench:
    """An account whose profiles are merged into."""

    database: Database
    account: UUID
    properties: list[Property] = field(default_factory=list)

    async def define(self, *new: Property) -> None:
        """Give the account's profiles properties."""
        async with self.database.account(self.account) as tx:
            for each in new:
                await properties.define(tx, each)
        self.properties += new

    async def merge(
        self,
        goal: ImportGoal,
        rows: Sequence[Row],
        *,
        group: int = 1,
        may_repeat: bool = True,
        heard_at: datetime | None = None,
    ) -> MergedWithRejects:
        """Stage rows and merge them; keys are made from the values as the importer makes them.

        As if they were an archive's, in the files of `starts_of`.
        """
        run = claimed_run(self.account)
        async with self.database.work_connection() as connection:
            async with self.database.transaction(connection, self.account) as tx:
                staged = await staging.create(tx, run, goal, self.properties)
            staged = replace(staged, may_repeat=may_repeat, member_starts=starts_of(len(rows)))
            await self.load(connection, staged, rows)
            async with self.database.transaction(connection, self.account) as tx:
                await staging.analyze(tx, staged)
                merged = await merge.merge(tx, run, staged, goal, self.properties, group, heard_at=heard_at)
                said = (goal.name, run.started_at)
                work = Work(tx, run.id, staged, goal.mode, group, tuple(self.properties), said)
                _check_members(merged)
                return replace(await _with_rejects(tx, staged, merged), named=await named(work))

    async def load(self, connection: Any, staged: Staged, rows: Sequence[Row]) -> int:
        """Put rows into a staging table; how many."""
        return await staging.load(connection, staged, _chunks(self.csv(staged.columns, rows)))

    def csv(self, names: Sequence[str], rows: Sequence[Row]) -> bytes:
        """The staging CSV of rows given as property -> value."""
        types = {each.name: each.type for each in self.properties}
        text = io.StringIO()
        for number, row in enumerate(rows, start=1):
            record = []
            for name in names:
                if name in ("record_number", "line_number"):
                    record.append(str(number + (name == "line_number")))
                    continue
                if name in OWN:
                    record.append(_written(row.get(name)))
                    continue
                kind, _, prop = name.partition("_")
                # These rows are whole: what they lack they have nothing of.
                value = row.get(prop) if kind != "a" else False
                if value is not None and kind == "k" and prop in types:
                    value = key_of(value, types[prop])
                record.append(_written(value))
            text.write(",".join(record) + "\n")
        return text.getvalue().encode()

    async def profiles(self, *names: str, group: int = 1) -> list[dict[str, Any]]:
        """All profiles, oldest first, with the named properties."""
        select = ", ".join(f"{quoted('p_' + name)} AS {quoted(name)}" for name in names)
        async with self.database.account(self.account) as tx:
            rows = await tx.connection.fetch(
                f"SELECT {select} FROM {tx.schema}.profiles WHERE domain_group = $1 ORDER BY id", group
            )
        return [dict(row) for row in rows]

    async def empty(self) -> None:
        """Forget all profiles."""
        async with self.database.account(self.account) as tx:
            await tx.connection.execute(f"TRUNCATE {tx.schema}.profiles")

    async def versions(self) -> list[tuple[Any, ...]]:
        """Where each profile lies and who wrote it last: equal before and after for one that was not touched."""
        async with self.database.account(self.account) as tx:
            return [tuple(row) for row in await _versions(tx)]


def starts_of(rows: int) -> tuple[int, ...]:
    """The first records of four files of an archive with so many rows: nothing, a half, the other, nothing."""
    return (1, 1, rows // 2 + 1, rows + 1)


def _check_members(merged: Merged) -> None:
    """What became of the rows of the files adds up to what became of all."""
    for name in ("created", "updated", "unchanged"):
        assert sum(getattr(each, name) for each in merged.members) == getattr(merged, name)
    for name in ("skipped_by_reason", "late_rejects_by_code"):
        assert sum((Counter(getattr(each, name)) for each in merged.members), Counter()) == getattr(merged, name)


async def named(work: Work) -> tuple[tuple[int, int], ...]:
    """Record and profile of what rejected rows name; nothing where the goal does not ask."""
    if not work.staged.names_rejects:
        return ()
    rows = await work.tx.connection.fetch(work.filled(profiles_named(work)))
    return tuple(sorted((row["record_number"], row["id"]) for row in rows))


async def _with_rejects(tx: Tx, staged: Staged, merged: Merged) -> MergedWithRejects:
    late: list[LateReject] = []
    if merged.late_rejects_by_code:
        async for part in merge.late_rejects(tx, staged):
            late += part
    assert Counter(each.code.value for each in late) == merged.late_rejects_by_code
    plain = {each.name: getattr(merged, each.name) for each in fields(merged)}
    return MergedWithRejects(**plain, late_rejects=tuple(late))


async def _versions(tx: Tx) -> list[Any]:
    return await tx.connection.fetch(
        f"SELECT ctid, xmin::text, changed_xid::text, updated_at, updated_by_run FROM {tx.schema}.profiles ORDER BY id"
    )


async def _chunks(data: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


def _written(value: Any) -> str:
    """A field of the CSV: nothing at all is null, an empty text is quoted."""
    if value is None:
        return ""
    if isinstance(value, list):
        value = "{" + ",".join('"' + entry.replace("\\", "\\\\").replace('"', '\\"') + '"' for entry in value) + "}"
    return '"' + str(value).replace('"', '""') + '"'
