"""`/v1/messages`: the mailings and SMS that events refer to. Tidegate sends none of them; it knows them by reference.

Events that name a reference which is new make a message of it; its name and time can be told here. A message keeps kind
and reference for good, and is not taken away, because events lie under its number.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.event import Label, MessageKind, MessageReference
from shared.domain.lists import MAX_NUMBER
from shared.domain.moment import Moment
from shared.domain.scope import Scope
from shared.storage import messages
from shared.storage.messages import Message

router = APIRouter(prefix="/v1/messages", tags=["messages"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


class NewMessage(Asked):
    """What makes a message."""

    kind: MessageKind
    reference: MessageReference = Field(description="What the system that sent it calls it; unique with the kind")
    name: Label = ""
    sent_at: Moment | None = None


class MessageChange(Asked):
    """What can be changed of a message; what is not sent stays."""

    name: Label | None = Field(default=None, description="null takes it away")
    sent_at: Moment | None = Field(default=None, description="null takes it away")


class MessageQuery(PageQuery):
    """Which messages to show."""

    kind: MessageKind | None = None
    reference: MessageReference | None = None
    number: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None


class MessageShown(BaseModel):
    """A mailing or an SMS."""

    id: UUID
    number: int = Field(description="Given by Tidegate, for good")
    kind: MessageKind
    reference: str
    name: str
    sent_at: datetime | None
    version: int
    created_at: datetime
    created_by_run: UUID | None = Field(description="The import whose events named it first")


@router.post("", status_code=201, responses=CONFLICT)
async def create_message(body: NewMessage, visit: Writer, response: Response) -> MessageShown:
    """Make a message known before its events come."""
    async with visit.writing() as tx:
        made = await messages.create(tx, body.kind, body.reference, body.name, body.sent_at)
    response.headers["Location"] = f"/v1/messages/{made.id}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("")
async def list_messages(visit: Reader, query: Annotated[MessageQuery, Query()]) -> Page[MessageShown]:
    """Messages in the order of their numbers; the one of a kind and reference, where both are given."""
    listing = Listing.of(visit, query)
    chosen = messages.MessageFilter(
        kind=query.kind, reference=query.reference, number=query.number, after=listing.number
    )
    async with visit.reading() as tx:
        found = await messages.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each.number,))


@router.get("/{message_id}", responses=ABSENT)
async def get_message(message_id: UUID, visit: Reader, response: Response) -> MessageShown:
    """One message."""
    async with visit.reading() as tx:
        found = await messages.get(tx, message_id)
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{message_id}", responses=ABSENT | VERSIONED)
async def change_message(
    message_id: UUID, body: MessageChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> MessageShown:
    """Give a message another name, or tell when it was sent. All else stays."""
    sent = body.model_fields_set
    async with visit.writing() as tx:
        held = await messages.lock(tx, message_id)
        if_match.require(held.version)
        name = (body.name or "") if "name" in sent else held.name
        sent_at = body.sent_at if "sent_at" in sent else held.sent_at
        if (name, sent_at) != (held.name, held.sent_at):
            held = await messages.change(tx, held, name, sent_at)
    versions.show(response, held.version)
    return _shown(held)


def _shown(stored: Message) -> MessageShown:
    return MessageShown.model_validate(stored, from_attributes=True)
