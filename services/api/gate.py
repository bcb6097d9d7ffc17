"""Who asks, settled before anything of a request is read: its key, and how often the key and the address may ask.

Every path under `/v1` and `/api/2.0` wants a key, also one that leads nowhere; under the second it may also come as
another system's clients send theirs, by Basic authentication. What the key may do is the routes' matter
(`access.py`). A key that was good here a while ago is looked up even when its address has sent too many wrong ones,
so that nobody locks out others behind the same proxy; whether it still is good is asked of the database each time.
"""

import asyncio
import base64
import hashlib
import math
from collections.abc import Callable

import structlog

from services.api.asgi import Application, Receive, Scope, Send
from services.api.edge import Refuse
from services.api.limits import Limits
from services.api.rates import Buckets
from shared.domain.failures import Failure, RateExceeded, TooManyWrongKeys, Unauthenticated
from shared.runtime.clients import client_of
from shared.storage import keys
from shared.storage.database import Database
from shared.storage.keys import Caller

log = structlog.get_logger()

CALLER = "tidegate.caller"
"""Where the rest of the request finds the Caller in its scope."""
_MARKS_PER_SECOND = 1 / 60


class Gate:
    """Lets through who has a key and asks no more often than agreed."""

    def __init__(
        self, app: Application, *, database: Database, limits: Limits, refuse: Refuse, clock: Callable[[], float]
    ) -> None:
        self._app = app
        self._database = database
        self._limits = limits
        self._refuse = refuse
        self._by_key = Buckets(limits.requests_per_second, limits.request_burst, clock=clock)
        self._by_address = Buckets(limits.wrong_keys_per_minute / 60, limits.wrong_keys_per_minute, clock=clock)
        self._marks = Buckets(_MARKS_PER_SECOND, 1, clock=clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not is_guarded(scope["path"]):
            await self._app(scope, receive, send)
            return
        try:
            caller = await self._admit(scope)
        except Failure as failure:
            await self._refuse(failure, scope, receive, send)
            return
        scope[CALLER] = caller
        if self._marks.take(caller.key_id) > 0:
            await self._app(scope, receive, send)
            return
        # Beside the request, which does not wait for it.
        marking = asyncio.create_task(self._mark_used(caller), name="mark_used")
        try:
            await self._app(scope, receive, send)
        finally:
            await marking

    async def _admit(self, scope: Scope) -> Caller:
        token = _token_of(scope)
        name = hashlib.sha256(token.encode()).digest()
        if name in self._by_key:
            _require(self._by_key.take(name), RateExceeded)
            caller = await keys.authenticate(self._database, token)
            if caller is None:
                self._by_key.forget(name)
                raise Unauthenticated
            return caller
        address = client_of(scope, self._limits.trusted_proxies)
        # Taken before the key is looked up: a thousand guesses at once are no fewer than one after the other.
        _require(self._by_address.take(address), TooManyWrongKeys)
        caller = await self._newcomer(token, address)
        _require(self._by_key.take(name), RateExceeded)
        return caller

    async def _newcomer(self, token: str, address: str) -> Caller:
        caller = None
        try:
            caller = await keys.authenticate(self._database, token)
        except Failure:
            self._by_address.give_back(address)
            raise
        if caller is None:
            raise Unauthenticated
        self._by_address.give_back(address)
        return caller

    async def _mark_used(self, caller: Caller) -> None:
        try:
            await keys.mark_used(self._database, caller)
        except Failure as failure:
            log.info("key.not_marked_used", code=failure.code)


def is_guarded(path: str) -> bool:
    """Whether a path wants a key."""
    return _is_below(path, "/v1") or takes_basic(path)


def takes_basic(path: str) -> bool:
    """Whether a path takes a key's prefix and secret as user and password."""
    return _is_below(path, "/api/2.0")


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root}/")


def _token_of(scope: Scope) -> str:
    """What stands in `Authorization: Bearer ...` (RFC 6750, 2.1); "" where there is none, or more than one."""
    sent = [value for name, value in scope["headers"] if name.lower() == b"authorization"]
    if len(sent) != 1:
        return ""
    scheme, _, token = sent[0].decode("latin-1").strip().partition(" ")
    if scheme.lower() == "basic" and takes_basic(scope["path"]):
        return _token_of_basic(token.strip())
    return token.strip() if scheme.lower() == "bearer" else ""


def _token_of_basic(encoded: str) -> str:
    """The key whose prefix is the user and whose secret the password (RFC 7617); "" for what is not written so."""
    try:
        prefix, colon, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except ValueError:
        return ""
    return f"tg_{prefix.removeprefix('tg_')}_{secret}" if colon else ""


def _require(seconds: float, failure: type[RateExceeded]) -> None:
    if seconds > 0:
        raise failure(retry_after_seconds=max(1, math.ceil(seconds)))
