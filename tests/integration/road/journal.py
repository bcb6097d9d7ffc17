"""What profiles, their lists and groups were at any snapshot, noted by triggers: an oracle for exports of changes.

It goes by which transaction wrote a row and by nothing that Tidegate notes itself, so a writer that forgets to say that
it changed something is found out. Events are not noted, only what they do to profiles.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from shared.storage.database import Tx

TABLES = ("profiles", "groups", "list_members", "group_members")
_BEGIN = """
CREATE TABLE {schema}.journal (
    number bigserial PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    source text NOT NULL,
    is_gone boolean NOT NULL DEFAULT false,
    state jsonb NOT NULL
);
CREATE FUNCTION {schema}.note() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {schema}.journal (source, is_gone, state)
    VALUES (TG_TABLE_NAME, TG_OP = 'DELETE', CASE TG_OP WHEN 'DELETE' THEN to_jsonb(OLD) ELSE to_jsonb(NEW) END);
    RETURN NULL;
END $$;
"""
_NOTE = """
INSERT INTO {schema}.journal (source, state) SELECT '{table}', to_jsonb(t) FROM {schema}.{table} t;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON {schema}.{table}
    FOR EACH ROW EXECUTE FUNCTION {schema}.note();
"""
# A row's writers wait for each other, so its notes are in the order in which they count.
_SEEN = """
SELECT source, is_gone, state, pg_visible_in_snapshot(xid, $2::text::pg_snapshot) AS is_old
FROM {schema}.journal WHERE pg_visible_in_snapshot(xid, $1::text::pg_snapshot) ORDER BY number
"""


@dataclass(slots=True)
class Person:
    """A profile at a snapshot."""

    values: dict[str, Any] = field(default_factory=dict)
    """Of its row, as JSON has them."""
    lists: set[int] = field(default_factory=set)
    groups: dict[int, dict[str, Any]] = field(default_factory=dict)
    """The values of each that it belongs to, in the order in which they were made."""
    touched: set[str] = field(default_factory=set)
    """The tables, and `suppression`, of which something was written that the snapshot before did not see."""


async def begin(tx: Tx) -> None:
    """Note everything from here on, and what there is now."""
    text = _BEGIN + "".join(_NOTE.replace("{table}", table) for table in TABLES)
    await tx.connection.execute(text.replace("{schema}", tx.schema))


async def seen(tx: Tx, snapshot: str, before: str) -> dict[int, Person]:
    """Everybody by number as a snapshot sees them, and what of that an earlier one does not see."""
    people: dict[int, Person] = defaultdict(Person)
    groups: dict[int, dict[str, Any]] = {}
    members: dict[int, set[int]] = defaultdict(set)
    changed = set()
    for row in await tx.connection.fetch(_SEEN.replace("{schema}", tx.schema), snapshot, before):
        state, is_new = {} if row["is_gone"] else row["state"], not row["is_old"]
        if row["source"] == "groups":
            groups[row["state"]["id"]] = state
            changed |= {row["state"]["id"]} if is_new else set()
            continue
        number = row["state"]["id" if row["source"] == "profiles" else "profile_id"]
        person = people[number]
        person.touched |= {row["source"]} if is_new else set()
        if row["source"] == "profiles":
            if is_new and _suppression(state) != _suppression(person.values):
                person.touched.add("suppression")
            person.values = state
            continue
        is_list = row["source"] == "list_members"
        kept = person.lists if is_list else members[number]
        is_on = bool(state) and state["removed_at"] is None
        (kept.add if is_on else kept.discard)(row["state"]["list_number" if is_list else "group_id"])
    for number, person in people.items():
        person.groups = {each: groups[each] for each in sorted(members[number]) if groups[each]}
        person.touched |= {"groups"} if person.groups.keys() & changed else set()
    return {number: person for number, person in people.items() if person.values}


def _suppression(values: dict[str, Any]) -> tuple[Any, Any]:
    return values.get("suppression"), values.get("suppressed_at")
