"""`/v1/accounts`: tenants, made, listed and renamed by the operator."""

from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed, in_account
from services.api.paging import Listing, Page, TimedQuery
from services.api.routes.answers import ABSENT, PROBLEMS, VERSIONED, Asked
from shared.domain.failures import NotFound
from shared.domain.scope import Scope
from shared.storage import accounts

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], responses=PROBLEMS)
Operator = Annotated[Visit, Depends(allowed(Scope.ADMIN))]


class NewAccount(Asked):
    """What makes an account."""

    name: str = Field(min_length=1, max_length=200)


class AccountChange(Asked):
    """What the operator changes of an account."""

    name: str = Field(min_length=1, max_length=200)


class AccountShown(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    version: int
    created_at: datetime


@router.post("", status_code=201)
async def create_account(body: NewAccount, visit: Operator, response: Response) -> AccountShown:
    """Make an account, with its domain group `default`. Its first key is made with `POST /v1/keys`."""
    async with in_account(visit, uuid4()) as tx:
        made = await accounts.create(tx, body.name)
    response.headers["Location"] = f"/v1/accounts/{made.id}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("")
async def list_accounts(visit: Operator, query: Annotated[TimedQuery, Query()]) -> Page[AccountShown]:
    """All accounts, oldest first."""
    listing = Listing.of(visit, query)
    database = visit.tools.database
    found = await accounts.page(database, listing.mark, listing.wanted, since=query.since, until=query.until)
    return listing.page(found, _shown, lambda each: (each.created_at, each.id))


@router.get("/{account_id}", responses=ABSENT)
async def get_account(account_id: UUID, visit: Operator, response: Response) -> AccountShown:
    """One account."""
    async with in_account(visit, account_id) as tx:
        found = await accounts.get(tx)
    if found is None:
        raise NotFound
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{account_id}", responses=ABSENT | VERSIONED)
async def change_account(
    account_id: UUID, body: AccountChange, visit: Operator, response: Response, if_match: versions.IfMatch
) -> AccountShown:
    """Give an account another name."""
    async with in_account(visit, account_id) as tx:
        found = await accounts.lock(tx)
        if found is None:
            raise NotFound
        if_match.require(found.version)
        if body.name != found.name:
            found = await accounts.rename(tx, body.name)
    versions.show(response, found.version)
    return _shown(found)


def _shown(account: accounts.Account) -> AccountShown:
    return AccountShown(id=account.id, name=account.name, version=account.version, created_at=account.created_at)
