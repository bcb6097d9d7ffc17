"""The watching role sees identities, states and times of all accounts, column by column, and nothing else."""

from typing import Any

import asyncpg
import pytest

from tests.integration.storage.filled import NOT_WALLED, Shelves

READABLE = {
    "accounts": "account_id created_at is_operator schema_version served_at",
    "api_keys": "account_id expires_at key_id prefix revoked_at",
    "arrivals": "accepted_at account_id arrival_id connection_id seen_at settled_at settling_until state upload_id "
    "vanished_at",
    "connections": "account_id connection_id drop_folder_id failures_in_a_row integration is_active looked_at "
    "next_look_at round_due_at stopped_code",
    "credentials": "account_id credential_id drop_folder_id revoked_at username version",
    "drop_folder_usage": "account_id cleaned_at drop_folder_id measured_at",
    "drop_folders": "account_id deleted_at drop_folder_id retention_days",
    "dues": "account_id due_at goal_id",
    "expectations": "account_id goal_id judge_at",
    "goals": "account_id connection_id deleted_at goal_id is_active kind version",
    "inquiries": "account_id asked_at inquiry_id state taken_until",
    "integrations": "account_id changed_at kind state",
    "kept_answers": "account_id created_at",
    "kept_files": "account_id expires_at kept_file_id",
    "login_scores": "account_id banned_until known_at network score scored_at username",
    "mails": "account_id attempts claimed_until mail_id next_try_at state",
    "one_shots": "account_id arrival_id forgotten_at",
    "openpgp_keys": "account_id expires_at is_revoked kind openpgp_key_id warned_days",
    "outbox": "account_id body created_at message_id name sent_at",
    "run_leases": "account_id expires_at run_id token",
    "run_returns": "account_id asked_at held_until run_id state",
    "runs": "account_id arrival_id attempt connection_id finished_at goal_id goal_version hold_until kind order_at "
    "queued_at reason_code retry_at run_id rung_at started_at state token waits_for",
    "samples": "account_id expires_at sample_id",
    "turns": "account_id asked_at begun_at connection_id goal_id in_round looked_at not_before number run_id",
    "uploads": "account_id closed_at drop_folder_id opened_at state upload_id",
    "watches": "account_id connection_id expires_at holder",
}
"""All that it may read behind the walls. `outbox.body` is a message, which holds identities only (asyncapi.yaml); a
user name of a hosted login is random, and made by us; `login_scores.network` is that of whoever guessed at logins."""
WRITABLE = {("outbox", "UPDATE", "sent_at"), ("outbox", "DELETE", None)}
NEVER = frozenset(
    "name label email recipient path settled_path delivered_name order_name settings receipt answer title detail "  # noqa: SIM905 a list would take twenty lines
    "what_to_do reason_detail stopped_detail offered_host_key created_by_email public_key sha256 "
    "findings answers content stem files".split()
)
"""Columns of people, places and contents, wherever they stand; and all that is sealed or hashed."""
ATTEMPTS = (
    "SELECT name FROM tidegate.accounts",
    "SELECT secret_sha256 FROM tidegate.api_keys",
    "SELECT settings FROM tidegate.connections",
    "SELECT password_sealed FROM tidegate.connections",
    "SELECT count(*) FROM tidegate.connections WHERE settings IS NOT NULL",
    "SELECT c FROM tidegate.connections c",
    "SELECT to_jsonb(a) FROM tidegate.arrivals a",
    "SELECT path FROM tidegate.arrivals",
    "SELECT receipt FROM tidegate.runs",
    "SELECT recipient FROM tidegate.mails",
    "SELECT title FROM tidegate.notifications",
    "UPDATE tidegate.runs SET state = 'queued'",
    "UPDATE tidegate.outbox SET body = '{}'",
    "UPDATE tidegate.outbox SET sent_at = now() RETURNING *, (SELECT name FROM tidegate.accounts LIMIT 1)",
    "DELETE FROM tidegate.arrivals",
    "COPY tidegate.connections TO STDOUT",
    "SET ROLE tidegate_service",
    "CREATE SCHEMA mine",
    "CREATE TABLE public.mine (account_id uuid)",
)

_GRANTED = """
SELECT c.relname, a.attname, p.privilege
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p (privilege)
WHERE c.relname = ANY ($1) AND c.relnamespace = 'tidegate'::regnamespace
  AND has_column_privilege('tidegate_watch', c.oid, a.attnum, p.privilege)
"""
_ON_TABLES = """
SELECT c.relname, p.privilege
FROM pg_class c CROSS JOIN unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS p (privilege)
WHERE c.relname = ANY ($1) AND c.relnamespace = 'tidegate'::regnamespace
  AND has_table_privilege('tidegate_watch', c.oid, p.privilege)
"""


async def test_it_reads_these_columns_and_no_others(superuser: Any, shelves: Shelves) -> None:
    rows = await superuser.fetch(_GRANTED, shelves.tables)
    found: dict[str, set[str]] = {}
    for row in rows:
        if row["privilege"] == "SELECT":
            found.setdefault(row["relname"], set()).add(row["attname"])
    assert found == {table: set(columns.split()) for table, columns in READABLE.items()}


async def test_none_of_them_is_of_a_person_a_place_or_a_secret(superuser: Any, shelves: Shelves) -> None:
    rows = await superuser.fetch(_GRANTED, shelves.tables)
    readable = {(row["relname"], row["attname"]) for row in rows} - {("outbox", "name")}
    assert not [each for each in readable if each[1] in NEVER or each[1].endswith(("_sealed", "_sha256", "_digest"))]
    everywhere = {name for columns in shelves.columns.values() for name in columns}
    assert everywhere >= NEVER, "a column that is not there guards nothing"


async def test_it_changes_nothing_but_the_outboxs_marks(superuser: Any, shelves: Shelves) -> None:
    on_columns = await superuser.fetch(_GRANTED, shelves.tables)
    on_tables = await superuser.fetch(_ON_TABLES, shelves.tables)
    found = {(row["relname"], row["privilege"], row["attname"]) for row in on_columns if row["privilege"] != "SELECT"}
    assert found | {(row["relname"], row["privilege"], None) for row in on_tables} == WRITABLE


async def test_what_holds_nothing_of_a_tenants_it_reads_and_changes_as_little(superuser: Any) -> None:
    tables = sorted(NOT_WALLED)
    on_columns = {(row["relname"], row["privilege"]) for row in await superuser.fetch(_GRANTED, tables)}
    on_tables = {(row["relname"], row["privilege"]) for row in await superuser.fetch(_ON_TABLES, tables)}
    assert on_columns | on_tables == {
        ("schema_versions", "SELECT"),
        *(
            (table, privilege)
            for table in ("duties", "host_sessions", "partner_logins")
            for privilege in ("SELECT", "INSERT", "UPDATE", "DELETE")
        ),
    }


async def test_it_may_pass_nothing_on(superuser: Any) -> None:
    rows = await superuser.fetch(
        "SELECT table_name FROM information_schema.column_privileges "
        "WHERE grantee IN ('tidegate_watch', 'tidegate_service') AND table_schema = 'tidegate' AND is_grantable = 'YES'"
    )
    assert rows == []
    rows = await superuser.fetch(
        "SELECT table_name FROM information_schema.table_privileges "
        "WHERE table_schema = 'tidegate' AND grantee = 'PUBLIC'"
    )
    assert rows == []


async def test_it_sees_every_account(watch: Any, shelves: Shelves) -> None:
    for table, columns in READABLE.items():
        rows = await watch.fetch(f"SELECT {', '.join(columns.split())} FROM tidegate.{table}")
        assert {shelves.ours, shelves.theirs} <= {row["account_id"] for row in rows}, table


async def test_it_is_refused_names_paths_and_secrets_and_changes(watch: Any) -> None:
    for attempt in ATTEMPTS:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await watch.execute(attempt)


async def test_it_cannot_enter_an_accounts_schema(watch: Any, shelves: Shelves) -> None:
    for account_id in (shelves.ours, shelves.theirs):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await watch.execute(f'SELECT count(*) FROM "account_{account_id.hex}".profiles')
        may = await watch.fetchval("SELECT has_schema_privilege($1, 'USAGE')", f"account_{account_id.hex}")
        assert not may
