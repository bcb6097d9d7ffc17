"""`/v1/runs/{id}/rejects` and `rejects.csv`: rows that were not imported, handed back.

They hold personal data, so the key needs `profiles:read` besides `runs:read`.
"""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page, PageQuery
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS
from services.api.routes.runs import facts_of
from shared.domain.failures import Conflict
from shared.domain.goal import AnyImport
from shared.domain.reject import MESSAGES, Reject, RejectCode
from shared.domain.scope import Scope
from shared.runtime.handed_back import rejects_file
from shared.storage import goals, rejects
from shared.storage.database import Tx

router = APIRouter(prefix="/v1/runs", tags=["runs"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ, Scope.PROFILES_READ))]


class RejectQuery(PageQuery):
    """Which rejects to list."""

    code: RejectCode | None = None
    field: Annotated[str, Field(max_length=1_000, description="The column that was at fault")] | None = None


class RejectShown(BaseModel):
    """One row that was not imported."""

    record_number: int = Field(description="1-based, counted after the header")
    line_number: int = Field(description="1-based line of the file on which the row begins")
    code: RejectCode
    field: str | None
    message: str
    byte_offset: int | None = Field(
        description="Of an undecodable row where that is known: its first byte that is no text, 0-based in the "
        "unpacked file or member"
    )
    raw: list[str] = Field(description="The row's fields as they were read; undecodable bytes as U+FFFD")


@router.get("/{run_id}/rejects", responses=ABSENT)
async def list_rejects(run_id: UUID, visit: Reader, query: Annotated[RejectQuery, Query()]) -> Page[RejectShown]:
    """A run's rejects in the order of the file; empty until it has ended."""
    listing = Listing.of(visit, query)
    async with visit.reading() as tx:
        run = await facts_of(tx, run_id)
        found: list[Reject] = []
        if has_rejects(run):
            found = await rejects.page(
                tx,
                run_id,
                run["token"],
                after_record=listing.number,
                limit=listing.wanted,
                code=query.code,
                field=query.field,
            )
    return listing.page(found, _shown, lambda each: (each.record_number,))


@router.get(
    "/{run_id}/rejects.csv",
    responses=ABSENT | CONFLICT | {200: {"content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=StreamingResponse,
)
async def get_rejects_file(run_id: UUID, visit: Reader) -> StreamingResponse:
    """A run's rejects in the columns and dialect of the original: mend and drop again."""
    async with visit.reading() as tx:
        run, goal = await ended_import(tx, run_id)
    headers = {"Content-Disposition": f'attachment; filename="rejects-{run_id}.csv"'}
    lines = await rejects_file(visit.reading, run, goal)
    return StreamingResponse(lines, media_type="text/csv", headers=headers)


async def ended_import(tx: Tx, run_id: UUID) -> tuple[dict[str, Any], AnyImport]:
    """A run of an import that has ended, and its goal as it was. Raises NotFound, Conflict."""
    run = await facts_of(tx, run_id)
    goal = await goals.version(tx, run["goal_id"], run["goal_version"])
    if not isinstance(goal, AnyImport):
        raise Conflict("An export has no rejects.")
    if not has_rejects(run):
        raise Conflict(f"Found the run {run['state']}; it has rejects once it has ended.")
    return run, goal


def has_rejects(run: dict[str, Any]) -> bool:
    """Rejects count once the run has ended under the token that they were found under."""
    return run["finished_at"] is not None and run["receipt"] is not None


def _shown(reject: Reject) -> RejectShown:
    return RejectShown(
        record_number=reject.record_number,
        line_number=reject.line_number,
        code=reject.code,
        field=reject.field,
        message=MESSAGES[reject.code],
        byte_offset=reject.byte_offset,
        raw=[part.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for part in reject.raw],
    )
