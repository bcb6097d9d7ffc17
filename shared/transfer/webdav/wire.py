"""HTTP to one server: requests one after the other, each with a deadline, an answer that is bounded, and our login.

One connection at a time, made anew where the server has ended it. No redirect is followed here, no cookie kept, no
proxy asked, nothing unpacked. Everything a server says is hostile; what a status means is statuses.py's business.
"""

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import cast

import httpcore

from shared.domain.failures import CertificateFailure, ConnectionLost, Failure, TlsRefused, WebDavRefused
from shared.domain.place import WebDavPlace
from shared.transfer.certificates import Certificates, Shown, translated, unjudging_context
from shared.transfer.dialling import Host, OnStep, secured
from shared.transfer.folder import Deadlines
from shared.transfer.webdav.login import Prover
from shared.transfer.webdav.stream import Stream

_KEPT_IDLE_SECONDS = 3.0
"""How long an idle connection is used again: servers end them after five seconds and more."""
_DRAINED_BYTES = 64 * 1024
"""What is read of an answer that nobody wants, so that the connection can be used again."""
_DRAIN_SECONDS = 5.0
_AGENT = "Tidegate"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server answered, its body still to be read. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    """The first of each name; bytes that are no ASCII are as Latin-1 has them."""
    challenges: list[str]
    body: "Body"


@dataclass(frozen=True, slots=True)
class Question:
    """A request. A body that is no bytes can be sent once."""

    method: str
    target: str
    """Path of the request, percent-encoded."""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterable[bytes] = b""
    size_bytes: int | None = None
    """Of a body that is no bytes, where that is known."""
    may_repeat: bool = False
    """Whether it does no harm to ask it again where nobody knows if it was heard."""


class Body:
    """What an answer holds, read once."""

    def __init__(self, response: httpcore.Response) -> None:
        self._response = response
        assert isinstance(response.stream, AsyncIterable)
        self._pieces = cast(AsyncGenerator[bytes, None], aiter(response.stream))
        self._is_over = False

    async def blocks(self, seconds: float, *, at_least: int = 1) -> AsyncGenerator[bytes, None]:
        """All of it, in blocks of so many bytes at least, each within so many seconds. Raises ConnectionLost.

        So a server that sends a byte now and then is given up, too.
        """
        while not self._is_over:
            try:
                async with asyncio.timeout(seconds):
                    block = await self._block(at_least)
            except TimeoutError as error:
                raise ConnectionLost(f"The server did not go on within {seconds:g} seconds.") from error
            if block:
                yield block

    async def put_down(self, seconds: float) -> None:
        """Be done with it: a short rest is read, so that the connection can be used again, else that is ended."""
        with suppress(TimeoutError, ConnectionLost):
            async with asyncio.timeout(seconds):
                if not self._is_over:
                    await self._block(_DRAINED_BYTES)
        await self._pieces.aclose()
        await self._response.aclose()

    async def _block(self, at_least: int) -> bytes:
        parts, gathered = [], 0
        while gathered < at_least:
            try:
                piece = await anext(self._pieces)
            except StopAsyncIteration:
                self._is_over = True
                break
            except (httpcore.NetworkError, httpcore.ProtocolError) as error:
                raise ConnectionLost("The connection was cut in the middle of an answer.") from error
            parts.append(piece)
            gathered += len(piece)
        return b"".join(parts)


class Wire:
    """A server, and the connection to it while there is one."""

    def __init__(self, place: WebDavPlace, host: Host, certificates: Certificates, prover: Prover) -> None:
        self._place = place
        self._host = host
        self._certificates = certificates
        self._prover = prover
        self._connection: httpcore.AsyncHTTP11Connection | None = None
        self._origin = httpcore.Origin(b"https", place.host.encode(), place.port)
        self._has_answered = False
        """Whether the present connection has answered a request: if so it may just have been ended for being idle."""

    @property
    def deadlines(self) -> Deadlines:
        """How long each step may take."""
        return self._host.deadlines

    @property
    def is_asked(self) -> bool:
        """Whether the server has asked who we are."""
        return self._prover.is_asked

    @property
    def authority(self) -> str:
        """Host and port, as URLs have them."""
        name = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
        return name if self._place.port == 443 else f"{name}:{self._place.port}"

    async def connect(self, on_step: OnStep = lambda _: None) -> None:
        """Dial and have the server prove who it is. Raises ConnectionLost, TlsRefused, the CertificateFailures."""
        # The authorities are read from files, once, and before there is a connection that would wait for it.
        context = await asyncio.to_thread(self._certificates.context, self._place.certificates)
        on_step("connect")
        dialled = await self._host.dial()
        on_step("certificate")
        seconds = self.deadlines.login_seconds
        try:
            async with asyncio.timeout(seconds):
                streams = await secured(dialled, context, self._place.host)
        except TimeoutError as error:
            raise ConnectionLost(f"{self._host.shown} was silent for {seconds:g} seconds.") from error
        except ssl.SSLError as error:
            raise await self._unproved(error) from error
        except OSError as error:
            raise ConnectionLost(f"{self._host.shown} closed the connection.") from error
        self._connection = httpcore.AsyncHTTP11Connection(self._origin, Stream(*streams), _KEPT_IDLE_SECONDS)
        self._has_answered = False

    async def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            await self._connection.aclose()
            self._connection = None

    @asynccontextmanager
    async def ask(self, question: Question) -> AsyncIterator[Answer]:
        """The answer, with our login where the server wants one.

        Raises ConnectionLost, LoginRefused, WebDavRefused, and AccessDenied where our login may not do this.
        """
        answer = await self._proved(question)
        try:
            if answer.headers.get("content-encoding", "identity").lower() != "identity":
                raise WebDavRefused("It packs its answers, though it was asked not to.")
            yield answer
        except Failure:
            await answer.body.put_down(_DRAIN_SECONDS)
            raise
        except BaseException:
            # Who is cancelled, or wants no more of it, does not wait for a server.
            await self.close()
            raise
        await answer.body.put_down(_DRAIN_SECONDS)

    async def _proved(self, question: Question) -> Answer:
        """The answer to a question that was asked with proof, where the server wants one: at most twice more."""
        for tries_left in (2, 1, 0):
            proof = self._prover.proof(question.method, question.target)
            answer = _answer(await self._sent(question, proof))
            if answer.status != 401:
                if proof is not None and answer.status // 100 == 2:
                    self._prover.accepted()
                return answer
            await answer.body.put_down(_DRAIN_SECONDS)
            may_repeat = isinstance(question.body, bytes)
            self._prover.challenged(answer.challenges, had_proof=proof is not None, may_repeat=may_repeat)
            if not may_repeat or not tries_left:
                break
        raise ConnectionLost("The server asked for the login again, in the middle of a transfer.")

    async def _sent(self, question: Question, proof: str | None) -> httpcore.Response:
        """The head of the answer. What may be repeated is asked again where an idle connection was just ended."""
        try:
            return await self._asked(question, proof)
        except ConnectionLost:
            if not (question.may_repeat and self._has_answered):
                raise
        await self.close()
        return await self._asked(question, proof)

    async def _asked(self, question: Question, proof: str | None) -> httpcore.Response:
        connection = await self._ready()
        limits = self.deadlines
        is_upload = not isinstance(question.body, bytes)
        seconds = limits.idle_seconds if is_upload else limits.step_seconds
        try:
            async with asyncio.timeout(seconds) as deadline:
                request = self._request(question, proof, deadline)
                response = await connection.handle_async_request(request)
        except TimeoutError as error:
            raise ConnectionLost(f"The server did not answer within {seconds:g} seconds.") from error
        except (httpcore.NetworkError, httpcore.ProtocolError) as error:
            raise ConnectionLost("The connection was cut, or the server does not speak HTTP.") from error
        self._has_answered = True
        return response

    async def _ready(self) -> httpcore.AsyncHTTP11Connection:
        """A connection on which nothing else is under way."""
        connection = self._connection
        if connection is not None and (connection.is_closed() or connection.has_expired() or self._is_busy(connection)):
            await self.close()
        if self._connection is None:
            await self.connect()
        assert self._connection is not None
        return self._connection

    def _is_busy(self, connection: httpcore.AsyncHTTP11Connection) -> bool:
        """Whether an answer on it was left unread: a reader that was given up without being closed."""
        return self._has_answered and not connection.is_idle()

    def _request(self, question: Question, proof: str | None, deadline: asyncio.Timeout) -> httpcore.Request:
        headers = {
            "Host": self.authority,
            "User-Agent": _AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **question.headers,
            **({} if proof is None else {"Authorization": proof}),
        }
        content: bytes | AsyncIterable[bytes]
        if isinstance(question.body, bytes):
            content = question.body
            if content or question.method in ("PUT", "MKCOL"):
                headers["Content-Length"] = str(len(content))
        else:
            content = self._moving(question.body, deadline)
            if question.size_bytes is None:
                headers["Transfer-Encoding"] = "chunked"
            else:
                headers["Content-Length"] = str(question.size_bytes)
        # The target goes out as it is: httpcore would read a path of two slashes as a host.
        url = httpcore.URL(scheme=b"https", host=self._origin.host, port=self._origin.port, target=question.target)
        # What a challenge says goes back in the bytes in which it came.
        said = [(name.encode(), value.encode("utf-8", "surrogateescape")) for name, value in headers.items()]
        return httpcore.Request(question.method, url, headers=said, content=content)

    async def _moving(self, body: AsyncIterable[bytes], deadline: asyncio.Timeout) -> AsyncIterator[bytes]:
        """The body, with the deadline put off at each piece, and at the end: a server may have much to do then."""
        loop, limits = asyncio.get_running_loop(), self.deadlines
        async for chunk in body:
            deadline.reschedule(loop.time() + limits.idle_seconds)
            yield chunk
        deadline.reschedule(loop.time() + limits.listing_seconds)

    async def _unproved(self, error: ssl.SSLError) -> CertificateFailure | TlsRefused | ConnectionLost:
        """What a failed handshake means, with the certificate for a person to compare."""
        shown = await self._shown() if isinstance(error, ssl.SSLCertVerificationError) else None
        return translated(error, self._host.shown, shown)

    async def _shown(self) -> Shown | None:
        """What the server shows, asked over a connection of its own; None where it shows nothing now."""
        try:
            async with asyncio.timeout(self.deadlines.login_seconds):
                _, writer = await secured(await self._host.dial(), unjudging_context(), self._place.host)
        except (OSError, Failure):  # a TimeoutError is an OSError
            return None
        certificate = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
        return None if certificate is None else Shown.of(certificate)


def _answer(response: httpcore.Response) -> Answer:
    headers: dict[str, str] = {}
    challenges = []
    for raw, value in response.headers:
        name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
        headers.setdefault(name, text)
        if name == "www-authenticate":
            challenges.append(value.decode("utf-8", "surrogateescape"))
    return Answer(response.status, headers, challenges, Body(response))
