"""`/v1/runs/{id}/value-rejects` and `value-rejects.csv`: values that were not imported, of rows that were.

The file has the goal's identifier columns and those that had a bad value, nothing else: mended and dropped again it
sets these values and cannot add anything twice. It holds personal data, so the key needs `profiles:read` besides
`runs:read`.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.paging import Listing, Page
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS
from services.api.routes.rejects import RejectQuery, ended_import, has_rejects
from services.api.routes.runs import facts_of
from shared.domain.reject import MESSAGES, RejectCode, ValueReject
from shared.domain.scope import Scope
from shared.runtime.handed_back import value_rejects_file
from shared.storage import rejects

router = APIRouter(prefix="/v1/runs", tags=["runs"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ, Scope.PROFILES_READ))]

_START = (0, -1)


class ValueRejectShown(BaseModel):
    """One value that was not imported."""

    record_number: int = Field(description="1-based, counted after the header")
    line_number: int = Field(description="1-based line of the file on which the row begins")
    code: RejectCode
    field: str
    message: str
    raw: str = Field(description="The value as it was read")
    identifiers: list[str] = Field(description="What the row has in the goal's identifier columns, as it was read")


@router.get("/{run_id}/value-rejects", responses=ABSENT)
async def list_value_rejects(
    run_id: UUID, visit: Reader, query: Annotated[RejectQuery, Query()]
) -> Page[ValueRejectShown]:
    """Values that a run did not import, of rows that it did, in the order of the file; empty until it has ended."""
    listing = Listing.of(visit, query)
    key = listing.key
    after = _START if key is None else (int(str(key[0])), int(str(key[1])))
    async with visit.reading() as tx:
        run = await facts_of(tx, run_id)
        found: list[ValueReject] = []
        if has_rejects(run):
            found = await rejects.value_page(
                tx,
                run_id,
                run["token"],
                after=after,
                limit=listing.wanted,
                code=query.code,
                field=query.field,
            )
    return listing.page(found, _shown, lambda each: (each.record_number, each.position))


@router.get(
    "/{run_id}/value-rejects.csv",
    responses=ABSENT | CONFLICT | {200: {"content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}},
    response_class=StreamingResponse,
)
async def get_value_rejects_file(run_id: UUID, visit: Reader) -> StreamingResponse:
    """The same values with their identifiers, in the dialect of the original: mend and drop again."""
    async with visit.reading() as tx:
        run, goal = await ended_import(tx, run_id)
    headers = {"Content-Disposition": f'attachment; filename="value-rejects-{run_id}.csv"'}
    lines = await value_rejects_file(visit.reading, run, goal)
    return StreamingResponse(lines, media_type="text/csv", headers=headers)


def _shown(reject: ValueReject) -> ValueRejectShown:
    return ValueRejectShown(
        record_number=reject.record_number,
        line_number=reject.line_number,
        code=reject.code,
        field=reject.field,
        message=MESSAGES[reject.code],
        raw=reject.raw,
        identifiers=list(reject.identifiers),
    )
