"""`GET /v1/runs/{id}/progress`: server-sent events (HTML Living Standard, 9.2) until the run has ended."""

from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.api.access import Visit, allowed, effective_scopes
from services.api.routes.answers import ABSENT, PROBLEMS
from services.api.routes.runs import ProgressShown, read_run
from services.api.streams import Event
from shared.domain.failures import NotFound
from shared.domain.run import ENDED, Reason, RunState, Waiting
from shared.domain.scope import Scope
from shared.storage import keys, runs
from shared.storage.database import Tx

router = APIRouter(prefix="/v1/runs", tags=["runs"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ))]


class ProgressEvent(BaseModel):
    """How a run stands, where it has not ended."""

    run_id: UUID
    state: RunState
    waits_for: Waiting | None
    reason: Reason | None
    attempt: int
    progress: ProgressShown | None


class _Stream(StreamingResponse):
    """Events, with the place among the account's streams that is given back at their end.

    FastAPI's own class for them answers before the run was looked for, so that nothing could be refused any more.
    """

    media_type = "text/event-stream"

    def __init__(self, content: AsyncIterator[bytes], place: AbstractContextManager[None]) -> None:
        # A proxy that gathers answers would hold events back.
        super().__init__(content, headers={"X-Accel-Buffering": "no"})
        self._place = place

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._place.__exit__(None, None, None)


@router.get(
    "/{run_id}/progress",
    response_class=StreamingResponse,
    response_model=None,
    responses=ABSENT
    | {
        200: {
            "description": "`progress` when something has changed, `end` with the run and its receipt",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        204: {"description": "The client has had the end: it need not come again"},
    },
)
async def follow_run(
    run_id: UUID,
    visit: Reader,
    last_event_id: Annotated[str | None, Header(max_length=100, description="Of the last event that was had")] = None,
) -> Response:
    """Follow a run. A stream lasts a quarter of an hour at most; come again with `Last-Event-ID`."""
    streams = visit.tools.streams

    async def read() -> Event:
        async with visit.reading() as tx:
            return await _event(tx, run_id)

    async def is_allowed() -> bool:
        async with visit.reading() as tx:
            key = await keys.get(tx, visit.caller.key_id)
        has_expired = key is None or (key.expires_at is not None and key.expires_at <= datetime.now(UTC))
        is_good = key is not None and key.revoked_at is None and not has_expired
        return is_good and Scope.RUNS_READ in effective_scopes(visit.caller)

    first = await read()
    if first.is_last and last_event_id == first.id:
        return Response(status_code=204)
    place = streams.place(visit.caller.account_id)
    place.__enter__()
    return _Stream(streams.follow(run_id, read, is_allowed, last_event_id), place)


async def _event(tx: Tx, run_id: UUID) -> Event:
    """What there is to tell of the run. Raises NotFound."""
    row = await runs.progress(tx, run_id)
    if row is None:
        raise NotFound
    if RunState(row["state"]) in ENDED:
        return Event("end", (await read_run(tx, run_id)).model_dump_json())
    code = row["reason_code"]
    shown = ProgressEvent(
        run_id=run_id,
        state=row["state"],
        waits_for=row["waits_for"],
        reason=None
        if code is None
        else Reason(code=code, detail=row["reason_detail"] or "", what_to_do=row["what_to_do"] or ""),
        attempt=row["attempt"],
        progress=None
        if row["rows_done"] is None
        else ProgressShown(**{name: row[name] for name in ProgressShown.model_fields}),
    )
    return Event("progress", shown.model_dump_json())
