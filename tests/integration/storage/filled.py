"""A row in every shared table for each of some accounts, made from the catalogue: a new table is filled by itself.

Rows are written past all walls and foreign keys, and are plausible to the checks only: what counts is whose they are.
"""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

NOT_WALLED = {
    "schema_versions": "which migrations were applied",
    "secret_keys": "identities of keys that seal",
    "host_keys": "what the hosted SFTP server shows to everybody",
    "host_sessions": "who holds a session of a partner's host; hosts and logins as hashes",
    "partner_logins": "how logins at partners' servers went; logins as keyed hashes",
    "duties": "which process does what is done for all",
}
"""Tables without row-level security, and what they hold instead of a tenant's data."""

BY_TYPE = {
    "uuid": "gen_random_uuid()",
    "text": "'x'",
    "integer": "1",
    "bigint": "1",
    "boolean": "false",
    "jsonb": "'{}'",
    "timestamp with time zone": "now()",
    "bytea": "decode(repeat('00', 32), 'hex')",
    "text[]": "'{}'",
}
BY_COLUMN = {
    "api_keys.prefix": "gen_random_uuid()::text",
    "credentials.username": "gen_random_uuid()::text",
    "credentials.public_key": "'ssh-ed25519 AAAA'",
    "uploads.state": "'open'",
    "arrivals.state": "'waiting'",
    "runs.kind": "'import'",
    "runs.arrival_id": "gen_random_uuid()",
    "mails.about_kind": "'run'",
    "inquiries.kind": "'verify'",
    "kept_files.kind": "'sample'",
    "samples.state": "'fetching'",
    "openpgp_keys.kind": "'password'",
    "ssh_keys.name": "gen_random_uuid()::text",
    "ssh_keys.fingerprint": "gen_random_uuid()::text",
    "openpgp_keys.name": "gen_random_uuid()::text",
    "openpgp_keys.password_sealed": "decode(repeat('00', 32), 'hex')",
}
"""Where a type's plain value does not pass the table's checks."""

_COLUMNS = """
SELECT c.relname AS of_table, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type,
    a.attnotnull AND d.adbin IS NULL AS is_needed
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relnamespace = 'tidegate'::regnamespace AND c.relkind IN ('r', 'p')
ORDER BY c.relname, a.attnum
"""


@dataclass(frozen=True, slots=True)
class Shelves:
    """The walled tables with their columns, and the accounts that have a row in each."""

    columns: dict[str, dict[str, Any]]
    ours: UUID
    theirs: UUID

    @property
    def tables(self) -> list[str]:
        """Every table that is behind a wall."""
        return list(self.columns)


async def columns_of(connection: Any) -> dict[str, dict[str, Any]]:
    """The catalogue's rows by table and column, of every table that should be behind a wall."""
    found: dict[str, dict[str, Any]] = {}
    for row in await connection.fetch(_COLUMNS):
        if row["of_table"] not in NOT_WALLED:
            found.setdefault(row["of_table"], {})[row["name"]] = row
    return found


async def fill(superuser: Any, ours: UUID, theirs: UUID) -> Shelves:
    """Two accounts with a row in every table, whatever is there already. Fails naming a table that it cannot fill."""
    columns = await columns_of(superuser)
    await superuser.execute("SET session_replication_role = replica")
    for table in columns:
        for account_id in (ours, theirs):
            known = await superuser.fetchval(f"SELECT count(*) FROM tidegate.{table} WHERE account_id = $1", account_id)
            if not known:
                await _insert(superuser, table, columns[table], account_id)
    return Shelves(columns, ours, theirs)


async def _insert(superuser: Any, table: str, columns: dict[str, Any], account_id: UUID) -> None:
    values = {"account_id": "$1"}
    for name, column in columns.items():
        known = BY_COLUMN.get(f"{table}.{name}")
        if name != "account_id" and (known or column["is_needed"]):
            values[name] = known or BY_TYPE[column["type"]]
    try:
        await superuser.execute(
            f"INSERT INTO tidegate.{table} ({', '.join(values)}) VALUES ({', '.join(values.values())})", account_id
        )
    except asyncpg.PostgresError as error:
        raise AssertionError(f"say in BY_COLUMN what may stand in tidegate.{table}: {error}") from error
