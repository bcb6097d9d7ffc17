"""`/v1/group-types`: kinds of groups, such as companies and households, and what names one of them."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.failures import InvalidRequest
from shared.domain.group import GroupType
from shared.domain.scope import Scope
from shared.storage import group_types, properties
from shared.storage.group_types import StoredGroupType

router = APIRouter(prefix="/v1/group-types", tags=["groups"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


class GroupTypeChange(Asked):
    """What can be changed of a type; what is not sent stays."""

    label: str | None = Field(default=None, max_length=200, description="null takes it away")


class GroupTypeShown(BaseModel):
    """A type of groups."""

    name: str
    label: str
    identifier: str = Field(description="The property that names a group of the type within a domain group")
    version: int
    created_at: datetime


@router.post("", status_code=201, responses=CONFLICT)
async def create_group_type(body: GroupType, visit: Writer, response: Response) -> GroupTypeShown:
    """Make a type of groups. Its identifier is a property with the record type `group`."""
    async with visit.writing() as tx:
        known = {each.name: each for each in await properties.of_groups(tx)}
        found = known.get(body.identifier)
        if found is None or not found.is_identifier:
            code = "unknown_property" if found is None else "not_an_identifier"
            detail = f"Found {body.identifier!r}, expected a property of groups that is an identifier."
            raise Refused(InvalidRequest(), [FieldError(pointer="/identifier", code=code, detail=detail)])
        made = await group_types.create(tx, body)
    response.headers["Location"] = f"/v1/group-types/{made.type.name}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("")
async def list_group_types(visit: Reader, query: Annotated[PageQuery, Query()]) -> Page[GroupTypeShown]:
    """Types of groups in the order in which they were made."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        found = await group_types.page(tx, after=listing.number, limit=listing.wanted)
    return listing.page(found, _shown, lambda each: (each.number,))


@router.get("/{name}", responses=ABSENT)
async def get_group_type(name: str, visit: Reader, response: Response) -> GroupTypeShown:
    """One type of groups."""
    async with visit.reading() as tx:
        found = await group_types.get(tx, name)
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{name}", responses=ABSENT | VERSIONED)
async def change_group_type(
    name: str, body: GroupTypeChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> GroupTypeShown:
    """Give a type another label; its name and its identifier stay, because groups and segments rely on them."""
    async with visit.writing() as tx:
        held = await group_types.lock(tx, name)
        if_match.require(held.version)
        sent = {"label": body.label or ""} if "label" in body.model_fields_set else {}
        changed = held.type.model_copy(update=sent)
        if changed != held.type:
            held = await group_types.change(tx, held, changed)
    versions.show(response, held.version)
    return _shown(held)


@router.delete("/{name}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_group_type(name: str, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a type away. Refused while there are groups of it, or a goal or a segment names it."""
    async with visit.writing() as tx:
        held = await group_types.lock(tx, name)
        if_match.require(held.version)
        await group_types.delete(tx, held)


def _shown(stored: StoredGroupType) -> GroupTypeShown:
    return GroupTypeShown(**stored.type.model_dump(), version=stored.version, created_at=stored.created_at)
