"""`/v1/domain-groups`: parts of an account with profiles of their own.

A group keeps its name for good, because goals name it, and is not taken away, because profiles lie in it.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, StringConstraints

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain.scope import Scope
from shared.storage import domain_groups
from shared.storage.domain_groups import DomainGroup

router = APIRouter(prefix="/v1/domain-groups", tags=["domain groups"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]

GroupName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,49}\z")]


class NewDomainGroup(Asked):
    """What makes a domain group."""

    name: GroupName


class DomainGroupShown(BaseModel):
    """A part of the account. Identifiers are unique within it."""

    name: str
    created_at: datetime


@router.post("", status_code=201, responses=CONFLICT)
async def create_domain_group(body: NewDomainGroup, visit: Writer, response: Response) -> DomainGroupShown:
    """Add a part to the account; a goal works within one."""
    async with visit.writing() as tx:
        made = await domain_groups.create(tx, body.name)
    response.headers["Location"] = f"/v1/domain-groups/{made.name}"
    return _shown(made)


@router.get("")
async def list_domain_groups(visit: Reader, query: Annotated[PageQuery, Query()]) -> Page[DomainGroupShown]:
    """Domain groups in the order in which they were made; every account has `default`."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        found = await domain_groups.page(tx, after=listing.number, limit=listing.wanted)
    return listing.page(found, _shown, lambda each: (each.number,))


@router.get("/{domain_group}", responses=ABSENT)
async def get_domain_group(domain_group: str, visit: Reader) -> DomainGroupShown:
    """One domain group."""
    async with visit.reading() as tx:
        return _shown(await domain_groups.get(tx, domain_group))


def _shown(group: DomainGroup) -> DomainGroupShown:
    return DomainGroupShown(name=group.name, created_at=group.created_at)
