"""`/v1/segments`: conditions with a name, and who fulfils them now. Exports and processors name segments."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID, uuid4

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.domain_group import number_named
from services.api.paging import Listing, Page, PageQuery
from services.api.problems import FieldError, Refused
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, VERSIONED, Asked
from services.api.values import Plain, plain
from shared.domain.condition import Condition
from shared.domain.failures import InvalidCondition, InvalidRequest
from shared.domain.lists import MAX_NAME_CHARACTERS
from shared.domain.property import MAX_PROPERTIES, Property, PropertyName
from shared.domain.scope import Scope
from shared.domain.segment import Segment, SegmentName
from shared.processing.condition_checks import segment_flaws
from shared.runtime.judging import clashes_by_name
from shared.storage import domain_groups, segment_profiles, segments
from shared.storage.asking import askable
from shared.storage.database import Tx
from shared.storage.segments import StoredSegment

router = APIRouter(prefix="/v1/segments", tags=["segments"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.PROFILES_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.PROFILES_WRITE))]

Description = Annotated[str, Field(max_length=2_000)]


class SegmentChange(Asked):
    """What changes of a segment; what is not sent stays."""

    name: SegmentName | None = Field(
        default=None,
        description="Refused where the files of exports that have it in their names would meet those of other goals "
        "(same_file_name, export_watched)",
    )
    description: Description | None = Field(default=None, description="null takes it away")
    condition: Condition | None = Field(default=None, description="The whole of it")


class SegmentQuery(PageQuery):
    """Which segments to show."""

    name: Annotated[str, Field(max_length=MAX_NAME_CHARACTERS)] | None = None


class SegmentShown(BaseModel):
    """A segment."""

    id: UUID
    name: str
    description: str
    condition: Condition
    version: int
    created_at: datetime


class CountAsked(Asked):
    """Whom to count."""

    domain_group: str | None = Field(default=None, description="Only its profiles; all where it is not given")


class SegmentCount(BaseModel):
    """How many profiles are in a segment."""

    profiles: int
    at: datetime = Field(description="The moment that days before and after now were counted from")


class SampleAsked(CountAsked):
    """How many profiles to show, and what of them."""

    limit: int = Field(default=20, ge=1, le=100)
    properties: tuple[PropertyName, ...] | None = Field(
        default=None, max_length=MAX_PROPERTIES, description="By name; the identifiers where it is not given"
    )


class ProfileSampled(BaseModel):
    """A profile of a segment."""

    id: str
    domain_group: str
    properties: dict[str, Plain] = Field(
        description="By name; integers and numbers as strings, dates and times in RFC 3339, null where there is none"
    )


class SegmentSample(BaseModel):
    """Some profiles of a segment."""

    items: list[ProfileSampled] = Field(description="The first of them, in the order in which they were made")
    at: datetime = Field(description="The moment that days before and after now were counted from")


_ALL = CountAsked()
_FIRST = SampleAsked()


@router.post("", status_code=201, responses=CONFLICT, response_model_exclude_defaults=True)
async def create_segment(body: Segment, visit: Writer, response: Response) -> SegmentShown:
    """Make a segment. Its condition must fit what the account has: properties, lists, segments, types of events."""
    async with visit.writing() as tx:
        await segments.begin_saving(tx)
        await _require_sound(tx, uuid4(), body)
        made = await segments.create(tx, body)
    response.headers["Location"] = f"/v1/segments/{made.id}"
    versions.show(response, made.version)
    return _shown(made)


@router.get("", response_model_exclude_defaults=True)
async def list_segments(visit: Reader, query: Annotated[SegmentQuery, Query()]) -> Page[SegmentShown]:
    """The account's segments by their names."""
    listing = Listing.of(visit, query)
    key = listing.key
    async with visit.reading() as tx:
        found = await segments.page(tx, name=query.name, after="" if key is None else str(key[0]), limit=listing.wanted)
    return listing.page(found, _shown, lambda each: (each.segment.name,))


@router.get("/{segment_id}", responses=ABSENT, response_model_exclude_defaults=True)
async def get_segment(segment_id: UUID, visit: Reader, response: Response) -> SegmentShown:
    """One segment."""
    async with visit.reading() as tx:
        found = await segments.get(tx, segment_id)
    versions.show(response, found.version)
    return _shown(found)


@router.patch("/{segment_id}", responses=ABSENT | CONFLICT | VERSIONED, response_model_exclude_defaults=True)
async def change_segment(
    segment_id: UUID, body: SegmentChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> SegmentShown:
    """Change a segment: whatever names it asks the new condition from now on."""
    async with visit.writing() as tx:
        await segments.begin_saving(tx)
        held = await segments.lock(tx, segment_id)
        if_match.require(held.version)
        changed = _changed(held.segment, body)
        if changed != held.segment:
            await _require_sound(tx, segment_id, changed)
            if changed.name != held.segment.name:
                await _require_apart(tx, segment_id, changed.name)
            held = await segments.change(tx, held, changed)
    versions.show(response, held.version)
    return _shown(held)


@router.delete("/{segment_id}", status_code=204, responses=ABSENT | CONFLICT | VERSIONED)
async def delete_segment(segment_id: UUID, visit: Writer, if_match: versions.IfMatch) -> None:
    """Take a segment away; its profiles stay. Refused while a goal or another segment names it."""
    async with visit.writing() as tx:
        await segments.begin_saving(tx)
        held = await segments.lock(tx, segment_id)
        if_match.require(held.version)
        await segments.delete(tx, held)


@router.post("/{segment_id}/count", responses=ABSENT)
async def count_segment(segment_id: UUID, visit: Reader, body: CountAsked = _ALL) -> SegmentCount:
    """How many profiles are in a segment now. Refused where that takes longer than 20 seconds."""
    now = datetime.now(UTC)
    async with visit.reading() as tx:
        condition = (await segments.get(tx, segment_id)).segment.condition
        known = await askable(tx, condition)
        group = await _domain_group(tx, body)
        count = await segment_profiles.count(tx, condition, known, now=now, domain_group=group)
    return SegmentCount(profiles=count, at=now)


@router.post("/{segment_id}/sample", responses=ABSENT)
async def sample_segment(segment_id: UUID, visit: Reader, body: SampleAsked = _FIRST) -> SegmentSample:
    """Some profiles that are in a segment now. Refused where that takes longer than 20 seconds."""
    now = datetime.now(UTC)
    async with visit.reading() as tx:
        condition = (await segments.get(tx, segment_id)).segment.condition
        known = await askable(tx, condition)
        chosen = _chosen(body, known.properties)
        found = await segment_profiles.some(
            tx,
            condition,
            known,
            chosen,
            now=now,
            domain_group=await _domain_group(tx, body),
            limit=body.limit,
        )
        groups = await domain_groups.names(tx)
    items = [
        ProfileSampled(
            id=str(each.id),
            domain_group=groups[each.domain_group],
            properties={name: plain(value) for name, value in each.values.items()},
        )
        for each in found
    ]
    return SegmentSample(items=items, at=now)


def _changed(segment: Segment, body: SegmentChange) -> Segment:
    sent: dict[str, object] = {"description": body.description or ""} if "description" in body.model_fields_set else {}
    sent |= {} if body.name is None else {"name": body.name}
    sent |= {} if body.condition is None else {"condition": body.condition}
    return segment.model_copy(update=sent)


async def _require_sound(tx: Tx, segment_id: UUID, segment: Segment) -> None:
    """Raises Refused with everything that is wrong with the condition."""
    known = await askable(tx, segment.condition, holds=True)
    flaws = list(segment_flaws(segment_id, segment.condition, known, "/condition"))
    if flaws:
        errors = [FieldError(pointer=flaw.pointer, code=flaw.code, detail=flaw.detail) for flaw in flaws]
        raise Refused(InvalidCondition(), errors)


async def _require_apart(tx: Tx, segment_id: UUID, name: str) -> None:
    """Raises Refused where files that are named after the segment would meet other goals of their connection."""
    errors = [
        FieldError(
            pointer="/name",
            code=clash.code,
            detail=f"Files of the goal {clash.goal_id} are named after the segment, and with that name would meet the "
            f"goal {clash.other_id}; expected another name, or another file_name or directory of one of the goals.",
        )
        for clash in await clashes_by_name(tx, segment_id, name)
    ]
    if errors:
        raise Refused(InvalidRequest(), errors)


async def _domain_group(tx: Tx, body: CountAsked) -> int | None:
    return None if body.domain_group is None else await number_named(tx, body.domain_group, "/domain_group")


def _chosen(body: SampleAsked, known: Mapping[str, Property]) -> list[Property]:
    if body.properties is None:
        return [each for each in known.values() if each.is_identifier and not each.is_built_in]
    errors = [
        FieldError(
            pointer=f"/properties/{number}",
            code="unknown_property",
            detail=f"There is no property {name!r} of the account.",
        )
        for number, name in enumerate(body.properties)
        if name not in known
    ]
    if errors:
        raise Refused(InvalidRequest(), errors)
    return [known[name] for name in dict.fromkeys(body.properties)]


def _shown(stored: StoredSegment) -> SegmentShown:
    return SegmentShown(
        id=stored.id,
        name=stored.segment.name,
        description=stored.segment.description,
        condition=stored.segment.condition,
        version=stored.version,
        created_at=stored.created_at,
    )
