"""Who may do what: Bearer keys and their scopes.

A key sees its own account alone. The operator's keys make accounts and keys; they see no tenant's contacts, files
or settings.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from services.api.texts import require_storable
from services.api.tools import Tools
from shared.domain.failures import ScopeMissing, Unauthenticated
from shared.domain.scope import OPERATOR_SCOPES, OWNER_SCOPES, Scope
from shared.storage import keys
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

    async def visit(request: Request, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Visit:
        tools: Tools = request.app.state.tools
        caller = None if sent is None else await keys.authenticate(tools.database, sent.credentials)
        if caller is None:
            raise Unauthenticated
        found = Visit(caller, tools, request)
        for scope in scopes:
            found.require(scope)
        await require_storable(request)
        return found

    return visit


@asynccontextmanager
async def in_account(visit: Visit, account_id: UUID) -> AsyncIterator[Tx]:
    """A transaction in another account, for the operator."""
    visit.require(Scope.ADMIN)
    async with visit.tools.database.account(account_id) as tx:
        yield tx
