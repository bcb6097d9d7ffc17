"""`/v1/integrations`: ways in which the account meets other systems, switched on, paused and off by its owner."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, Field

from services.api import versions
from services.api.access import Visit, allowed
from services.api.routes.answers import PROBLEMS, VERSIONED, Asked
from shared.domain.integration import Integration, IntegrationState
from shared.domain.scope import Scope
from shared.storage import integrations
from shared.storage.integrations import StoredIntegration

router = APIRouter(prefix="/v1/integrations", tags=["integrations"], responses=PROBLEMS)
Reader = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_READ))]
Writer = Annotated[Visit, Depends(allowed(Scope.CONNECTIONS_WRITE))]

_STATE = (
    "`active`: used; `paused`: logins are refused, nothing is looked at, and runs wait until it is active again; "
    "`off`: the same, and nothing new is made that needs it"
)
_HOSTED = f"Partners log in at Tidegate, which hosts their folders; off for a new account. {_STATE}"
_PARTNERS = f"Tidegate logs in at partners' servers, and uses directories that are mounted. {_STATE}"
_ONE_SHOT = f"A request names a file on a server, and it is imported. {_STATE}"


class IntegrationsChange(Asked):
    """What changes; what is not named stays."""

    # Made by a factory, so that the document shows no default: there is none.
    hosted_folders: IntegrationState = Field(default_factory=lambda: IntegrationState.ACTIVE, description=_HOSTED)
    partner_servers: IntegrationState = Field(default_factory=lambda: IntegrationState.ACTIVE, description=_PARTNERS)
    one_shot_imports: IntegrationState = Field(default_factory=lambda: IntegrationState.ACTIVE, description=_ONE_SHOT)


class IntegrationsShown(BaseModel):
    """How the account's integrations stand."""

    hosted_folders: IntegrationState = Field(description=_HOSTED)
    partner_servers: IntegrationState = Field(description=_PARTNERS)
    one_shot_imports: IntegrationState = Field(description=_ONE_SHOT)
    version: int


@router.get("")
async def get_integrations(visit: Reader, response: Response) -> IntegrationsShown:
    """How the account's integrations stand."""
    async with visit.reading() as tx:
        found = await integrations.all_(tx)
    return _shown(found, response)


@router.patch("", responses=VERSIONED)
async def change_integrations(
    body: IntegrationsChange, visit: Writer, response: Response, if_match: versions.IfMatch
) -> IntegrationsShown:
    """Switch integrations on, pause them or switch them off. What is under way is finished."""
    async with visit.writing() as tx:
        held = [await integrations.hold(tx, kind) for kind in Integration]
        if_match.require(_version(held))
        for each in held:
            wanted: IntegrationState = getattr(body, each.kind.value)
            if each.kind.value in body.model_fields_set and wanted is not each.state:
                await integrations.change(tx, each.kind, wanted)
        found = await integrations.all_(tx)
    return _shown(found, response)


def _version(found: list[StoredIntegration]) -> int:
    """It grows with every change of any of them."""
    return sum(each.version for each in found) - len(found) + 1


def _shown(found: list[StoredIntegration], response: Response) -> IntegrationsShown:
    version = _version(found)
    versions.show(response, version)
    return IntegrationsShown(**{each.kind.value: each.state for each in found}, version=version)
