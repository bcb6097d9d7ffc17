"""`/v1/connections/{id}/runs` and `/round`: a connection's goals, carried out one after another."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from services.api.access import Visit, allowed
from services.api.routes.answers import ABSENT, CONFLICT, PROBLEMS
from services.api.routes.goals import RunsAsked
from shared.domain.export_goal import ExportGoal
from shared.domain.scope import Scope
from shared.storage import connections, decisions, goals, turns

router = APIRouter(prefix="/v1/connections/{connection_id}", tags=["connections", "runs"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.RUNS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.RUNS_WRITE))]


class TurnShown(BaseModel):
    """A goal's turn in a round."""

    goal_id: UUID
    asked_at: datetime
    begun_at: datetime | None = Field(description="null of one that is still to come")
    run_id: UUID | None = Field(description="Of an export that has begun; an import may have several runs, or none")


class RoundShown(BaseModel):
    """The goals that are carried out one after another: the first is under way, or begins soon."""

    turns: list[TurnShown]


@router.post("/runs", status_code=202, responses=ABSENT | CONFLICT)
async def run_connection(connection_id: UUID, visit: Writer, response: Response) -> RunsAsked:
    """Carry out all active goals now in their order, each once the one before has ended, however it did.

    What is asked for while goals are carried out so comes behind them; one that is still to come is enough. `round`
    of the connection shows whose turn it is.
    """
    async with visit.writing() as tx:
        active = [each for each in await goals.of_connection(tx, connection_id) if each.goal.active]
        if any(isinstance(each.goal, ExportGoal) for each in active):
            visit.require(Scope.EXPORTS_WRITE)
        run_ids = await decisions.run_round(tx, connection_id)
        is_looking = any(
            turn.takes_files and turn.run_id is None for turn in await turns.of_connection(tx, connection_id)
        )
    response.headers["Location"] = f"/v1/connections/{connection_id}/round"
    return RunsAsked(run_ids=run_ids, is_looking=is_looking)


@router.get("/round", responses=ABSENT)
async def get_round(connection_id: UUID, visit: Reader) -> RoundShown:
    """Whose turn it is where a connection's goals are carried out one after another, and who follows."""
    async with visit.reading() as tx:
        await connections.get(tx, connection_id)
        found = [turn for turn in await turns.of_connection(tx, connection_id) if turn.in_round]
    return RoundShown(turns=[TurnShown.model_validate(turn, from_attributes=True) for turn in found])


@router.delete("/round", status_code=204, responses=ABSENT)
async def end_round(connection_id: UUID, visit: Writer) -> None:
    """Call off the turns that have not begun; what has begun goes on."""
    async with visit.writing() as tx:
        await connections.get(tx, connection_id)
        await turns.drop_round(tx, connection_id)
