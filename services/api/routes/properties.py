"""`/v1/properties`: the typed columns of the account's profiles."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from services.api.access import Visit, allowed
from services.api.paging import Page
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain.failures import NotFound
from shared.domain.property import Property, PropertyName, PropertyType
from shared.domain.scope import Scope
from shared.storage import properties

router = APIRouter(prefix="/v1/properties", tags=["properties"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


class NewProperty(Asked):
    """What makes a property. Name, type and being an identifier stay as they are."""

    name: PropertyName
    type: PropertyType
    identifier: bool = False
    label: str = Field(default="", max_length=200)


@router.post("", status_code=201, responses=CONFLICT)
async def define_property(body: NewProperty, visit: Writer, response: Response) -> Property:
    """Define a property: a column of its own in the account's profiles."""
    new = Property(name=body.name, type=body.type, is_identifier=body.identifier, label=body.label)
    async with visit.writing() as tx:
        await properties.define(tx, new)
    response.headers["Location"] = f"/v1/properties/{new.name}"
    return new


@router.get("")
async def list_properties(visit: Reader) -> Page[Property]:
    """All properties in the order in which they were defined; at most 400."""
    async with visit.reading() as tx:
        return Page(items=await properties.list_all(tx), next_cursor=None)


@router.get("/{name}", responses=ABSENT)
async def get_property(name: str, visit: Reader) -> Property:
    """One property."""
    async with visit.reading() as tx:
        for each in await properties.list_all(tx):
            if each.name == name:
                return each
    raise NotFound
