"""`/v1/groups`: companies, households and the like, and who belongs to them. Values travel as those of profiles do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, StringConstraints

from services.api import versions
from services.api.access import Visit, allowed
from services.api.domain_group import number_named
from services.api.event_batch import Values
from services.api.paging import Listing, Page, PageQuery
from services.api.pointers import escaped
from services.api.problems import FIELD_CODES, FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from services.api.routes.lists import MemberShown
from services.api.values import Plain, plain
from shared.domain.failures import InvalidRequest, NotFound
from shared.domain.group import MAX_MEMBERS_AT_ONCE, GroupTypeName
from shared.domain.identifier import key_of
from shared.domain.reject import MESSAGES, RejectCode
from shared.domain.scope import Scope
from shared.processing.group_values import TypedGroup, typed_group
from shared.storage import domain_groups, group_members, groups, properties
from shared.storage.asking import group_kinds
from shared.storage.database import Tx
from shared.storage.group_types import hold, list_all
from shared.storage.groups import Group, GroupFilter

router = APIRouter(prefix="/v1/groups", tags=["groups"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]
ProfileId = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,18}\z")]
ProfileIds = Annotated[tuple[ProfileId, ...], Field(max_length=MAX_MEMBERS_AT_ONCE)]


class NewGroup(Asked):
    """What makes a group."""

    type: GroupTypeName
    domain_group: str = "default"
    properties: Values = Field(description="By name; the type's identifier must be among them")


class GroupChange(Asked):
    """What changes of a group."""

    properties: Values = Field(description="By name; null takes a value away, and what is not sent stays")


class GroupQuery(PageQuery):
    """Which groups to show."""

    type: GroupTypeName | None = None
    domain_group: Annotated[str, Field(max_length=50)] | None = None
    identifier: Annotated[str, Field(max_length=1_000)] | None = Field(
        default=None, description="A value of the identifier of the type, which must be given with it"
    )


class MembersChange(Asked):
    """Who comes into a group, and who leaves it."""

    add: ProfileIds = Field(default=(), description="Ids of profiles of the group's domain group")
    remove: ProfileIds = Field(default=(), description="Who does not belong to the group is passed over")


class MembersChanged(BaseModel):
    """What came of it."""

    added: int = Field(description="How many did not belong to the group before")
    removed: int = Field(description="How many belonged to it")


class GroupShown(BaseModel):
    """A group."""

    id: str
    type: str
    domain_group: str
    properties: dict[str, Plain] = Field(
        description="By name; integers and numbers as strings, dates and times in RFC 3339, null where there is none"
    )
    members: int = Field(description="How many profiles belong to it")
    version: int
    created_at: datetime
    updated_at: datetime


@router.post("", status_code=201, responses=CONFLICT)
async def create_group(body: NewGroup, visit: Writer, response: Response) -> GroupShown:
    """Make a group with nobody in it."""
    async with visit.writing() as tx:
        known = await properties.of_groups(tx)
        kind = (await hold(tx, [body.type])).get(body.type)
        if kind is None:
            raise _unknown_type(body.type, "/type")
        number = await number_named(tx, body.domain_group, "/domain_group")
        sent = {kind.type.identifier: None} | body.properties
        typed = _typed(typed_group(known, sent, kind.type.identifier))
        group_id = await groups.create(tx, kind.number, number, typed.columns, typed.keys)
        made = await groups.get(tx, known, group_id)
        shown = await _shown(tx, [made])
    response.headers["Location"] = f"/v1/groups/{made.id}"
    versions.show(response, made.version)
    return shown[0]


@router.get("")
async def list_groups(visit: Reader, query: Annotated[GroupQuery, Query()]) -> Page[GroupShown]:
    """Groups in the order in which they were made, or the one of a type that an identifier names."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        known = await properties.of_groups(tx)
        chosen = await _filter(tx, query, listing.number)
        found = await groups.page(tx, known, chosen, listing.wanted)
        shown = dict(zip([each.id for each in found], await _shown(tx, found), strict=True))
    return listing.page(found, lambda each: shown[each.id], lambda each: (each.id,))


@router.get("/{group_id}", responses=ABSENT)
async def get_group(group_id: int, visit: Reader, response: Response) -> GroupShown:
    """One group."""
    _require_possible(group_id)
    async with visit.reading() as tx:
        found = await groups.get(tx, await properties.of_groups(tx), group_id)
        shown = await _shown(tx, [found])
    versions.show(response, found.version)
    return shown[0]


@router.patch("/{group_id}", responses=ABSENT | CONFLICT | VERSIONED)
async def change_group(
    group_id: int, body: GroupChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> GroupShown:
    """Give a group other values; its type and its domain group stay."""
    _require_possible(group_id)
    async with visit.writing() as tx:
        known = await properties.of_groups(tx)
        held = await groups.lock(tx, known, group_id)
        if_match.require(held.version)
        kinds = {each.number: each.type for each in await list_all(tx)}
        typed = _typed(typed_group(known, body.properties, kinds[held.group_type].identifier))
        before = {each.column: held.values[each.name] for each in known}
        if any(before[column] != value for column, value in typed.columns.items() if column in before):
            await groups.change(tx, held, typed.columns, typed.keys)
            held = await groups.get(tx, known, group_id)
        shown = await _shown(tx, [held])
    versions.show(response, held.version)
    return shown[0]


@router.delete("/{group_id}", status_code=204, responses=ABSENT | VERSIONED)
async def delete_group(group_id: int, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a group away; who belonged to it stays a contact."""
    _require_possible(group_id)
    async with visit.writing() as tx:
        held = await groups.lock(tx, [], group_id)
        if_match.require(held.version)
        await groups.delete(tx, held)


@router.get("/{group_id}/members", responses=ABSENT)
async def list_group_members(group_id: int, visit: Reader, query: Annotated[PageQuery, Query()]) -> Page[MemberShown]:
    """Who belongs to a group, in the order in which the profiles were made."""
    _require_possible(group_id)
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        await groups.get(tx, [], group_id)
        found = await group_members.page(tx, group_id, after_profile=listing.number, limit=listing.wanted)
    return listing.page(found, MemberShown.of, lambda each: (each.profile_id,))


@router.post("/{group_id}/members", responses=ABSENT)
async def change_group_members(group_id: int, body: MembersChange, visit: Writer) -> MembersChanged:
    """Put profiles into a group and take others out, at once. A profile may belong to many groups."""
    _require_possible(group_id)
    both = sorted(set(body.add) & set(body.remove))
    if both:
        detail = f"Found {len(both)} profiles in add and in remove."
        raise Refused(InvalidRequest(), [FieldError(pointer="/remove", code="invalid_value", detail=detail)])
    async with visit.writing() as tx:
        held = await groups.lock(tx, [], group_id)
        await _require_fitting(tx, body.add, held)
        removed = await group_members.remove(tx, group_id, _numbers(body.remove))
        added = await group_members.add(tx, group_id, _numbers(body.add))
    return MembersChanged(added=added, removed=removed)


def _require_possible(group_id: int) -> None:
    if not 0 < group_id < 2**63:
        raise NotFound


def _numbers(ids: Sequence[str]) -> set[int]:
    """Those that a profile can have."""
    return {int(each) for each in ids if int(each) < 2**63}


async def _require_fitting(tx: Tx, ids: Sequence[str], group: Group) -> None:
    known = await group_members.fitting(tx, _numbers(ids), group.domain_group)
    errors = [
        FieldError(pointer=f"/add/{number}", code="unknown_profile", detail=FIELD_CODES["unknown_profile"])
        for number, each in enumerate(ids)
        if int(each) not in known
    ]
    if errors:
        raise Refused(InvalidRequest(), errors[:100])


async def _filter(tx: Tx, query: GroupQuery, after: int) -> GroupFilter:
    number = None if query.domain_group is None else await number_named(tx, query.domain_group, "?domain_group")
    if query.type is None:
        if query.identifier is not None:
            detail = "Found an identifier without a type, expected both: the type says which property it is."
            raise Refused(InvalidRequest(), [FieldError(pointer="?type", code="missing_field", detail=detail)])
        return GroupFilter(domain_group=number, after=after)
    kind = (await group_kinds(tx)).get(query.type)
    if kind is None:
        raise _unknown_type(query.type, "?type")
    key = None
    if query.identifier is not None:
        key = kind.identifier.key_column, key_of(query.identifier, kind.identifier.type)
    return GroupFilter(kind.number, number, key, after)


def _unknown_type(name: str, pointer: str) -> Refused:
    detail = f"The account has no type of groups {name!r}."
    return Refused(InvalidRequest(), [FieldError(pointer=pointer, code="unknown_group_type", detail=detail)])


def _typed(group: TypedGroup) -> TypedGroup:
    """Raises Refused where something is wrong with it."""
    if group.code is None:
        return group
    known = {code.value: sentence for code, sentence in MESSAGES.items()} | FIELD_CODES
    detail = known[group.code]
    if group.code == RejectCode.NO_IDENTIFIER.value:
        detail = "The identifier of the group's type must have a value."
    pointer = "".join(f"/{escaped(step)}" for step in group.at)
    raise Refused(InvalidRequest(), [FieldError(pointer=pointer, code=group.code, detail=detail)])


async def _shown(tx: Tx, found: Sequence[Group]) -> list[GroupShown]:
    names = await domain_groups.names(tx)
    kinds = {each.number: each.type.name for each in await list_all(tx)}
    return [
        GroupShown(
            id=str(each.id),
            type=kinds[each.group_type],
            domain_group=names[each.domain_group],
            properties={name: plain(value) for name, value in each.values.items()},
            members=each.members,
            version=each.version,
            created_at=each.created_at,
            updated_at=each.updated_at,
        )
        for each in found
    ]
