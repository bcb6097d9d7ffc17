"""`/v1/accounts`: tenants, made, listed and set by the operator."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, TypeAdapter

from services.api import versions
from services.api.access import Visit, allowed, in_account
from services.api.paging import Listing, Page, TimedQuery
from services.api.patches import MergePatch, judged, merged
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, PROBLEMS, VERSIONED, Asked
from shared.domain.failures import InvalidRequest, NotFound
from shared.domain.place.directory import DirectoryName
from shared.domain.scope import Scope
from shared.storage import accounts

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], responses=PROBLEMS)
Operator = Annotated[Visit, Depends(allowed(Scope.ADMIN))]


class AccountSent(Asked):
    """What the operator says of an account."""

    name: str = Field(min_length=1, max_length=200)
    local_directories: tuple[DirectoryName, ...] = Field(
        default=(), max_length=100, description="Which of TIDEGATE_LOCAL_DIRECTORIES its connections may use, by name"
    )


_SENT: TypeAdapter[AccountSent] = TypeAdapter(AccountSent)


class AccountShown(BaseModel):
    """A tenant."""

    id: UUID
    name: str
    local_directories: tuple[str, ...]
    version: int
    created_at: datetime


@router.post("", status_code=201)
async def create_account(body: AccountSent, visit: Operator, response: Response) -> AccountShown:
    """Make an account, with its domain group `default`. Its first key is made with `POST /v1/keys`."""
    _require_offered(visit, body.local_directories)
    async with in_account(visit, uuid4()) as tx:
        made = await accounts.create(tx, body.name, tuple(dict.fromkeys(body.local_directories)))
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
    account_id: UUID, body: MergePatch, visit: Operator, response: Response, if_match: versions.IfMatch
) -> AccountShown:
    """Give an account another name, or say which local directories it may use; what is not sent stays.

    A directory that is taken away is opened no more, whatever connections name it.
    """
    async with in_account(visit, account_id) as tx:
        found = await accounts.lock(tx)
        if found is None:
            raise NotFound
        if_match.require(found.version)
        before = {"name": found.name, "local_directories": list(found.local_directories)}
        sent = judged(_SENT, merged(before, body))
        _require_offered(visit, sent.local_directories, known=found.local_directories)
        if sent != judged(_SENT, before):
            found = await accounts.change(tx, sent.name, tuple(dict.fromkeys(sent.local_directories)))
    versions.show(response, found.version)
    return _shown(found)


def _require_offered(visit: Visit, names: Sequence[str], known: Sequence[str] = ()) -> None:
    """Raises Refused for names that the operator's settings do not have; what was known before may stay."""
    offered = visit.tools.local_directories
    shown = ", ".join(sorted(offered)) or "none"
    errors = [
        FieldError(
            pointer=f"/local_directories/{number}",
            code="invalid_value",
            detail=f"Found {name!r}; TIDEGATE_LOCAL_DIRECTORIES of the gateway offers: {shown}.",
        )
        for number, name in enumerate(names)
        if name not in offered and name not in known
    ]
    if errors:
        raise Refused(InvalidRequest(), errors)


def _shown(account: accounts.Account) -> AccountShown:
    return AccountShown(
        id=account.id,
        name=account.name,
        local_directories=account.local_directories,
        version=account.version,
        created_at=account.created_at,
    )
