"""`POST /api/2.0/imports/sftp`: the one-shot import of seed 002. An API of its own, with its own names, on our road.

It answers at once with a run; what the run needs of the partner's server is the importer's to fetch.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, Response
from pydantic import Field

from services.api.access import Visit, allowed
from services.api.one_shot.asked import OneShotAsked, asked_of
from services.api.one_shot.goal import Known, Wanted, wanted
from services.api.problems import FieldError, Refused
from services.api.routes.answers import CONFLICT, PROBLEMS
from services.api.routes.goals import judged_goal
from services.api.routes.runs import RunShown, read_run
from shared.domain.connection import Login
from shared.domain.failures import InvalidRequest
from shared.domain.goal import ImportGoal
from shared.domain.integration import Integration
from shared.domain.lists import MAX_NUMBER
from shared.domain.run import Reason
from shared.domain.scope import Scope
from shared.observe.failpoints import reach
from shared.storage import built_in_connections, integrations, lists, one_shots, properties
from shared.storage.connections import StoredConnection
from shared.storage.database import Tx
from shared.storage.one_shots import Errand

router = APIRouter(prefix="/api/2.0/imports", tags=["one-shot imports"], responses=PROBLEMS)
Asker = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE, Scope.GOALS_WRITE, Scope.RUNS_WRITE))]
_SCHEMA = {"$ref": f"#/components/schemas/{OneShotAsked.__name__}"}


class OneShotStarted(RunShown):
    """The run of a one-shot import."""

    warnings: list[Reason] = Field(description="What was passed over, also told in the receipt")


@router.post(
    "/sftp",
    status_code=202,
    responses=CONFLICT,
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": _SCHEMA}}}},
)
async def start_one_shot_import(
    body: Annotated[dict[str, Any], Body()], visit: Asker, response: Response
) -> OneShotStarted:
    """Fetch one file from an SFTP server and import it, now and once.

    A server that has refused four logins within ten minutes is left alone until that is over (`too_many_refusals`), but
    for users whom it has let in since.

    A key comes as `Authorization: Basic`, its prefix as the user and its secret as the password. The server's host
    key is pinned when it is first seen, for each host and port; where it is another one later, nothing is sent there.
    The password is kept sealed until the run ends, and then deleted; so a run that failed is not retried but asked
    for again. The file stays as it is. Nobody is opted in or out. Where its column of e-mail addresses holds no valid
    one the first row is a header; the receipt says which it was taken for. Dates and the encoding are found out, and
    what can be read in two ways fails.
    """
    asked, spelled = asked_of(body)
    async with visit.writing() as tx:
        await integrations.require(tx, Integration.ONE_SHOT_IMPORTS)
        known = Known(
            properties=await properties.list_all(tx),
            lists=[each.number for each in await lists.hold(tx, [n for n in asked.list_ids if n <= MAX_NUMBER])],
            unique_property=visit.tools.one_shot_unique_property,
            email=visit.caller.email,
        )
        plan = wanted(asked, spelled, known)
        credentials = asked.credentials
        connection = await built_in_connections.hold_one_shot(tx, credentials.hostname, credentials.port)
        await one_shots.require_rest(tx, connection.id, credentials.username)
        goal = await _judged(tx, visit, connection, plan)
        login = Login(password=credentials.password)
        errand = Errand(credentials.file, credentials.username, login, plan.email_position, plan.warnings)
        caller = visit.caller
        run_id = await one_shots.start(
            tx, visit.tools.keys, connection, goal, errand, email=caller.email, saved_by=caller.key_id
        )
        shown = await read_run(tx, run_id)
        reach("api.one_shot")
    response.headers["Location"] = f"/v1/runs/{run_id}"
    return OneShotStarted(**shown.model_dump(), warnings=list(plan.warnings))


async def _judged(tx: Tx, visit: Visit, connection: StoredConnection, plan: Wanted) -> ImportGoal:
    """The goal as it will be saved. Raises Refused, whose pointers lead into the request."""
    known = await one_shots.goal_of_name(tx, connection, plan.goal.name)
    try:
        goal = await judged_goal(tx, visit, connection, plan.goal, known)
    except Refused as refused:
        raise Refused(InvalidRequest(), [_of_request(each, plan) for each in refused.errors]) from refused
    assert isinstance(goal, ImportGoal)
    return goal


def _of_request(error: FieldError, plan: Wanted) -> FieldError:
    entries: Mapping[str, str] = {
        "/identifiers/0": plan.pointers[0],
        **{f"/mapping/{number}": pointer for number, pointer in enumerate(plan.pointers[1:])},
    }
    parts = error.pointer.split("/")
    return error.model_copy(update={"pointer": entries.get("/".join(parts[:3]), "")})
