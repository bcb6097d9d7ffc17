"""What profiles and their lists were at any snapshot, noted row by row by triggers: an oracle for exports of changes.

It goes by which transaction wrote a row and by nothing that Tidegate notes itself, so a writer that forgets to say that
it changed something is found out. Groups and events are not noted.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from shared.storage.database import Tx

_BEGIN = """
CREATE TABLE {schema}.journal (
    number bigserial PRIMARY KEY,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    source text NOT NULL,
    profile_id bigint NOT NULL,
    list_number integer NOT NULL,
    state jsonb
);
CREATE FUNCTION {schema}.note_profile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {schema}.journal (source, profile_id, list_number, state)
    VALUES ('profiles', coalesce(NEW.id, OLD.id), 0, to_jsonb(NEW));
    RETURN NULL;
END $$;
CREATE FUNCTION {schema}.note_member() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {schema}.journal (source, profile_id, list_number, state)
    VALUES ('list_members', coalesce(NEW.profile_id, OLD.profile_id), coalesce(NEW.list_number, OLD.list_number),
        to_jsonb(NEW));
    RETURN NULL;
END $$;
INSERT INTO {schema}.journal (source, profile_id, list_number, state)
SELECT 'profiles', p.id, 0, to_jsonb(p) FROM {schema}.profiles p
UNION ALL SELECT 'list_members', m.profile_id, m.list_number, to_jsonb(m) FROM {schema}.list_members m;
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON {schema}.profiles
    FOR EACH ROW EXECUTE FUNCTION {schema}.note_profile();
CREATE TRIGGER journal AFTER INSERT OR UPDATE OR DELETE ON {schema}.list_members
    FOR EACH ROW EXECUTE FUNCTION {schema}.note_member();
"""
# A row's writers wait for each other, so its notes are in the order in which they count.
_SEEN = """
SELECT source, profile_id, list_number, state, pg_visible_in_snapshot(xid, $2::text::pg_snapshot) AS is_old
FROM {schema}.journal WHERE pg_visible_in_snapshot(xid, $1::text::pg_snapshot) ORDER BY number
"""


@dataclass(slots=True)
class Person:
    """A profile at a snapshot."""

    values: dict[str, Any] = field(default_factory=dict)
    """Of its row, as JSON has them."""
    lists: set[int] = field(default_factory=set)
    touched: set[str] = field(default_factory=set)
    """The tables, and `suppression`, of which something was written that the snapshot before did not see."""


async def begin(tx: Tx) -> None:
    """Note everything from here on, and what there is now."""
    await tx.connection.execute(_BEGIN.replace("{schema}", tx.schema))


async def seen(tx: Tx, snapshot: str, before: str) -> dict[int, Person]:
    """Everybody by number as a snapshot sees them, and what of that an earlier one does not see."""
    people: dict[int, Person] = defaultdict(Person)
    for row in await tx.connection.fetch(_SEEN.replace("{schema}", tx.schema), snapshot, before):
        person = people[row["profile_id"]]
        state = row["state"] or {}
        if not row["is_old"]:
            person.touched.add(row["source"])
        if row["source"] == "list_members":
            is_on = bool(state) and state["removed_at"] is None
            (person.lists.add if is_on else person.lists.discard)(row["list_number"])
            continue
        if not row["is_old"] and _suppression(state) != _suppression(person.values):
            person.touched.add("suppression")
        person.values = state
    return {number: person for number, person in people.items() if person.values}


def _suppression(values: dict[str, Any]) -> tuple[Any, Any]:
    return values.get("suppression"), values.get("suppressed_at")
