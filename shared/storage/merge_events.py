"""Merge staged rows that tell of events: set-based, in the caller's transaction, with counts that add up.

Each row finds its profile, or is rejected; rows of one event become one; messages that are new are made; then the
events are written (`events.record_told`) and do what they do (`event_effects`). Where events have items, an event is
whole or is not taken: rows of which another one was rejected come back as well. Profiles are found as rows that update
find them: the first of the goal's identifiers that finds one decides, and no other may name another. Nothing here
commits, decides about a receipt, or reads the file.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared.domain.event import MAX_EVENT_BYTES, MAX_ITEMS, EventType
from shared.domain.event_rules import item_column, property_column
from shared.domain.goal import ImportEvents
from shared.domain.merge import Mode
from shared.domain.property import Property
from shared.domain.reject import RejectCode
from shared.domain.run import ClaimedRun
from shared.storage import columns, event_effects, event_types, events, merge, merge_profiles, messages, resolve
from shared.storage.database import Record, Tx
from shared.storage.merge import Merged
from shared.storage.merge_counts import Outcome, late_by_member
from shared.storage.merge_work import Work
from shared.storage.staging import Staged

TOLD = "_e"
"""What the name of the table ends in that holds the rows of known profiles."""
ARRIVED = "_a"
"""What the name of the table ends in that holds the events that these rows tell of."""
OUTCOME = "_c"
"""What the name of the table ends in that says what became of events."""


@dataclass(frozen=True)
class _Events:
    """The frames of merge_events.sql, filled for one goal."""

    work: Work
    goal: ImportEvents
    types: Mapping[str, EventType]
    properties: Mapping[str, Property]

    @property
    def slots(self) -> dict[str, str]:
        """What the frames have in common."""
        has_message, has_id = self.goal.event.message is not None, self.goal.event.id is not None
        items = list(self._item_columns())
        kind = columns.message_kind(self.types)
        return {
            "s_kept": columns.listed((each.name for each in self.work.layout.kept), "s"),
            "event": self.work.text("merge_events.first_row") if has_id else "s.record_number",
            "properties": columns.as_json(list(self._said())),
            "items": "".join(f", {columns.as_json(said)} AS {name}" for name, _, said in items),
            "kind": kind,
            "message": "s.k_message" if has_message else "NULL",
            "first_message": "f.k_message" if has_message else "NULL",
            "event_id": "s.k_event_id" if has_id else "NULL::text",
            "message_number": "m.number" if has_message else "NULL::integer",
            "with_message": self.work.text("merge_events.with_message", kind=kind) if has_message else "",
            **columns.item_slots([(name, said_kind) for name, said_kind, _ in items], MAX_ITEMS),
            # Last: the others name these.
            "told": self.work.staged.table(TOLD),
            "arrived": self.work.staged.table(ARRIVED),
            "outcome": self.work.staged.table(OUTCOME),
        }

    def _said(self) -> Iterator[columns.Said]:
        """What rows say of the event itself."""
        for number, column in enumerate(self.goal.event.mapping):
            having = [name for name, each in self.types.items() if each.property_named(column.property) is not None]
            yield self._one(property_column(number), column.property, having)

    def _item_columns(self) -> Iterator[tuple[str, str, list[columns.Said]]]:
        """The name, the kind and what is said of it, for each kind of item."""
        for place, items in enumerate(self.goal.event.items):
            said = []
            for number, column in enumerate(items.mapping):
                having = [
                    name
                    for name, each in self.types.items()
                    for kind in each.items
                    if kind.name == items.kind and any(known.name == column.property for known in kind.properties)
                ]
                said.append(self._one(item_column(place, number), column.property, having))
            yield f"items_{place}", items.kind, said

    def _one(self, column: str, name: str, having: Sequence[str]) -> columns.Said:
        # Where all events of the file have it, no row need be asked.
        of_types = () if len(having) == len(self.types) else tuple(having)
        return columns.Said(name, column, self.properties[column].type, of_types)


async def merge_events(
    tx: Tx,
    run: ClaimedRun,
    staged: Staged,
    goal: ImportEvents,
    properties: Sequence[Property],
    domain_group: int,
    rejected: int,
) -> Merged:
    """Merge what the run has staged under its token into the events of a domain group.

    `rejected` are the rows that were rejected before they could be staged. Raises TransactionConflict when another
    transaction was in the way: roll back and repeat from the start.
    """
    # Nothing is written that a file could say of a profile.
    work = Work(tx, run.id, staged, Mode.UPDATE_ONLY, domain_group, tuple(properties), (goal.name, run.started_at))
    types = await event_types.hold(tx, goal.event.types)
    known = {each.name: each for each in properties if each.is_built_in}
    slots = _Events(work, goal, types, known).slots
    await work.run("merge.prepare")
    names = (await work.fetch("merge_events.has_told"))[0]["rows"] if staged.names_rejects else rejected
    aside = await merge.put_aside(work)
    rows_staged = (await work.fetch("merge.count"))[0]["count"] + aside
    await _find_profiles(work, goal)
    await work.run("merge_events.tell", **slots)
    await work.run("merge_events.index", **slots)
    await _reject_unfit(work, goal, slots)
    await _make_messages(work, goal, slots)
    await work.run("merge_events.note_outcome", **slots)
    await work.run("merge_events.arrive", **slots)
    into = work.text("merge_events.into_outcome", **slots)
    await events.record_told(tx, domain_group, slots["arrived"], run_id=run.id, into=into)
    await work.run("merge_events.analyze_outcome", **slots)
    suppressed = await event_effects.take_effect(tx, run_id=run.id, source=goal.name)
    late = await merge.late_counts(work)
    rows = await work.fetch("merge_events.totals", list(staged.member_starts) or [0], **slots)
    members = await _by_member(work, rows, has_late=bool(late))
    await merge_profiles.note_blocks(work, work.text("merge_events.profiles", **slots))
    await work.run("merge_events.drop", **slots)
    await resolve.clear(work)
    became: Counter[str] = Counter()
    affected: Counter[str] = Counter()
    for row in rows:
        became[row["became"]] += row["rows"]
        if row["became"] != "unchanged":
            affected.update(events=row["events"], items=row["items"])
    return Merged(
        rows_staged=rows_staged,
        created=became["created"],
        updated=became["updated"],
        unchanged=became["unchanged"],
        late_rejects_by_code=late,
        profiles_affected=sum(suppressed.values()),
        members=members,
        events_affected=affected["events"],
        items_affected=affected["items"],
        nameless_rejects=rejected - names,
        suppressed={str(reason): profiles for reason, profiles in suppressed.items()},
    )


async def _find_profiles(work: Work, goal: ImportEvents) -> None:
    await resolve.find_each(work)
    await work.reject(
        "resolve.reject_conflicts", RejectCode.IDENTIFIER_CONFLICT, [key.shown for key in work.layout.keys]
    )
    await work.reject("merge_events.reject_unknown", RejectCode.UNKNOWN_PROFILE, goal.identifiers[0].shown)


async def _reject_unfit(work: Work, goal: ImportEvents, slots: dict[str, str]) -> None:
    """Reject the rows of events that cannot be taken as a whole."""
    if goal.event.id is None:
        await work.reject("merge_events.reject_too_large", RejectCode.EVENT_TOO_LARGE, MAX_EVENT_BYTES, **slots)
        return
    if work.staged.names_rejects:
        await work.reject("merge_events.reject_incomplete", RejectCode.EVENT_INCOMPLETE, **slots)
    await work.reject("merge_events.reject_contradicted", RejectCode.EVENT_CONTRADICTED, **slots)
    await work.reject("merge_events.reject_too_large", RejectCode.EVENT_TOO_LARGE, MAX_EVENT_BYTES, **slots)


async def _make_messages(work: Work, goal: ImportEvents, slots: dict[str, str]) -> None:
    """Make the messages that the rows name and that are new."""
    if goal.event.message is not None:
        await messages.ensure(work.tx, work.text("merge_events.messages", **slots), run_id=work.run_id)


async def _by_member(work: Work, rows: Sequence[Record], *, has_late: bool) -> tuple[Outcome, ...]:
    """What became of the rows of each file of an archive, where there are several."""
    if not work.staged.member_starts:
        return ()
    found: defaultdict[int, Counter[str]] = defaultdict(Counter)
    for row in rows:
        found[row["member"]][row["became"]] += row["rows"]
    late = await late_by_member(work) if has_late else {}
    return tuple(
        Outcome(
            created=found[number]["created"],
            updated=found[number]["updated"],
            unchanged=found[number]["unchanged"],
            late_rejects_by_code=late.get(number, {}),
        )
        for number in range(1, len(work.staged.member_starts) + 1)
    )
