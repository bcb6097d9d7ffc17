"""The migrations end at the schemas that are checked in.

After a migration was added, write the files anew and review them with it:
TIDEGATE_UPDATE_SCHEMA=1 python -m pytest tests/architecture/test_schema.py
"""

import os
from importlib.resources import files
from pathlib import Path
from uuid import UUID

import pytest

from shared.storage import catalogue
from shared.storage.database import Database


@pytest.mark.parametrize("family", ["shared", "account"])
def test_no_two_migrations_have_one_number(family: str) -> None:
    """What is already at a number never gets the second one of it."""
    folder = files("shared.storage") / "migrations" / family
    names = [entry.name for entry in folder.iterdir() if entry.name.endswith(".sql")]
    assert sorted(int(name.split("_", 1)[0]) for name in names) == list(range(1, len(names) + 1)), sorted(names)


async def test_the_shared_migrations_end_at_the_schema_that_is_checked_in(database: Database) -> None:
    async with database.watching() as session:
        _compare("shared", await catalogue.described(session, "tidegate"))


async def test_an_accounts_migrations_end_at_the_schema_that_is_checked_in(database: Database, account: UUID) -> None:
    async with database.account(account) as tx:
        _compare("account", await catalogue.described(tx, tx.schema.strip('"')))


def _compare(family: str, found: str) -> None:
    if os.environ.get("TIDEGATE_UPDATE_SCHEMA"):
        Path(str(files("shared.storage") / "schema" / f"{family}.txt")).write_text(found, "utf-8")
    assert found == catalogue.expected(family), f"the migrations of {family} end at another schema; see this file's top"
