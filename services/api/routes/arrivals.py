"""`/v1/arrivals`: every file that was ever seen, and what became of it."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, TimedQuery
from services.api.routes.answers import ABSENT, PROBLEMS
from shared.domain.arrival import ArrivalState
from shared.domain.failures import NotFound
from shared.domain.names import from_shown, shown
from shared.domain.run import Reason, RunState
from shared.domain.scope import Scope
from shared.storage import arrivals

router = APIRouter(prefix="/v1/arrivals", tags=["arrivals"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ))]


SHOWN = (
    "Within the home directory. What is not printable is escaped: `\\xff` is a byte (a control character, or no "
    "UTF-8), `\\u202e` a character, also one of a decomposed name; a backslash is doubled. Filters take both forms"
)
_MOST_CHARACTERS = 8_192


class ArrivalQuery(TimedQuery):
    """Which arrivals to list."""

    connection_id: UUID | None = None
    state: ArrivalState | None = None
    path: Annotated[str, Field(max_length=_MOST_CHARACTERS, description="The whole path")] | None = None
    path_prefix: Annotated[str, Field(max_length=_MOST_CHARACTERS, description="How it begins")] | None = None


class ArrivalShown(BaseModel):
    """One sighting of one file."""

    id: UUID
    connection_id: UUID
    path: str = Field(description=SHOWN)
    size_bytes: int | None = Field(description="null of what a one-shot import names, until the importer has looked")
    modified_at: datetime | None
    sighting: int
    state: ArrivalState
    reason: Reason | None = Field(description="Why it waits, why no goal takes it, or why it was removed (`expired`)")
    sha256: str | None
    expected_sha256: str | None = Field(description="What a checksum or a manifest beside it says")
    seen_at: datetime
    waiting_since: datetime | None = Field(description="While it waits: since it was first seen")
    overdue_at: datetime | None = Field(description="When it was told that it is not complete in time")
    accepted_at: datetime | None
    settled_at: datetime | None
    settled_as: str | None = Field(description="What became of the file: renamed, moved, deleted, left, ...")
    settled_path: str | None = Field(description="Where the file was put, shown like path")
    vanished_at: datetime | None
    expired_at: datetime | None = Field(
        description="When the file was removed, because its drop folder had kept it for its `retention_days`"
    )


class RunOfArrival(BaseModel):
    """A run that the file got."""

    run_id: UUID
    goal_id: UUID
    goal_version: int
    state: RunState


class ArrivalDetail(ArrivalShown):
    """One sighting with its runs."""

    runs: list[RunOfArrival]


@router.get("")
async def list_arrivals(visit: Reader, query: Annotated[ArrivalQuery, Query()]) -> Page[ArrivalShown]:
    """Files that were seen, newest sighting first."""
    listing = Listing.of(visit, query)
    chosen = arrivals.ArrivalFilter(
        connection_id=query.connection_id,
        state=query.state,
        path_prefixes=_both_forms(query.path_prefix),
        paths=_both_forms(query.path),
        since=query.since,
        until=query.until,
        before=listing.mark,
    )
    async with visit.reading() as tx:
        found = await arrivals.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each["seen_at"], each["arrival_id"]))


@router.get("/{arrival_id}", responses=ABSENT)
async def get_arrival(arrival_id: UUID, visit: Reader) -> ArrivalDetail:
    """One sighting, with the runs that it got."""
    async with visit.reading() as tx:
        found = await arrivals.get(tx, arrival_id)
        if found is None:
            raise NotFound
        runs = await arrivals.runs_of(tx, arrival_id)
    return ArrivalDetail(**_facts(found), runs=[RunOfArrival(**each) for each in runs])


def _both_forms(path: str | None) -> tuple[str, ...] | None:
    """What is asked for as it is and as it is shown: a name may hold a backslash."""
    return None if path is None else (path, from_shown(path))


def _shown(row: dict[str, Any]) -> ArrivalShown:
    return ArrivalShown(**_facts(row))


def _facts(row: dict[str, Any]) -> dict[str, Any]:
    code = row["reason_code"]
    reason = None if code is None else Reason(code=code, detail=row["reason_detail"] or "")
    facts = {name: row[name] for name in ArrivalShown.model_fields if name in row}
    facts["path"] = shown(row["path"])
    facts["settled_path"] = None if row["settled_path"] is None else shown(row["settled_path"])
    facts["waiting_since"] = row["seen_at"] if row["state"] == ArrivalState.WAITING else None
    unknown = {} if row["is_stamped"] else {"size_bytes": None, "modified_at": None}
    return {**facts, **unknown, "id": row["arrival_id"], "reason": reason}
