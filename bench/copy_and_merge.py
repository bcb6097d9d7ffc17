"""Copy and merge alone: a file that was parsed before goes through the importer's own staging and merge."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from bench.generate import Made
from bench.goal import PROPERTIES, goal
from shared.domain.run import ClaimedRun
from shared.formats.csv_reader import CsvReader
from shared.formats.text import as_utf8
from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from shared.processing.repeats import Repeats
from shared.processing.typing import apply, staging_csv
from shared.storage import accounts, columns, properties, staging
from shared.storage.database import Database, schema_of
from shared.storage.merge import merge

CHUNK_BYTES = 1 << 20
MAX_BYTES = 100 << 30


@dataclass(frozen=True, slots=True)
class Took:
    """Seconds of each part."""

    copy: float
    analyze: float
    merge: float
    commit: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.copy + self.analyze + self.merge + self.commit


async def make_account(database: Database) -> UUID:
    """A fresh account with the benchmark's properties."""
    account_id = uuid4()
    async with database.account(account_id) as tx:
        await accounts.create(tx, "Benchmark")
        for each in PROPERTIES:
            await properties.define(tx, each)
    return account_id


async def rest(dsn: str, account_id: UUID) -> None:
    """What autovacuum does by itself within a minute or two, so that it does not fall into a measurement."""
    await _as_superuser(dsn, f"VACUUM (ANALYZE) {schema_of(account_id)}.profiles")


async def empty(dsn: str, account_id: UUID) -> None:
    """Give the space back."""
    await _as_superuser(dsn, f"TRUNCATE {schema_of(account_id)}.profiles")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the importer copies for a file, and what it knows of it by then."""

    path: Path
    may_repeat: bool


def parse(file: Path, target: Path) -> Parsed:
    """Read and type a file, in the layout of its staging table."""
    wanted, repeats = goal(), Repeats()
    layout = columns.layout_of(wanted, PROPERTIES)
    with file.open("rb") as plain, target.open("wb") as out:
        source = as_utf8(plain, wanted.dialect.encoding)
        reader = CsvReader(source, wanted.dialect)
        plan = plan_of(wanted, PROPERTIES, FileColumns.of(reader.header, reader.width))
        for batch in reader:
            typed = apply(batch.frame, batch.record_numbers, batch.line_numbers, plan)
            repeats.watch(typed.good[layout.keys[0].name])
            out.write(staging_csv(typed.good.select(layout.names)))
    return Parsed(target, repeats.may_be())


async def copy_and_merge(database: Database, dsn: str, account_id: UUID, parsed: Parsed, made: Made) -> Took:
    """Stage, merge and commit. Raises RuntimeError where the counts are not those of the generator."""
    run, wanted = _run_of(account_id), goal()
    await _as_superuser(dsn, "CHECKPOINT")
    async with database.work_connection() as connection:
        began = time.perf_counter()
        async with database.transaction(connection, account_id) as tx:
            staged = replace(await staging.create(tx, run, wanted, PROPERTIES), may_repeat=parsed.may_repeat)
        await staging.load(connection, staged, _chunks(parsed.path))
        copied = time.perf_counter()
        async with database.transaction(connection, account_id) as tx:
            await staging.analyze(tx, staged)
        analyzed = time.perf_counter()
        async with database.transaction(connection, account_id) as tx:
            merged = await merge(tx, run, staged, wanted, PROPERTIES, 1)
            ready = time.perf_counter()
        committed = time.perf_counter()
        async with database.transaction(connection, account_id) as tx:
            await staging.drop(tx, staged)
    found = (merged.created, merged.updated, merged.unchanged)
    if found != (made.created, made.updated, made.unchanged):
        raise RuntimeError(f"found created, updated, unchanged = {found}, expected those of {made}")
    return Took(copied - began, analyzed - copied, ready - analyzed, committed - ready)


async def _as_superuser(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _run_of(account_id: UUID) -> ClaimedRun:
    """A run that the ledger does not know: nothing here is fenced."""
    now = datetime.now(UTC)
    return ClaimedRun(
        id=uuid4(),
        account_id=account_id,
        goal_id=uuid4(),
        goal_version=1,
        connection_id=uuid4(),
        arrival_id=None,
        attempt=1,
        token=1,
        queued_at=now,
        started_at=now,
    )


async def _chunks(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while chunk := source.read(CHUNK_BYTES):
            yield chunk
