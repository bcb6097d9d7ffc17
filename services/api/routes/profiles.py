"""`/v1/profiles`: people, looked up. Numbers travel as strings, so that none loses a digit on its way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError

from services.api.access import Visit, allowed
from services.api.domain_group import number_named
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, PROBLEMS
from services.api.values import Plain, plain
from shared.domain.consent import Suppression
from shared.domain.failures import NotFound
from shared.domain.property import Property
from shared.domain.scope import Scope
from shared.storage import domain_groups, group_members, list_members, profiles, properties
from shared.storage.asking import group_kinds
from shared.storage.database import Tx

router = APIRouter(prefix="/v1/profiles", tags=["profiles"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]

_OWN = ("limit", "cursor", "domain_group")
_PARAMETERS = [
    {
        "name": "limit",
        "in": "query",
        "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100},
        "description": "How many items at most",
    },
    {
        "name": "cursor",
        "in": "query",
        "schema": {"type": "string"},
        "description": "`next_cursor` of the page before",
    },
    {
        "name": "domain_group",
        "in": "query",
        "schema": {"type": "string"},
        "description": "Only profiles of this domain group; with identifiers `default` where not given",
    },
    {
        "name": "identifiers",
        "in": "query",
        "style": "form",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        "description": "Values of identifier properties by name, such as `email=ann@shop.example`",
    },
]


class ListOfProfile(BaseModel):
    """A list that a profile is on."""

    id: UUID
    number: int
    name: str
    added_at: datetime


class GroupOfProfile(BaseModel):
    """A group that a profile belongs to."""

    id: str
    type: str
    identifier: str = Field(description="The value that names it among the groups of its type")
    added_at: datetime


class ConsentShown(BaseModel):
    """What was last said about being written to."""

    at: datetime = Field(description="When consent was given or withdrawn, as far as that is known")
    source: str = Field(description="Where it came from: an import's `opt_in.source`, or its name")


class SuppressionShown(BaseModel):
    """Why nobody writes to a profile, whatever else it says."""

    reason: Suppression = Field(
        description="An import may lift `unsubscribed` and `bounced` where its goal says so; the others want a person"
    )
    at: datetime = Field(description="Only a later consent is newer")


class ProfileShown(BaseModel):
    """One person of the contact database."""

    id: str
    domain_group: str
    created_at: datetime
    updated_at: datetime
    created_by_run: UUID | None
    updated_by_run: UUID | None
    opt_in: bool | None = Field(description="null where nobody has said anything")
    consent: ConsentShown | None
    suppression: SuppressionShown | None
    language: str | None = Field(description="The language to write to the person in: a tag of BCP 47")
    permission_level: str | None = Field(
        description="How much may be kept: `0` nothing, `1` what is anonymous, `2` personal data"
    )
    properties: dict[str, Plain] = Field(
        description="By name; integers and numbers as strings, dates and times in RFC 3339, null where there is none"
    )
    groups: list[GroupOfProfile] = Field(
        description="That it belongs to: at most 100, those first that it was put into last"
    )
    lists: list[ListOfProfile] = Field(description="That it is on: at most 100, those first that it was put on last")


@router.get("", openapi_extra={"parameters": _PARAMETERS})
async def list_profiles(visit: Reader, request: Request) -> Page[ProfileShown]:
    """Profiles in the order in which they were made, or the one that all the given identifiers name."""
    named = {name: value for name, value in request.query_params.items() if name not in _OWN}
    query = _page_query({name: value for name, value in request.query_params.items() if name in ("limit", "cursor")})
    group = request.query_params.get("domain_group")
    listing = Listing.of(visit, query, {"domain_group": group, "identifiers": named})
    async with visit.reading() as tx:
        known = await properties.list_all(tx)
        if named:
            number = await number_named(tx, group or domain_groups.DEFAULT, "?domain_group")
            one = await profiles.find(tx, known, number, named)
            found = [] if one is None else [one]
        else:
            number_or_all = None if group is None else await number_named(tx, group, "?domain_group")
            found = await profiles.page(
                tx, known, after_id=listing.number, limit=listing.wanted, domain_group=number_or_all
            )
        beside = await _beside(tx, [each.id for each in found])
    return listing.page(found, lambda each: _shown(each, known, beside), lambda each: (each.id,))


@router.get("/{profile_id}", responses=ABSENT)
async def get_profile(profile_id: int, visit: Reader) -> ProfileShown:
    """One profile."""
    if not 0 < profile_id < 2**63:
        raise NotFound
    async with visit.reading() as tx:
        known = await properties.list_all(tx)
        found = await profiles.get(tx, known, profile_id)
        beside = await _beside(tx, [profile_id])
    if found is None:
        raise NotFound
    return _shown(found, known, beside)


def _page_query(sent: dict[str, str]) -> PageQuery:
    try:
        return PageQuery.model_validate(sent)
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("query", *each["loc"])} for each in error.errors(include_url=False, include_input=False)]
        ) from None


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is shown of profiles beside their own records."""

    domain_groups: Mapping[int, str]
    lists: Mapping[int, Sequence[list_members.ListOfProfile]]
    groups: Mapping[int, Sequence[GroupOfProfile]]


async def _beside(tx: Tx, profile_ids: Sequence[int]) -> _Beside:
    kinds = {kind.number: (name, kind.identifier) for name, kind in (await group_kinds(tx)).items()}
    found = await group_members.groups_of(tx, profile_ids, [each for _, each in kinds.values()]) if kinds else {}
    groups: dict[int, list[GroupOfProfile]] = {}
    for profile_id, each in ((profile_id, each) for profile_id, several in found.items() for each in several):
        name, identifier = kinds[each.group_type]
        value = str(plain(each.values[identifier.name]))
        one = GroupOfProfile(id=str(each.id), type=name, identifier=value, added_at=each.added_at)
        groups.setdefault(profile_id, []).append(one)
    return _Beside(await domain_groups.names(tx), await list_members.lists_of(tx, profile_ids), groups)


def _shown(profile: profiles.Profile, known: Sequence[Property], beside: _Beside) -> ProfileShown:
    return ProfileShown(
        id=str(profile.id),
        domain_group=beside.domain_groups[profile.domain_group],
        created_at=profile.created_at,
        updated_at=profile.updated_at,
        created_by_run=profile.created_by_run,
        updated_by_run=profile.updated_by_run,
        opt_in=profile.opt_in,
        groups=list(beside.groups.get(profile.id, ())),
        lists=[ListOfProfile.model_validate(each, from_attributes=True) for each in beside.lists.get(profile.id, ())],
        consent=_consent(profile),
        suppression=_suppression(profile),
        language=profile.language,
        permission_level=profile.permission_level,
        properties={each.name: plain(profile.values[each.name]) for each in known if not each.is_built_in},
    )


def _consent(profile: profiles.Profile) -> ConsentShown | None:
    if profile.consent_at is None or profile.consent_source is None:
        return None
    return ConsentShown(at=profile.consent_at, source=profile.consent_source)


def _suppression(profile: profiles.Profile) -> SuppressionShown | None:
    if profile.suppression is None or profile.suppressed_at is None:
        return None
    return SuppressionShown(reason=profile.suppression, at=profile.suppressed_at)
