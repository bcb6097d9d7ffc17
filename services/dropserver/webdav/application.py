"""The application: who asks is settled before anything of a request is read, then each method has its function.

No path, name or address is logged. Passwords are taken by TLS alone, ours or that of a trusted proxy; on this
machine's own loopback there is nobody to read along.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic

from services.dropserver.house import House
from services.dropserver.refusals import Refusal
from services.dropserver.unspoken import Unspoken
from services.dropserver.webdav import changing, reading, uploading
from services.dropserver.webdav.answers import Answer, ClientGone, NotDone, answer_of
from services.dropserver.webdav.asked import Asked
from services.dropserver.webdav.listings import Listings
from services.dropserver.webdav.locks import LockBook
from services.dropserver.webdav.turn import Body, Receive, Scope, Send, Turn
from services.dropserver.webdav.visits import Visits
from shared.domain.failures import Failure
from shared.runtime.clients import Network, address_of, is_in, peer_of

_HANDLERS: Mapping[str, Callable[[Turn], Awaitable[Answer]]] = {
    "OPTIONS": reading.options,
    "GET": reading.get,
    "HEAD": reading.get,
    "PROPFIND": reading.propfind,
    "PUT": uploading.put,
    "COPY": uploading.copy,
    "DELETE": changing.delete,
    "MKCOL": changing.make_collection,
    "MOVE": changing.move,
    "PROPPATCH": changing.patch_properties,
    "LOCK": changing.lock,
    "UNLOCK": changing.unlock,
}
_ALWAYS = ((b"x-content-type-options", b"nosniff"), (b"vary", b"Authorization"))
_NO_TLS = (
    "Passwords are taken by https alone. Ask by https; or, where a proxy ends TLS before Tidegate, name its address in "
    "TIDEGATE_WEBDAV_TRUSTED_PROXIES and have it send X-Forwarded-Proto."
)
_BY_PROXIES = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-proto"})
_UNSPOKEN = Unspoken((ClientGone, NotDone, Refusal, OSError, Failure))
"""Of anything else uvicorn tells the client that there was a mistake, and no more."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What stands before the server: the proxies that are believed, and the address that clients know."""

    trusted_proxies: Sequence[Network] = ()
    public_url: str = ""


ALONE = Surroundings()


class Application:
    """Serves the folders of a house."""

    def __init__(self, house: House, surroundings: Surroundings) -> None:
        self.visits = Visits(house)
        self._house = house
        self._trusted = surroundings.trusted_proxies
        self._public_host = surroundings.public_url.partition("//")[2].rstrip("/")
        self._locks = LockBook(monotonic)
        self._listings = Listings(house.limits.stall_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = Body(receive, self._house.limits.stall_seconds)
        try:
            with _UNSPOKEN:
                await self._serve(scope, body, send)
        except ClientGone:
            return
        except NotDone as refused:
            await _say(refused.answer, send)
        except (Refusal, OSError, Failure) as error:
            await _say(answer_of(error), send)

    async def _serve(self, scope: Scope, body: Body, send: Send) -> None:
        peer, address = peer_of(scope), address_of(scope, self._trusted)
        if peer is None or address is None:
            raise NotDone(403, "The connection has no address.")
        is_proxied = is_in(peer, self._trusted)
        if scope["scheme"] != "https" and not (peer.is_loopback or is_proxied):
            raise NotDone(403, _NO_TLS)
        if is_proxied and _forwarded(scope, b"x-forwarded-proto").lower() not in ("", "https"):
            raise NotDone(403, _NO_TLS)
        hosts = [self._public_host]
        if not is_proxied:
            if peer.is_loopback and any(name.lower() in _BY_PROXIES for name, _ in scope["headers"]):
                # A proxy on this machine that nobody named: behind it all would be one address, by http or not.
                raise NotDone(403, _NO_TLS)
            await self._answer(Asked(scope, hosts), str(address), body, send)
            return
        hosts.append(_forwarded(scope, b"x-forwarded-host"))
        # The proxy's own connections are not counted: behind it are many.
        if not self._house.admits(str(address)):
            raise NotDone(503, "There are too many requests from there; try again later.", {"Retry-After": "60"})
        try:
            await self._answer(Asked(scope, hosts), str(address), body, send)
        finally:
            self._house.parts_with(str(address))

    async def _answer(self, asked: Asked, address: str, body: Body, send: Send) -> None:
        asked.require_one_length()
        visit = await self.visits.of(asked.login, address)
        with self.visits.under_way(visit):
            handler = _HANDLERS.get(asked.method)
            if handler is None:
                raise NotDone(405, "There is no such method here.", {"Allow": reading.METHODS})
            turn = Turn(asked, visit, body, self._house, self._locks, self._listings)
            await _say(await handler(turn), send)


async def _say(answer: Answer, send: Send) -> None:
    """Send an answer. Of a body in pieces that is cut short the end is not told, so that nobody takes it for whole."""
    body, headers = answer.body, dict(answer.headers)
    if isinstance(body, bytes) and answer.status not in (204, 304):
        headers.setdefault("Content-Length", str(len(body)))
    said = [(name.lower().encode(), value.encode("latin-1", "replace")) for name, value in headers.items()]
    try:
        await send({"type": "http.response.start", "status": answer.status, "headers": [*said, *_ALWAYS]})
        if not isinstance(body, bytes):
            left = int(headers.get("Content-Length", "0"))
            try:
                async for piece in body:
                    left -= len(piece)
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
            except NotDone:
                return
            if left > 0:
                return
            body = b""
        await send({"type": "http.response.body", "body": body, "more_body": False})
    finally:
        answer.put_down()


def _forwarded(scope: Scope, header: bytes) -> str:
    """What the nearest proxy says of what it was asked."""
    sent = [value for name, value in scope["headers"] if name.lower() == header]
    return b",".join(sent).decode("latin-1").rpartition(",")[2].strip()
