"""`Idempotency-Key`: a POST that is repeated is carried out once, and answered as it was the first time.

The request's writing joins one transaction, in which its answer is kept too; the answer leaves after the commit. So
whatever crashes, the repeated request finds both or does both. Of two at the same time one is told to come again.
What was refused was not done and is not kept: mended, it may come under the same key. A file that streams is known
by its hash, once its route has read it.
"""

import hashlib
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any
from uuid import UUID

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from services.api import problems
from services.api.asgi import Application, Message, Receive, Scope, Send, replayed
from services.api.edge import is_streamed
from services.api.gate import CALLER
from services.api.problems import FieldError
from services.api.tools import Tools
from shared.domain.failures import Failure, IdempotencyKeyReused, InvalidRequest, RequestUnderWay
from shared.storage import kept_answers
from shared.storage.database import Tx
from shared.storage.errors import translated

KEYED = "tidegate.keyed"
"""Where the rest of a request finds its Keyed in its scope."""
HEADER = "Idempotency-Key"
ALREADY_SHOWN = "already_shown"
MAX_KEY_LENGTH = 200

_KEY = re.compile(rb"[\x20-\x7e]{1,%d}" % MAX_KEY_LENGTH)


class _Mark:
    """Says of a field of an answer that it is shown once."""


SHOWN_ONCE = _Mark()
"""`Annotated[str, SHOWN_ONCE]`: a secret. A repeated request is shown `already_shown` in its place."""


class Kept(BaseModel):
    """An answer as it is kept, with what the request was."""

    request: str
    status: int
    headers: list[tuple[str, str]]
    body: str

    def response(self) -> Response:
        """The answer again."""
        response = Response(self.body or None, self.status)
        for name, value in self.headers:
            response.headers[name] = value
        response.headers["Idempotency-Replayed"] = "true"
        return response


class AnsweredBefore(Exception):
    """The request was carried out earlier; this is what was answered."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        super().__init__("answered before")


class _Undone(Exception):
    """The request was refused: its transaction goes back."""


class Keyed:
    """A request with a key, and the transaction that all its writing joins.

    `request` is what makes it the same; "" of a file that is yet to be read, until `know` tells.
    """

    def __init__(self, tools: Tools, account_id: UUID, key: str, request: str) -> None:
        self._tools = tools
        self._account_id = account_id
        self._digest = kept_answers.digest_of(account_id, key)
        self._request = request
        self._stack = AsyncExitStack()
        self._tx: Tx | None = None
        self._is_settled = False
        self.is_answered = False

    async def know(self, scope: Scope, sha256: str) -> None:
        """The file was read: this is its content. Raises as `look`."""
        self._request = _fingerprint(scope, sha256.encode())
        await self.look()

    async def look(self) -> None:
        """Raises AnsweredBefore for a request that was carried out, IdempotencyKeyReused for another one.

        Of a file that is yet to be read nothing can be said.
        """
        if not self._request:
            return
        async with self._tools.database.account(self._account_id, read_only=True) as tx:
            await self._compare(tx)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Tx]:
        """The request's transaction. Raises as `look`, and RequestUnderWay."""
        assert self._request, "a file is read before anything is written"
        if self._tx is None:
            tx = await self._stack.enter_async_context(self._tools.database.account(self._account_id))
            if not await kept_answers.take(tx, self._digest):
                raise RequestUnderWay
            await self._compare(tx)
            self._tx = tx
        with translated():
            yield self._tx

    async def settle(self, status: int, headers: dict[str, str], body: str) -> None:
        """Make true what was written so far, to be answered so unless the request still finds a better answer."""
        await self.keep(status, list(headers.items()), body)
        self._tx, self._is_settled = None, True
        await self._stack.aclose()

    async def keep(self, status: int, headers: list[tuple[str, str]], body: str) -> None:
        """Keep the request's answer in its transaction."""
        kept = Kept(request=self._request, status=status, headers=headers, body=body).model_dump_json()
        if self._is_settled:
            async with self._tools.database.account(self._account_id) as tx:
                await kept_answers.keep(tx, self._tools.keys, self._digest, kept)
            return
        async with self.writing() as tx:
            await kept_answers.keep(tx, self._tools.keys, self._digest, kept)

    async def _compare(self, tx: Tx) -> None:
        text = await kept_answers.read(tx, self._tools.keys, self._digest)
        if text is None:
            return
        kept = Kept.model_validate_json(text)
        if kept.request != self._request:
            raise IdempotencyKeyReused
        self.is_answered = True
        raise AnsweredBefore(kept)

    async def __aenter__(self) -> "Keyed":
        return self

    async def __aexit__(self, *error: Any) -> None:
        await self._stack.__aexit__(*error)


class Once:
    """Carries out a POST with a key once. Inside the gate and what bounds bodies: both have had their say."""

    def __init__(self, app: Application, *, tools: Tools) -> None:
        self._app = app
        self._tools = tools

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        sent = _keys_of(scope) if scope["type"] == "http" and scope["method"] == "POST" and CALLER in scope else []
        if not sent:
            await self._app(scope, receive, send)
            return
        if len(sent) > 1 or not _KEY.fullmatch(sent[0]):
            await problems.answer(InvalidRequest(), [_bad_key()])(scope, receive, send)
            return
        request = ""
        if not is_streamed(scope):
            body = await _body(receive)
            request, receive = _fingerprint(scope, body), replayed(body, receive)
        keyed = Keyed(self._tools, scope[CALLER].account_id, sent[0].decode(), request)
        scope[KEYED] = keyed
        answer = _Answer()
        try:
            async with keyed:
                await self._app(scope, receive, answer.take)
                if keyed.is_answered or not answer.is_good:
                    raise _Undone
                await keyed.keep(answer.status, answer.headers, _without_secrets(scope, answer.body))
        except _Undone:
            pass
        except Failure as failure:
            # Of the commit, or of keeping the answer: nothing was done.
            await problems.answer(failure)(scope, receive, send)
            return
        await answer.give(send)


class _Answer:
    """An answer that is held back until what it says is true."""

    def __init__(self) -> None:
        self._start: Message = {}
        self._body = bytearray()

    async def take(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
        else:
            self._body += message.get("body", b"")

    @property
    def status(self) -> int:
        return int(self._start["status"])

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def headers(self) -> list[tuple[str, str]]:
        """Those that belong to the answer and not to its way."""
        pairs = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._start["headers"]]
        return [(name, value) for name, value in pairs if name.lower() != "content-length"]

    @property
    def body(self) -> bytes:
        return bytes(self._body)

    async def give(self, send: Send) -> None:
        await send(self._start)
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


def keyed_of(request: Request) -> Keyed | None:
    """The request's Keyed, where it came with a key."""
    keyed: Keyed | None = request.scope.get(KEYED)
    return keyed


def install(app: FastAPI) -> None:
    """Answer what was answered before."""
    app.add_exception_handler(AnsweredBefore, _again)


async def _again(_: Request, error: Exception) -> Response:
    assert isinstance(error, AnsweredBefore)
    return error.kept.response()


def once_fields(model: Any) -> set[str]:
    """The fields of an answer that are shown once."""
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return set()
    return {name for name, field in model.model_fields.items() if SHOWN_ONCE in field.metadata}


def _without_secrets(scope: Scope, body: bytes) -> str:
    hidden = once_fields(getattr(scope.get("route"), "response_model", None))
    if not hidden:
        return body.decode()
    shown = json.loads(body)
    return json.dumps(
        {name: ALREADY_SHOWN if name in hidden and value is not None else value for name, value in shown.items()}
    )


def _keys_of(scope: Scope) -> list[bytes]:
    return [value for name, value in scope["headers"] if name.lower() == HEADER.lower().encode()]


def _bad_key() -> FieldError:
    detail = f"Expected one key of 1 to {MAX_KEY_LENGTH} printable ASCII characters."
    return FieldError(pointer=f"header:{HEADER}", code="invalid_value", detail=detail)


def _fingerprint(scope: Scope, body: bytes) -> str:
    """What makes a request the same: path, query and what the body says, not how it is written."""
    try:
        said = json.dumps(json.loads(body, parse_float=str), sort_keys=True).encode()
    except ValueError:
        said = body
    parts = (scope["path"].encode(), scope["query_string"], said)
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body", False):
            return bytes(body)
