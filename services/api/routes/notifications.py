"""`/v1/notifications`: what a person should know or do."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, TimedQuery
from services.api.routes.answers import ABSENT, PROBLEMS
from shared.domain.scope import Scope
from shared.storage import notifications

router = APIRouter(prefix="/v1/notifications", tags=["notifications"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.RUNS_WRITE))]


class NotificationQuery(TimedQuery):
    """Which notifications to list."""

    unread: Annotated[bool, Field(description="Only those that nobody has read")] = False
    code: Annotated[str, Field(max_length=100)] | None = None
    connection_id: UUID | None = None
    goal_id: UUID | None = None
    run_id: UUID | None = None


class NotificationShown(BaseModel):
    """Something that a person should know or do."""

    id: UUID
    code: str
    title: str
    detail: str
    what_to_do: str
    connection_id: UUID | None
    goal_id: UUID | None
    run_id: UUID | None
    created_at: datetime
    read_at: datetime | None


@router.get("")
async def list_notifications(visit: Reader, query: Annotated[NotificationQuery, Query()]) -> Page[NotificationShown]:
    """Notifications, newest first."""
    listing = Listing.of(visit, query)
    chosen = notifications.NotificationFilter(
        unread_only=query.unread,
        code=query.code,
        connection_id=query.connection_id,
        goal_id=query.goal_id,
        run_id=query.run_id,
        since=query.since,
        until=query.until,
        before=listing.mark,
    )
    async with visit.reading() as tx:
        found = await notifications.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each.created_at, each.id))


@router.get("/{notification_id}", responses=ABSENT)
async def get_notification(notification_id: UUID, visit: Reader) -> NotificationShown:
    """One notification."""
    async with visit.reading() as tx:
        return _shown(await notifications.get(tx, notification_id))


@router.post("/{notification_id}/read", responses=ABSENT)
async def read_notification(notification_id: UUID, visit: Writer) -> NotificationShown:
    """Note that a person has read it."""
    async with visit.writing() as tx:
        return _shown(await notifications.read(tx, notification_id))


def _shown(each: notifications.Notification) -> NotificationShown:
    news = each.news
    return NotificationShown(
        id=each.id,
        code=news.code,
        title=news.title,
        detail=news.detail,
        what_to_do=news.what_to_do,
        connection_id=news.connection_id,
        goal_id=news.goal_id,
        run_id=news.run_id,
        created_at=each.created_at,
        read_at=each.read_at,
    )
