"""Types of timeline events: those that every account has, and those that it made. Writes `event_types`."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from shared.domain.event import BUILT_IN, MAX_EVENT_TYPES, EventType
from shared.domain.failures import AlreadyExists, EventTypeInUse, EventTypeIsBuiltIn, NotFound, TooManyEventTypes
from shared.domain.profile_conditions import EventSeen
from shared.storage import segments
from shared.storage.database import Record, Tx

_BEFORE_ALL = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class StoredEventType:
    """An event type as it is stored; one that is built in has version 1 for good."""

    id: UUID
    type: EventType
    version: int
    created_at: datetime


_BUILT_IN = [
    StoredEventType(UUID(int=number), each, 1, _BEFORE_ALL) for number, each in enumerate(BUILT_IN.values(), start=1)
]


async def create(tx: Tx, new: EventType) -> StoredEventType:
    """Make an event type. Raises AlreadyExists, EventTypeIsBuiltIn, TooManyEventTypes."""
    if new.is_built_in:
        raise EventTypeIsBuiltIn
    await tx.execute("event_types.lock_account", tx.account_id)
    row = await tx.row("event_types.insert", tx.account_id, new.name, new.model_dump(mode="json"))
    if row is None:
        raise AlreadyExists(f"Found the event type {new.name!r} already.")
    if await tx.value("event_types.count", tx.account_id) > MAX_EVENT_TYPES:
        raise TooManyEventTypes
    return _stored(row)


async def get(tx: Tx, name: str) -> StoredEventType:
    """One event type. Raises NotFound."""
    return next((each for each in _BUILT_IN if each.type.name == name), None) or _stored(
        await tx.row("event_types.get", tx.account_id, name)
    )


async def lock(tx: Tx, name: str) -> StoredEventType:
    """One event type, held until the transaction ends. Raises NotFound, EventTypeIsBuiltIn."""
    if name in BUILT_IN:
        raise EventTypeIsBuiltIn
    return _stored(await tx.row("event_types.lock", tx.account_id, name))


async def list_all(tx: Tx) -> list[EventType]:
    """Every event type that the account can have events of: those that are built in, then its own by name."""
    own = [_stored(row).type for row in await tx.fetch("event_types.list", tx.account_id)]
    return [*BUILT_IN.values(), *own]


async def in_order(tx: Tx) -> list[StoredEventType]:
    """The same in the order in which they were made."""
    return await page(tx, after=None, limit=len(_BUILT_IN) + MAX_EVENT_TYPES)


async def page(tx: Tx, *, after: tuple[datetime, UUID] | None, limit: int) -> list[StoredEventType]:
    """Those that are built in, then the account's in the order in which they were made."""
    first = [each for each in _BUILT_IN if after is None or (each.created_at, each.id) > after][:limit]
    rows = await tx.fetch("event_types.page", tx.account_id, *(after or (None, None)), limit - len(first))
    return [*first, *map(_stored, rows)]


async def hold(tx: Tx, names: Collection[str]) -> dict[str, EventType]:
    """Those of these types that there are, by name; kept as they are until the transaction ends."""
    rows = await tx.fetch("event_types.hold", tx.account_id, sorted(set(names) - BUILT_IN.keys()))
    own = [EventType.model_validate(row["settings"]) for row in rows]
    return {each.name: each for each in own} | {name: BUILT_IN[name] for name in names if name in BUILT_IN}


async def change(tx: Tx, held: StoredEventType, changed: EventType) -> StoredEventType:
    """Give an event type that the caller holds other settings: a new version."""
    return _stored(await tx.row("event_types.change", tx.account_id, held.id, changed.model_dump(mode="json")))


async def delete(tx: Tx, held: StoredEventType) -> None:
    """Take a held event type away. Raises EventTypeInUse where there are events of it, or something names it."""
    if await tx.value("event_types.has_events", held.type.name):
        raise EventTypeInUse("Found events of the type.")
    users = await tx.fetch("event_types.users", tx.account_id, held.type.name)
    if users:
        raise EventTypeInUse(f"Found the goals {', '.join(str(row['goal_id']) for row in users)}.")
    asking = await segments.asking(tx, lambda leaf: isinstance(leaf, EventSeen) and leaf.event.type == held.type.name)
    if asking:
        raise EventTypeInUse(f"Found the segments {', '.join(map(str, asking))}.")
    await tx.execute("event_types.delete", tx.account_id, held.id)


def _stored(row: Record | None) -> StoredEventType:
    if row is None:
        raise NotFound
    return StoredEventType(
        row["event_type_id"], EventType.model_validate(row["settings"]), row["version"], row["created_at"]
    )
