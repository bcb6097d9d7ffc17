"""`/v1/runs`: executions of goals; how far they are, what came out, and what people decide about them."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field, StrictBool

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, TimedQuery
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain import names
from shared.domain.failures import NotFound
from shared.domain.receipt import Receipt
from shared.domain.run import Reason, RunState, Waiting
from shared.domain.scope import Scope
from shared.observe.failpoints import reach
from shared.storage import decisions, runs
from shared.storage.database import Tx

router = APIRouter(prefix="/v1/runs", tags=["runs"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.RUNS_WRITE))]


class RunQuery(TimedQuery):
    """Which runs to list."""

    goal_id: UUID | None = None
    connection_id: UUID | None = None
    arrival_id: UUID | None = None
    state: RunState | None = None
    kind: Literal["import", "export"] | None = None


class ProgressShown(BaseModel):
    """How far a run is."""

    step: str | None
    rows_done: int
    bytes_done: int
    bytes_total: int


class ReturnShown(BaseModel):
    """What was put into the drop folder for the file's sender, where the goal says `rejects`."""

    state: Literal["asked", "returned", "failed"] = Field(description="`asked`: not done yet")
    files: list[str] = Field(description="Paths in the drop folder")
    reason_code: str | None = Field(description="Why it failed, or did not work so far")
    ended_at: datetime | None


class RunShown(BaseModel):
    """One execution of one version of a goal."""

    id: UUID
    kind: Literal["import", "export"]
    state: RunState
    waits_for: Waiting | None
    reason: Reason | None = Field(description="Why it waits, failed or was skipped, and what to do")
    connection_id: UUID
    goal_id: UUID
    goal_version: int
    arrival_id: UUID | None
    path: str | None = Field(description="Of the file that is imported, as its arrival shows it")
    size_bytes: int | None
    sha256: str | None
    delivered_name: str | None = Field(description="Of the file that was exported")
    replay: int = Field(description="Which one it is of the runs that were asked for again of the same file; 0: none")
    mends: UUID | None = Field(description="The run whose rejects the file handed back: its column `_run` says so")
    mended_by: list[UUID] = Field(description="The runs of files that handed rejects of this one back; at most 100")
    returned: ReturnShown | None
    attempt: int
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    retry_at: datetime | None
    approved_at: datetime | None
    progress: ProgressShown | None = Field(description="Only while it runs")
    receipt: Receipt | None


class RetryAsked(Asked):
    """How to retry."""

    out_of_order: StrictBool = Field(default=False, description="Also where a later file of the goal was imported")


@router.get("")
async def list_runs(visit: Reader, query: Annotated[RunQuery, Query()]) -> Page[RunShown]:
    """Runs, newest first; the names of a file's columns are told with the one run alone."""
    listing = Listing.of(visit, query)
    chosen = runs.RunFilter(
        goal_id=query.goal_id,
        connection_id=query.connection_id,
        arrival_id=query.arrival_id,
        state=query.state,
        kind=query.kind,
        since=query.since,
        until=query.until,
        before=listing.mark,
    )
    async with visit.reading() as tx:
        found = await runs.page(tx, chosen, listing.wanted)
    return listing.page(found, _shown, lambda each: (each["queued_at"], each["run_id"]))


@router.get("/{run_id}", responses=ABSENT)
async def get_run(run_id: UUID, visit: Reader) -> RunShown:
    """One run, with its progress while it runs and its receipt afterwards."""
    async with visit.reading() as tx:
        return await read_run(tx, run_id)


@router.post("/{run_id}/approve", responses=ABSENT | CONFLICT)
async def approve_run(run_id: UUID, visit: Writer) -> RunShown:
    """Let a run go on that waits for approval.

    What a guard asked is approved as the plan in the receipt, made by that version of the goal: where the run would do
    more when it is carried out, or the goal has changed, it waits again.
    """
    async with visit.writing() as tx:
        await decisions.approve(tx, run_id)
        shown = await read_run(tx, run_id)
    reach("api.approved")
    return shown


@router.post("/{run_id}/cancel", responses=ABSENT | CONFLICT | {202: {"model": RunShown, "description": "Asked"}})
async def cancel_run(run_id: UUID, visit: Writer, response: Response) -> RunShown:
    """End a run that has not begun; a running one is asked to stop, which takes some seconds or comes too late."""
    async with visit.writing() as tx:
        has_ended = await decisions.cancel(tx, run_id)
        shown = await read_run(tx, run_id)
    reach("api.cancelled")
    if not has_ended:
        response.status_code = 202
        response.headers["Location"] = f"/v1/runs/{run_id}"
    return shown


@router.post("/{run_id}/retry", status_code=202, responses=ABSENT | CONFLICT)
async def retry_run(run_id: UUID, visit: Writer, response: Response, body: RetryAsked | None = None) -> RunShown:
    """Queue a failed or cancelled run again, by what its goal says now."""
    async with visit.writing() as tx:
        await decisions.retry(tx, run_id, out_of_order=body is not None and body.out_of_order)
        shown = await read_run(tx, run_id)
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return shown


async def facts_of(tx: Tx, run_id: UUID) -> dict[str, Any]:
    """A run as the ledger has it. Raises NotFound."""
    found = await runs.get(tx, run_id)
    if found is None:
        raise NotFound
    return found


async def read_run(tx: Tx, run_id: UUID) -> RunShown:
    """A run as it is shown. Raises NotFound."""
    return _shown(await facts_of(tx, run_id))


def _shown(row: dict[str, Any]) -> RunShown:
    code = row["reason_code"]
    progress = {name: row[name] for name in ProgressShown.model_fields}
    returned = {name: row[f"return_{name}"] for name in ReturnShown.model_fields}
    returned["files"] = [names.shown(path) for path in returned["files"] or ()]
    shown = {name: row[name] for name in RunShown.model_fields if name in row}
    return RunShown.model_validate(
        {
            **shown,
            "id": row["run_id"],
            "path": None if row["path"] is None else names.shown(row["path"]),
            "mends": row["parent_run_id"],
            "returned": None if row["return_state"] is None else returned,
            "reason": None
            if code is None
            else Reason(code=code, detail=row["reason_detail"] or "", what_to_do=row["what_to_do"] or ""),
            # The lease is joined only while the run runs; without one there is no progress.
            "progress": None if row["rows_done"] is None else progress,
        }
    )
