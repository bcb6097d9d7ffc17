"""Who may do what: the scopes of keys. Whose key it is was settled at the gate (`gate.py`).

A key sees its own account alone. The operator's keys make accounts and keys; they see no tenant's contacts, files
or settings.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from services.api.edge import is_json
from services.api.gate import CALLER
from services.api.once import keyed_of
from services.api.problems import FieldError, Refused
from services.api.texts import flaw_of_query, is_storable
from services.api.tools import Tools
from shared.domain.failures import InvalidRequest, NotFound, ScopeMissing, Unauthenticated, UnsupportedMediaType
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
        """A transaction in the caller's account; all writing of a request with an Idempotency-Key is one."""
        keyed = keyed_of(self.request)
        return self.tools.database.account(self.caller.account_id) if keyed is None else keyed.writing()

    async def know_file(self, sha256: str) -> None:
        """The request's file was read, and is this one. Raises AnsweredBefore where that was answered."""
        keyed = keyed_of(self.request)
        if keyed is not None:
            await keyed.know(self.request.scope, sha256)

    async def settle(self, status: int, location: str, body: BaseModel) -> None:
        """Make true what was written, before the answer is complete; until it is, a repeated request gets this one."""
        keyed = keyed_of(self.request)
        if keyed is not None:
            headers = {"Content-Type": "application/json", "Location": location}
            await keyed.settle(status, headers, body.model_dump_json())

    def require(self, scope: Scope) -> None:
        """Raises ScopeMissing where the caller's key does not have it."""
        if scope not in effective_scopes(self.caller):
            raise ScopeMissing(f"Expected the scope {scope.value}.")


def effective_scopes(caller: Caller) -> frozenset[Scope]:
    """What the key may do: its scopes, within what its kind of account can be allowed."""
    return caller.scopes & (OPERATOR_SCOPES if caller.is_operator else OWNER_SCOPES)


def allowed(*scopes: Scope) -> Callable[..., Awaitable[Visit]]:
    """A dependency: a visit by somebody who has all these scopes, for something that was not done before.

    Raises Unauthenticated, ScopeMissing, and AnsweredBefore for a repeated request.
    """

    async def visit(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Visit:
        caller = request.scope.get(CALLER)
        if caller is None:
            raise Unauthenticated
        found = Visit(caller, request.app.state.tools, request)
        for scope in scopes:
            found.require(scope)
        await _require_readable(request)
        keyed = keyed_of(request)
        if keyed is not None:
            await keyed.look()
        return found

    # The document tells the scopes of each operation (`described.py`).
    visit.scopes = scopes  # type: ignore[attr-defined]  # a function may carry what is known of it
    return visit


async def _require_readable(request: Request) -> None:
    """Raises UnsupportedMediaType, Refused, and NotFound for a name that nothing can have."""
    if not all(is_storable(part) for part in request.path_params.values()):
        raise NotFound
    route = request.scope["route"]
    wants_json = isinstance(route, APIRoute) and route.body_field is not None
    if wants_json and not is_json(request.scope) and await request.body():
        raise UnsupportedMediaType
    flaw = flaw_of_query(request.scope["query_string"])
    if flaw is not None:
        raise Refused(InvalidRequest(), [flaw])
    known = _query_names(route)
    unknown = [] if known is None else _unknown(request.query_params, known)
    if unknown:
        raise Refused(InvalidRequest(), unknown)


def _unknown(sent: Iterable[str], known: frozenset[str]) -> list[FieldError]:
    detail = f"Expected {' or '.join(sorted(known))}." if known else "Expected no parameters."
    names = sorted({*sent} - known)
    return [FieldError(pointer=f"?{name}", code="unknown_field", detail=detail) for name in names]


def _query_names(route: object) -> frozenset[str] | None:
    """The query parameters of an operation; None where it looks at them by itself, as a list does by its model.

    One that is misspelt must not pass for one that was not sent.
    """
    if not isinstance(route, APIRoute) or "parameters" in (route.openapi_extra or {}):
        return None
    found = dict(_query_parameters(route.dependant))
    if any(isinstance(kind, type) and issubclass(kind, BaseModel) for kind in found.values()):
        return None
    return frozenset(found)


def _query_parameters(dependant: Dependant) -> Iterator[tuple[str, Any]]:
    """Their names and types."""
    yield from ((each.alias, each.field_info.annotation) for each in dependant.query_params)
    for each in dependant.dependencies:
        yield from _query_parameters(each)


@asynccontextmanager
async def in_account(visit: Visit, account_id: UUID) -> AsyncIterator[Tx]:
    """A transaction in another account, for the operator."""
    visit.require(Scope.ADMIN)
    database, keyed = visit.tools.database, keyed_of(visit.request)
    if keyed is None:
        async with database.account(account_id) as tx:
            yield tx
        return
    async with keyed.writing() as own, database.speaking_for(own, account_id) as tx:
        yield tx
