"""`/v1/goals/{id}/preview`: the first rows of a sample as a goal would read them, step by step. Nothing is stored."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import Field, TypeAdapter

from services.api.access import Visit, allowed
from services.api.patches import judged, merged
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS, Asked
from shared.domain.failures import Conflict
from shared.domain.goal import ImportGoal
from shared.domain.preview import MAX_PREVIEW_ROWS, Preview
from shared.domain.scope import Scope
from shared.storage import goals, kept_files, samples

router = APIRouter(prefix="/v1/goals", tags=["goals"], responses=PROBLEMS)
# It shows values of a file, which are people's: more than who may only read goals sees.
Writer = Annotated[Visit, Depends(allowed(Scope.GOALS_WRITE))]
_GOAL: TypeAdapter[ImportGoal] = TypeAdapter(ImportGoal)


class PreviewAsked(Asked):
    """Of which sample how much is to be shown."""

    sample_id: UUID
    rows: int = Field(default=20, ge=1, le=MAX_PREVIEW_ROWS)
    changes: dict[str, Any] | None = Field(
        default=None, description="Settings to try, which are not saved: a patch of the goal as PATCH takes it"
    )


@router.post("/{goal_id}/preview", responses=ABSENT | CONFLICT)
async def preview_goal(goal_id: UUID, body: PreviewAsked, visit: Writer) -> Preview:
    """Columns and first rows of a sample as the goal would read them: before and after each processor, and mapped.

    What would fail an import is its `trouble`. Processors that compare rows see the shown rows alone.
    """
    async with visit.reading() as tx:
        goal = (await goals.get(tx, goal_id)).goal
        sample = await samples.get(tx, body.sample_id)
        if not isinstance(goal, ImportGoal):
            raise Conflict("The goal is an export, and reads no file.")
        if sample.kept_file_id is None:
            raise Conflict("The sample has not been fetched.")
        kept = await kept_files.get(tx, sample.kept_file_id)
    if body.changes is not None:
        goal = judged(_GOAL, merged(goal.model_dump(mode="json", by_alias=True), body.changes))
    return await visit.tools.looking.preview(visit.caller.account_id, kept, goal, body.rows)
