"""`/v1/event-types`: what timeline events of each type can hold.

Some types are built in, and the same in every account. Of one that the account made everything stays that events of it
may hold: a change adds properties, kinds of items and choices, and gives other labels.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, ValidationError

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.event import (
    MAX_ITEM_KINDS,
    MAX_PROPERTIES,
    EventProperty,
    EventType,
    ItemKind,
    Label,
    MessageKind,
)
from shared.domain.failures import InvalidRequest
from shared.domain.scope import Scope
from shared.storage import event_types
from shared.storage.event_types import StoredEventType

router = APIRouter(prefix="/v1/event-types", tags=["events"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


class EventTypeChange(Asked):
    """What can be changed of an event type; what is not sent stays."""

    label: Label | None = Field(default=None, description="null takes it away")
    properties: Annotated[tuple[EventProperty, ...], Field(max_length=MAX_PROPERTIES)] | None = Field(
        default=None, description="All of them; those that it has must be among them, of the same type"
    )
    items: Annotated[tuple[ItemKind, ...], Field(max_length=MAX_ITEM_KINDS)] | None = Field(
        default=None, description="All of them, by the same rule"
    )


class EventTypeShown(BaseModel):
    """An event type."""

    name: str
    label: str
    message: MessageKind | None
    properties: list[EventProperty]
    items: list[ItemKind] = Field(description="What an event holds several of, such as an order's products")
    built_in: bool = Field(description="Whether every account has it: then it cannot be changed")
    version: int
    created_at: datetime | None = Field(description="null where it is built in")


@router.post("", status_code=201, responses=CONFLICT)
async def create_event_type(body: EventType, visit: Writer, response: Response) -> EventTypeShown:
    """Make an event type."""
    async with visit.writing() as tx:
        made = await event_types.create(tx, body)
    response.headers["Location"] = f"/v1/event-types/{made.type.name}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("")
async def list_event_types(visit: Reader, query: Annotated[PageQuery, Query()]) -> Page[EventTypeShown]:
    """Types that are built in, then the account's in the order in which they were made."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        found = await event_types.page(tx, after=listing.mark, limit=listing.wanted)
    return listing.page(found, _shown, lambda each: (each.created_at, each.id))


@router.get("/{name}", responses=ABSENT)
async def get_event_type(name: str, visit: Reader, response: Response) -> EventTypeShown:
    """One event type."""
    async with visit.reading() as tx:
        found = await event_types.get(tx, name)
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{name}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_event_type(
    name: str, body: EventTypeChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> EventTypeShown:
    """Let events of a type hold more, or give it other labels."""
    async with visit.writing() as tx:
        held = await event_types.lock(tx, name)
        if_match.require(held.version)
        changed = _changed(held.type, body)
        if changed != held.type:
            held = await event_types.change(tx, held, changed)
    versions.show(response, held.version)
    return _shown(held)


@router.delete("/{name}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_event_type(name: str, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take an event type away. Refused while there are events of it, or a goal names it."""
    async with visit.writing() as tx:
        held = await event_types.lock(tx, name)
        if_match.require(held.version)
        await event_types.delete(tx, held)


def _changed(held: EventType, body: EventTypeChange) -> EventType:
    """The type after the change. Raises Refused where something is lost that events may hold."""
    empty = {"label": "", "properties": (), "items": ()}
    sent = {
        name: value if (value := getattr(body, name)) is not None else empty[name] for name in body.model_fields_set
    }
    try:
        changed = EventType.model_validate(
            held.model_dump() | EventTypeChange.model_validate(sent).model_dump(include=set(sent))
        )
    except ValidationError as error:
        flaws = [
            FieldError(
                pointer="".join(f"/{part}" for part in each["loc"]),
                code="invalid_value",
                detail=each["msg"].removeprefix("Value error, "),
            )
            for each in error.errors(include_url=False)
        ]
        raise Refused(InvalidRequest(), flaws) from None
    for name in ("properties", "items"):
        if not held.model_copy(update={name: getattr(changed, name)}).keeps(held):
            detail = f"Found some of its {name} missing or of another type, expected all of them, and new ones."
            lost = FieldError(pointer=f"/{name}", code="invalid_value", detail=detail)
            raise Refused(InvalidRequest(), [lost])
    return changed


def _shown(stored: StoredEventType) -> EventTypeShown:
    found = stored.type
    return EventTypeShown(
        name=found.name,
        label=found.label,
        message=found.message,
        properties=list(found.properties),
        items=list(found.items),
        built_in=found.is_built_in,
        version=stored.version,
        created_at=None if found.is_built_in else stored.created_at,
    )
