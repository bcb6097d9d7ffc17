"""PostgreSQL takes from COPY exactly what typing gave: no text is cut, no null invented, no line taken for the end."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import asyncpg
import numpy as np
import polars as pl

from shared.processing.file_columns import FileColumns
from shared.processing.mapping import plan_of
from shared.processing.typing import apply, staging_csv
from tests.real.postgres import PrivatePostgres
from tests.unit.processing.goals import goal, properties

KINDS = ("text", "integer", "number", "boolean", "date", "datetime", "list")
COLUMNS = {"text": "text", "integer": "bigint", "number": "numeric(38,10)", "boolean": "boolean", "date": "date",
           "datetime": "timestamptz", "list": "text[]"}  # fmt: skip  # a table

NAUGHTY = [
    "\\.",
    "a\n\\.\nb",
    "\\.\n",
    "\r",
    "\r\n",
    "\n",
    '"',
    '""',
    ",",
    "\\",
    "\\N",
    "NULL",
    " ",
    "\u2028",
    "😀",
    "'",
    "\t",
    "x" * 9000,
]


async def test_what_was_typed_arrives_in_the_database_as_it_was(postgres_server: PrivatePostgres) -> None:
    plan = plan_of(
        goal(
            [{"position": 0, "property": "code"}],
            [{"position": place + 1, "property": f"the_{kind}"} for place, kind in enumerate(KINDS)],
            {"header": False},
        ),
        properties("code", code="text", **{f"the_{kind}": kind for kind in KINDS}),
        FileColumns.of(None, len(KINDS) + 1),
    )
    lists = ["|".join(NAUGHTY[:6]), '{}|"|\\|NULL|null|,', "a|b|a", "{|}", ""]
    rows = [
        (
            f"c{i}",
            text,
            str(2**63 - 1 - i),
            "9" * 28 + ".0000000001",
            "yes",
            "0001-01-01",
            "9999-12-31T23:59:59.999999Z",
            lists[i % len(lists)],
        )
        for i, text in enumerate(NAUGHTY)
    ]
    frame = pl.DataFrame(rows, schema={f"c{i}": pl.String for i in range(len(KINDS) + 1)}, orient="row")
    numbers = np.arange(1, len(rows) + 1)
    typed = apply(frame, numbers, numbers, plan)
    assert not typed.rejects

    connection = await asyncpg.connect(postgres_server.superuser_dsn("postgres"), timeout=30)
    try:
        kinds = ", ".join(f"p_the_{kind} {column}" for kind, column in COLUMNS.items())
        await connection.execute(f"""CREATE TEMP TABLE staged (
            record_number bigint, line_number bigint, k_code text COLLATE "C", p_code text, {kinds})""")
        await connection.copy_to_table(
            "staged", source=io.BytesIO(staging_csv(typed.good)), format="csv", null="", columns=list(plan.staged)
        )
        found = [tuple(row) for row in await connection.fetch("SELECT * FROM staged ORDER BY record_number")]
    finally:
        await connection.close(timeout=30)

    assert found == [
        (
            i + 1,
            i + 1,
            f"c{i}",
            f"c{i}",
            text if text.strip() else None,
            2**63 - 1 - i,
            Decimal("9" * 28 + ".0000000001"),
            True,
            date(1, 1, 1),
            datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
            listed(lists[i % len(lists)]),
        )
        for i, text in enumerate(NAUGHTY)
    ]


def listed(text: str) -> list[str] | None:
    items = [item.strip() for item in text.split("|")]
    return list(dict.fromkeys(item for item in items if item)) or None
