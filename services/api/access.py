"""Who may do what: the scopes of keys. Whose key it is was settled at the gate (`gate.py`).

A key sees its own account alone. The operator's keys make accounts and keys; they see no tenant's contacts, files
or settings.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.api.edge import is_json
from services.api.gate import CALLER
from services.api.problems import Refused
from services.api.texts import flaw_of_query
from services.api.tools import Tools
from shared.domain.failures import InvalidRequest, ScopeMissing, Unauthenticated, UnsupportedMediaType
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES, Scope
from shared.storage.database import Tx
from shared.storage.keys import Caller

_bearer = HTTPBearer(auto_error=False, scheme_name="key", description="An API key: `tg_<prefix>_<secret>`")


@dataclass(frozen=True, slots=True)
class Visit:
    """A request by a caller who may make it."""

    caller: Caller
    tools: Tools
    request: Request

    def reading(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction in the caller's account that changes nothing."""
        return self.tools.database.account(self.caller.account_id, read_only=True)

    def writing(self) -> AbstractAsyncContextManager[Tx]:
        """A transaction in the caller's account."""
        return self.tools.database.account(self.caller.account_id)

    def require(self, scope: Scope) -> None:
        """Raises ScopeMissing where the caller's key does not have it."""
        if scope not in effective_scopes(self.caller):
            raise ScopeMissing(f"Expected the scope {scope.value}.")


def effective_scopes(caller: Caller) -> frozenset[Scope]:
    """What the key may do: its scopes, within what its kind of account can be allowed."""
    return caller.scopes & (OPERATOR_SCOPES if caller.is_operator else OWNER_SCOPES)


def allowed(*scopes: Scope) -> Callable[..., Awaitable[Visit]]:
    """A dependency: a visit by somebody who has all these scopes. Raises Unauthenticated, ScopeMissing."""

    async def visit(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Visit:
        caller = request.scope.get(CALLER)
        if caller is None:
            raise Unauthenticated
        found = Visit(caller, request.app.state.tools, request)
        for scope in scopes:
            found.require(scope)
        await _require_readable(request)
        return found

    # The document tells the scopes of each operation (`described.py`).
    visit.scopes = scopes  # type: ignore[attr-defined]  # a function may carry what is known of it
    return visit


async def _require_readable(request: Request) -> None:
    """Raises UnsupportedMediaType and Refused."""
    route = request.scope["route"]
    wants_json = isinstance(route, APIRoute) and route.body_field is not None
    if wants_json and not is_json(request.scope) and await request.body():
        raise UnsupportedMediaType
    flaw = flaw_of_query(request.scope["query_string"])
    if flaw is not None:
        raise Refused(InvalidRequest(), [flaw])


@asynccontextmanager
async def in_account(visit: Visit, account_id: UUID) -> AsyncIterator[Tx]:
    """A transaction in another account, for the operator."""
    visit.require(Scope.ADMIN)
    async with visit.tools.database.account(account_id) as tx:
        yield tx
