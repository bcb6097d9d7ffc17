"""Who is shut out of hosted folders for wrong logins: an account sees and lifts what counts against its own user names,
the operator what counts against addresses."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, PROBLEMS
from shared.domain.scope import Scope
from shared.storage import login_scores
from shared.storage.login_scores import Counted, CountedFilter

router = APIRouter(prefix="/v1", tags=["drop folders"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]
Operator = Annotated[Visit, Depends(allowed(Scope.ADMIN))]


class BanQuery(PageQuery):
    """Which to list."""

    state: Annotated[Literal["banned", "counted"], Field(description="`counted`: not shut out yet")] | None = None


class LoginBanQuery(BanQuery):
    """Which to list."""

    username: Annotated[str, Field(max_length=200)] | None = None


class BanShown(BaseModel):
    """What wrong logins there were, and whether anybody is shut out for them."""

    id: UUID
    network: str | None = Field(description="An address, or the /64 of one; null: from anywhere")
    score: int = Field(description="Wrong logins; what was counted is half as much after ten minutes")
    state: Literal["banned", "counted"]
    banned_at: datetime | None
    banned_until: datetime | None
    created_at: datetime


class LoginBanShown(BanShown):
    """The same of a user name. From where it has logged in before, it is slowed and never shut out."""

    username: str


@router.get("/login-bans")
async def list_login_bans(visit: Reader, query: Annotated[LoginBanQuery, Query()]) -> Page[LoginBanShown]:
    """What counts against the account's own user names, oldest first."""
    listing = Listing.of(visit, query)
    chosen = CountedFilter(_is_banned(query), query.username, listing.mark)
    async with visit.reading() as tx:
        found = await login_scores.page(tx, chosen, listing.wanted)
    return listing.page(found, _login_ban, lambda each: (each.created_at, each.id))


@router.post("/login-bans/{ban_id}/lift", responses=ABSENT)
async def lift_login_ban(ban_id: UUID, visit: Writer) -> LoginBanShown:
    """Count nothing against the user name any more; it may log in again at once."""
    async with visit.writing() as tx:
        return _login_ban(await login_scores.lift(tx, ban_id))


@router.get("/address-bans")
async def list_address_bans(visit: Operator, query: Annotated[BanQuery, Query()]) -> Page[BanShown]:
    """What counts against addresses, oldest first; for the operator."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        found = await login_scores.page(tx, CountedFilter(_is_banned(query), after=listing.mark), listing.wanted)
    return listing.page(found, _ban, lambda each: (each.created_at, each.id))


@router.post("/address-bans/{address_ban_id}/lift", responses=ABSENT)
async def lift_address_ban(address_ban_id: UUID, visit: Operator) -> BanShown:
    """Count nothing against the address any more; servers that hang up on it stop within seconds."""
    async with visit.writing() as tx:
        return _ban(await login_scores.lift(tx, address_ban_id))


def _is_banned(query: BanQuery) -> bool | None:
    return None if query.state is None else query.state == "banned"


def _ban(each: Counted) -> BanShown:
    return BanShown(
        id=each.id,
        network=each.network or None,
        score=round(each.score),
        state="counted" if each.banned_until is None else "banned",
        banned_at=None if each.banned_until is None else each.banned_at,
        banned_until=each.banned_until,
        created_at=each.created_at,
    )


def _login_ban(each: Counted) -> LoginBanShown:
    return LoginBanShown(**_ban(each).model_dump(), username=each.username)
