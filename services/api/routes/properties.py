"""`/v1/properties`: the typed columns of the account's profiles, and of its groups.

A property keeps its name and type for good and cannot be taken away: goals and their versions, exports and what lies
in its column rely on it, and a dropped column would count against PostgreSQL's limit for ever. What every profile has
(`language`, `permission_level`) is shown with them, and their names are taken.
"""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, StrictBool, ValidationError
from pydantic_core import ErrorDetails

from services.api import versions
from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from shared.domain.failures import InvalidRequest
from shared.domain.property import (
    MAX_CHOICES,
    Alias,
    Choice,
    Language,
    Property,
    PropertyName,
    PropertyType,
    RecordType,
)
from shared.domain.scope import Scope
from shared.storage import properties
from shared.storage.properties import StoredProperty

router = APIRouter(prefix="/v1/properties", tags=["properties"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]


Whose = Annotated[RecordType, Query(description="Whose property it is")]
Choices = Annotated[list[Choice], Field(max_length=MAX_CHOICES, description="What a choice's values can be, in order")]
Aliases = Annotated[
    dict[Language, Annotated[list[Alias], Field(max_length=50)]],
    Field(max_length=50, description="Other names of its column in files, by language (BCP 47)"),
]


class NewProperty(Asked):
    """What makes a property. Name, type and being an identifier stay as they are."""

    record_type: RecordType = Field(default=RecordType.PROFILE, description="Whose property it is")
    name: PropertyName
    type: PropertyType
    identifier: StrictBool = False
    label: str = Field(default="", max_length=200)
    choices: Choices = Field(default=[])
    aliases: Aliases = Field(default={})


class PropertyChange(Asked):
    """What can be changed of a property; what is not sent stays."""

    label: str | None = Field(default=None, max_length=200, description="null takes it away")
    choices: Choices | None = Field(default=None, description="All of them; those that it has must be among them")
    aliases: Aliases | None = Field(default=None, description="All of them; null takes them away")


class PropertyQuery(PageQuery):
    """Which properties to list."""

    record_type: RecordType = RecordType.PROFILE
    type: PropertyType | None = None
    identifier: bool | None = None


class PropertyShown(BaseModel):
    """A property."""

    record_type: RecordType
    name: str
    type: PropertyType
    identifier: bool
    label: str
    choices: list[str]
    aliases: dict[str, list[str]]
    built_in: bool = Field(
        description="Whether every profile has it: then it is mapped like any other, and cannot be changed"
    )
    version: int
    created_at: datetime | None = Field(description="null where it is built in")


@router.post("", status_code=201, responses=CONFLICT)
async def define_property(body: NewProperty, visit: Writer, response: Response) -> PropertyShown:
    """Define a property: a column of its own in the account's profiles, or in its groups, of whatever type."""
    new = _checked(
        {
            "name": body.name,
            "type": body.type,
            "is_identifier": body.identifier,
            "label": body.label,
            "choices": body.choices,
            "aliases": body.aliases,
        }
    )
    async with visit.writing() as tx:
        await properties.define(tx, new, body.record_type)
        made = await properties.get(tx, new.name, body.record_type)
    which = "" if body.record_type is RecordType.PROFILE else f"?record_type={body.record_type}"
    response.headers["Location"] = f"/v1/properties/{new.name}{which}"
    versions.show(response, made.version)
    return _shown(made, body.record_type)


@router.get("")
async def list_properties(visit: Reader, query: Annotated[PropertyQuery, Query()]) -> Page[PropertyShown]:
    """Properties that are built in, then the others in the order in which they were defined; at most 400 of these."""
    listing = Listing.of(visit, query)
    chosen = properties.PropertyFilter(
        record=query.record_type, type=query.type, is_identifier=query.identifier, after=listing.mark
    )
    async with visit.reading() as tx:
        found = await properties.page(tx, chosen, listing.wanted)
    return listing.page(found, lambda each: _shown(each, query.record_type), lambda each: (each.created_at, each.id))


@router.get("/{name}", responses=ABSENT)
async def get_property(
    name: str, visit: Reader, response: Response, record_type: Whose = RecordType.PROFILE
) -> PropertyShown:
    """One property."""
    async with visit.reading() as tx:
        found = await properties.get(tx, name, record_type)
    versions.show(response, found.version)
    return _shown(found, record_type)


@router.patch("/{name}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_property(
    name: str,
    body: PropertyChange,
    visit: Writer,
    response: Response,
    if_match: versions.IfMatch,
    record_type: Whose = RecordType.PROFILE,
) -> PropertyShown:
    """Give a property another label, other aliases, more choices or another order of them. All else stays."""
    sent = body.model_fields_set
    async with visit.writing() as tx:
        stored = await properties.lock(tx, name, record_type)
        if_match.require(stored.version)
        found = stored.property
        changed = _checked(
            found.model_dump()
            | ({"label": body.label or ""} if "label" in sent else {})
            | ({"aliases": body.aliases or {}} if "aliases" in sent else {})
            | ({"choices": body.choices or []} if "choices" in sent else {})
        )
        lost = [choice for choice in found.choices if choice not in changed.choices]
        if lost:
            # Profiles and goals hold them.
            detail = f"Found {len(lost)} of its choices missing, expected all of them, in any order, and new ones."
            raise Refused(InvalidRequest(), [FieldError(pointer="/choices", code="invalid_value", detail=detail)])
        if changed != found:
            stored = await properties.change(tx, stored, changed, record_type)
    versions.show(response, stored.version)
    return _shown(stored, record_type)


def _checked(settings: dict[str, object]) -> Property:
    """The property. Raises Refused where its choices do not fit its type or each other."""
    try:
        return Property.model_validate(settings)
    except ValidationError as error:
        raise Refused(InvalidRequest(), [_flaw(each) for each in error.errors(include_url=False)]) from None


def _flaw(error: ErrorDetails) -> FieldError:
    pointer = "".join(f"/{part}" for part in error["loc"][:1]) or "/choices"
    return FieldError(pointer=pointer, code="invalid_value", detail=error["msg"].removeprefix("Value error, "))


def _shown(stored: StoredProperty, record: RecordType) -> PropertyShown:
    found = stored.property
    return PropertyShown(
        record_type=record,
        name=found.name,
        type=found.type,
        identifier=found.is_identifier,
        label=found.label,
        choices=list(found.choices),
        aliases={language: list(names) for language, names in found.aliases.items()},
        built_in=found.is_built_in,
        version=stored.version,
        created_at=None if found.is_built_in else stored.created_at,
    )
