"""`/v1/events` and `/v1/profiles/{id}/events`: what happened to profiles, told and looked up.

Values travel as in profiles: numbers as strings, so that none loses a digit.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.domain_group import number_named
from services.api.event_batch import MAX_EVENTS, EventTold, State, Taken, take
from services.api.paging import Listing, Page, TimedQuery
from services.api.problems import FieldError
from services.api.routes.answers import ABSENT, PROBLEMS, Asked
from shared.domain.event import EventId, EventTypeName
from shared.domain.failures import NotFound
from shared.domain.lists import MAX_NUMBER
from shared.domain.scope import Scope
from shared.storage import domain_groups, events, profiles
from shared.storage.events import Event, EventFilter

router = APIRouter(prefix="/v1", tags=["events"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


class EventsTold(Asked):
    """Events of profiles of one domain group."""

    domain_group: str = "default"
    events: list[EventTold] = Field(min_length=1, max_length=MAX_EVENTS)


class EventTaken(BaseModel):
    """What became of one event."""

    id: str | None
    state: State = Field(description="`updated` where the event was known and says something else now")
    error: FieldError | None = Field(description="Why it was refused, with a pointer into the request")


class EventsTaken(BaseModel):
    """What became of the events, in the order of the request."""

    created: int
    updated: int
    unchanged: int
    refused: int
    events: list[EventTaken]


class EventQuery(TimedQuery):
    """Which events to show; `since` and `until` are of when they occurred."""

    type: EventTypeName | None = None
    id: EventId | None = None
    profile_id: Annotated[str, Field(pattern=r"^[0-9]{1,19}\z")] | None = None
    message_number: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None
    domain_group: Annotated[str, Field(max_length=50)] | None = None


class ProfileEventQuery(TimedQuery):
    """Which of a profile's events to show; `since` and `until` are of when they occurred."""

    type: EventTypeName | None = None


class EventShown(BaseModel):
    """An event."""

    number: str = Field(description="Given by Tidegate, in the order in which events came")
    type: str
    id: str | None = Field(description="The sender's")
    domain_group: str
    profile_id: str
    occurred_at: datetime
    message_number: int | None
    properties: dict[str, str | bool | list[str]] = Field(description="Those that it has, as the event type has them")
    items: dict[str, list[dict[str, str | bool | list[str]]]]
    received_at: datetime
    created_by_run: UUID | None
    updated_by_run: UUID | None


@router.post("/events")
async def tell_events(body: EventsTold, visit: Writer) -> EventsTaken:
    """Record events, up to 1,000 at a time. Each is taken or refused for itself; the answer tells what became of it.

    An event whose profile does not exist is refused (`unknown_profile`): events make no profiles. An id that comes
    twice in one request is one event, which says what it was told to say last.
    """
    async with visit.writing() as tx:
        number = await number_named(tx, body.domain_group, "/domain_group")
        taken = await take(tx, number, body.events)
    states = Counter(each.state for each in taken)
    return EventsTaken(
        created=states["created"],
        updated=states["updated"],
        unchanged=states["unchanged"],
        refused=states["refused"],
        events=[_became(each) for each in taken],
    )


@router.get("/events")
async def list_events(visit: Reader, query: Annotated[EventQuery, Query()]) -> Page[EventShown]:
    """Events in the order in which they came."""
    listing = Listing.of(visit, query)
    profile_id = None if query.profile_id is None else int(query.profile_id)
    async with visit.reading() as tx:
        group = None if query.domain_group is None else await number_named(tx, query.domain_group, "?domain_group")
        names = await domain_groups.names(tx)
        chosen = EventFilter(
            type=query.type,
            id=query.id,
            profile_id=profile_id,
            message_number=query.message_number,
            domain_group=group,
            since=query.since,
            until=query.until,
        )
        # No profile has such a number, and the database no room for it.
        is_out = profile_id is not None and profile_id >= 2**63
        found = [] if is_out else await events.page(tx, chosen, after_number=listing.number, limit=listing.wanted)
    return listing.page(found, lambda each: _shown(each, names), lambda each: (each.number,))


@router.get("/profiles/{profile_id}/events", responses=ABSENT, tags=["profiles"])
async def list_events_of_profile(
    profile_id: int, visit: Reader, query: Annotated[ProfileEventQuery, Query()]
) -> Page[EventShown]:
    """A profile's events, newest first."""
    if not 0 < profile_id < 2**63:
        raise NotFound
    listing = Listing.of(visit, query)
    key = listing.key
    before = None if key is None else (datetime.fromisoformat(str(key[0])), int(str(key[1])))
    chosen = EventFilter(type=query.type, since=query.since, until=query.until)
    async with visit.reading() as tx:
        if await profiles.get(tx, [], profile_id) is None:
            raise NotFound
        names = await domain_groups.names(tx)
        found = await events.of_profile(tx, profile_id, chosen, before=before, limit=listing.wanted)
    return listing.page(found, lambda each: _shown(each, names), lambda each: (each.occurred_at, each.number))


def _became(taken: Taken) -> EventTaken:
    return EventTaken(id=taken.told.id, state=taken.state, error=taken.error)


def _shown(event: Event, groups: Mapping[int, str]) -> EventShown:
    facts: dict[str, Any] = {
        "number": str(event.number),
        "type": event.type,
        "id": event.id,
        "domain_group": groups[event.domain_group],
        "profile_id": str(event.profile_id),
        "occurred_at": event.occurred_at,
        "message_number": event.message_number,
        "properties": event.properties,
        "items": event.items,
        "received_at": event.received_at,
        "created_by_run": event.created_by_run,
        "updated_by_run": event.updated_by_run,
    }
    return EventShown(**facts)
