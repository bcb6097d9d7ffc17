"""`/v1/goals/{id}/versions`: what a goal said, since when, by whose key, and what changed. Also of goals that ended."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.differences import Difference, differences
from services.api.paging import Listing, Page, TimedQuery
from services.api.routes.answers import ABSENT, PROBLEMS
from shared.domain.failures import NotFound
from shared.domain.goal import Goal
from shared.domain.scope import Scope
from shared.storage import goals
from shared.storage.database import Tx
from shared.storage.goals import SavedVersion

router = APIRouter(prefix="/v1/goals/{goal_id}/versions", tags=["goals"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.GOALS_READ))]
LARGEST = 2**31 - 1


class SavedBy(BaseModel):
    """The key that saved a version."""

    key_id: UUID
    name: str | None


class VersionShown(BaseModel):
    """One version of a goal."""

    number: int
    saved_at: datetime
    saved_by: SavedBy | None = Field(description="null for what was saved before this was noted")


class VersionDetail(VersionShown):
    """One version with what it says."""

    goal: Goal


class DiffShown(BaseModel):
    """What changed from one version to another."""

    from_version: int
    to_version: int
    differences: list[Difference]


@router.get("", responses=ABSENT)
async def list_goal_versions(goal_id: UUID, visit: Reader, query: Annotated[TimedQuery, Query()]) -> Page[VersionShown]:
    """A goal's versions, newest first."""
    listing = Listing.of(visit, query)
    chosen = goals.VersionFilter(before=listing.number or None, since=query.since, until=query.until)
    async with visit.reading() as tx:
        await goals.get(tx, goal_id, even_deleted=True)
        found = await goals.versions(tx, goal_id, chosen, listing.wanted)
    return listing.page(found, lambda each: VersionShown(**_facts(each)), lambda each: (each.number,))


@router.get("/{number}", responses=ABSENT)
async def get_goal_version(goal_id: UUID, number: int, visit: Reader) -> VersionDetail:
    """What a goal said in one of its versions."""
    async with visit.reading() as tx:
        saved, goal = await _version(tx, goal_id, number)
    return VersionDetail(**_facts(saved), goal=goal)


@router.get("/{number}/diff", responses=ABSENT)
async def diff_goal_versions(
    goal_id: UUID,
    number: int,
    visit: Reader,
    other: Annotated[
        int | None,
        Query(alias="from", ge=1, le=LARGEST, description="Compared with this version; else with the one before"),
    ] = None,
) -> DiffShown:
    """What changed in a version against another one."""
    earlier = max(number - 1, 1) if other is None else other
    async with visit.reading() as tx:
        _, before = await _version(tx, goal_id, earlier)
        _, after = await _version(tx, goal_id, number)
    plain = [each.model_dump(mode="json", by_alias=True) for each in (before, after)]
    return DiffShown(from_version=earlier, to_version=number, differences=differences(*plain))


async def _version(tx: Tx, goal_id: UUID, number: int) -> tuple[SavedVersion, Goal]:
    if not 0 < number <= LARGEST:
        raise NotFound
    return await goals.saved_version(tx, goal_id, number)


def _facts(saved: SavedVersion) -> dict[str, object]:
    by = None if saved.saved_by is None else SavedBy(key_id=saved.saved_by, name=saved.saved_by_name)
    return {"number": saved.number, "saved_at": saved.saved_at, "saved_by": by}
