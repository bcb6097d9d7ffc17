"""`/v1/connections/{id}/data-exchange`: what a connection has brought in and sent out, in all.

Read from what runs leave when they complete; runs and their receipts are told elsewhere.
"""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.routes.answers import ABSENT, PROBLEMS
from shared.domain.scope import Scope
from shared.storage import connections, exchanges
from shared.storage.exchanges import Totals

router = APIRouter(prefix="/v1/connections", tags=["connections"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]


class Exchanged(BaseModel):
    """What all completed runs of one direction came to. Nothing is counted twice, whatever was repeated or killed."""

    profiles: int = Field(
        default=0,
        description="Unique profiles: each counts once, however often it came or went, and still when it is deleted. "
        "Imported are those that rows created, updated or found as they are; exported those whose rows were written",
    )
    runs: int = Field(default=0, description="Those that have completed, with rejects or without")
    files: int = Field(default=0, description="Files that came; or files of data that were delivered, parts included")
    rows: int = Field(default=0, description="Rows of these files without headers, rejected and skipped ones included")
    size_bytes: int = Field(default=0, description="Of these files, as they were transferred")
    first_at: datetime | None = Field(default=None, description="When the first of the runs completed")
    last_at: datetime | None = None


class DataExchange(BaseModel):
    """What a connection has exchanged. Runs from before an upgrade to the release that counts this are not in it."""

    connection_id: UUID
    imported: Exchanged
    exported: Exchanged


@router.get("/{connection_id}/data-exchange", responses=ABSENT)
async def get_data_exchange(connection_id: UUID, visit: Reader) -> DataExchange:
    """What a connection has imported and exported, in all: unique profiles, runs, files, rows and bytes."""
    async with visit.reading() as tx:
        await connections.get(tx, connection_id)
        found = await exchanges.totals(tx, connection_id)
    return DataExchange(
        connection_id=connection_id, imported=_shown(found.get("import")), exported=_shown(found.get("export"))
    )


def _shown(totals: Totals | None) -> Exchanged:
    return Exchanged() if totals is None else Exchanged.model_validate(totals, from_attributes=True)
