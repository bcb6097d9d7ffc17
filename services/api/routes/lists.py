"""`/v1/lists`: named parts of the contacts, and who is on them. Imports put people on them, and take them off."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.lists import MAX_NAME_CHARACTERS, MAX_NUMBER, ListName
from shared.domain.scope import Scope
from shared.storage import list_members, lists
from shared.storage.list_members import Member
from shared.storage.lists import StoredList

router = APIRouter(prefix="/v1/lists", tags=["lists"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


class NewList(Asked):
    """What makes a list."""

    name: ListName = Field(description="No other list of the account has it")


class ListChange(Asked):
    """What changes of a list."""

    name: ListName


class ListQuery(PageQuery):
    """Which lists to show."""

    name: Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)] | None = None
    number: Annotated[int, Field(ge=1, le=MAX_NUMBER)] | None = None


class ListShown(BaseModel):
    """A list."""

    id: UUID
    number: int = Field(description="Given by Tidegate, for good: what other systems name the list by")
    name: str
    members: int = Field(description="How many profiles are on it")
    version: int
    created_at: datetime
    created_by_run: UUID | None = Field(description="The import that made it for its file")


class MemberShown(BaseModel):
    """A profile on a list, or in a group."""

    profile_id: str
    added_at: datetime
    added_by_run: UUID | None

    @classmethod
    def of(cls, member: Member) -> "MemberShown":
        """The member as it is shown."""
        return cls(profile_id=str(member.profile_id), added_at=member.added_at, added_by_run=member.added_by_run)


@router.post("", status_code=201, responses=CONFLICT)
async def create_list(body: NewList, visit: Writer, response: Response) -> ListShown:
    """Make a list with nobody on it."""
    async with visit.writing() as tx:
        made = await lists.create(tx, body.name)
    response.headers["Location"] = f"/v1/lists/{made.id}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("")
async def list_lists(visit: Reader, query: Annotated[ListQuery, Query()]) -> Page[ListShown]:
    """The account's lists in the order of their numbers."""
    listing = Listing.of(visit, query)
    chosen = lists.ListFilter(name=query.name, number=query.number, after=listing.number)
    async with visit.reading() as tx:
        found = await lists.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each.number,))


@router.get("/{list_id}", responses=ABSENT)
async def get_list(list_id: UUID, visit: Reader, response: Response) -> ListShown:
    """One list."""
    async with visit.reading() as tx:
        found = await lists.get(tx, list_id)
    versions.show(response, found.version)
    return _shown(found)


@router.get("/{list_id}/members", responses=ABSENT)
async def list_members_of_list(list_id: UUID, visit: Reader, query: Annotated[PageQuery, Query()]) -> Page[MemberShown]:
    """Who is on a list, in the order in which the profiles were made."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        one = await lists.get(tx, list_id)
        found = await list_members.page(tx, one.number, after_profile=listing.number, limit=listing.wanted)
    return listing.page(found, MemberShown.of, lambda each: (each.profile_id,))


@router.patch("/{list_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_list(
    list_id: UUID, body: ListChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> ListShown:
    """Give a list another name; its number stays."""
    async with visit.writing() as tx:
        held = await lists.lock(tx, list_id)
        if_match.require(held.version)
        if body.name != held.name:
            held = await lists.rename(tx, held, body.name)
    versions.show(response, held.version)
    return _shown(held)


@router.delete("/{list_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_list(list_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a list away; who was on it stays a contact. Refused while a goal names it."""
    async with visit.writing() as tx:
        held = await lists.lock(tx, list_id)
        if_match.require(held.version)
        await lists.delete(tx, held)


def _shown(stored: StoredList) -> ListShown:
    return ListShown.model_validate(stored, from_attributes=True)
