"""How servers prove by TLS who they are, tried on real TLS connections: blocking ones, and those of asyncio."""

import asyncio
import socket
import socketserver
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from shared.domain.failures import (
    CertificateChanged,
    CertificateExpired,
    CertificateFailure,
    CertificateMismatch,
    CertificateUntrusted,
    ConnectionLost,
    TlsRefused,
)
from shared.transfer.certificates import Certificates, Shown, shown_certificate, translated
from tests.real.authority import Authority, Issued

Client = Callable[[ssl.SSLContext, int], Awaitable[bytes]]


@pytest.fixture(scope="module")
def certificates(authority: Authority) -> Certificates:
    return Certificates(authority.path)


@asynccontextmanager
async def _server(issued: Issued, adjust: Callable[[ssl.SSLContext], None] = lambda _: None) -> AsyncIterator[int]:
    """A server that says hello by TLS; its port. A blocking one, which sends OpenSSL's alerts as others do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued.path)
    adjust(context)

    def greet(plain: socket.socket) -> None:
        with suppress(OSError), context.wrap_socket(plain, server_side=True) as wrapped:
            wrapped.sendall(b"hello")

    async with _listening(greet) as port:
        yield port


@asynccontextmanager
async def _listening(answer: Callable[[socket.socket], None]) -> AsyncIterator[int]:
    class Answering(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            answer(self.request)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Answering) as server:
        serving = asyncio.create_task(asyncio.to_thread(server.serve_forever, 0.01))
        try:
            yield server.server_address[1]
        finally:
            await asyncio.to_thread(server.shutdown)
            await serving


async def _blocking(context: ssl.SSLContext, port: int) -> bytes:
    def hear() -> bytes:
        with (
            socket.create_connection(("127.0.0.1", port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
        ):
            return wrapped.recv(5)

    return await asyncio.to_thread(hear)


async def _waiting(context: ssl.SSLContext, port: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="127.0.0.1")
    try:
        return await reader.read(5)
    finally:
        writer.close()


@pytest.fixture(params=[_blocking, _waiting])
def client(request: pytest.FixtureRequest) -> Client:
    chosen: Client = request.param
    return chosen


async def _failure(client: Client, context: ssl.SSLContext, port: int) -> CertificateFailure:
    def ask() -> Shown | None:
        return shown_certificate(socket.create_connection(("127.0.0.1", port), timeout=5), "127.0.0.1")

    with pytest.raises(ssl.SSLError) as refused:
        await client(context, port)
    failure = translated(refused.value, f"127.0.0.1:{port}", await asyncio.to_thread(ask))
    assert isinstance(failure, CertificateFailure)
    return failure


async def test_a_certificate_of_a_trusted_authority_for_the_host_is_accepted(
    authority: Authority, certificates: Certificates, client: Client
) -> None:
    async with _server(authority.issue("127.0.0.1")) as port:
        assert await client(certificates.context(), port) == b"hello"


@pytest.mark.parametrize(
    ("names", "more", "expected", "told"),
    [
        (("127.0.0.1",), {"days": (-9, -2)}, CertificateExpired, "expired, valid from "),
        (("127.0.0.1",), {"days": (2, 9)}, CertificateExpired, "not valid yet"),
        (("ftp.other.example",), {}, CertificateMismatch, "for ftp.other.example."),
        (("127.0.0.1",), {"self_signed": True}, CertificateUntrusted, "self-signed"),
    ],
)
async def test_another_certificate_is_refused_with_its_code_and_fingerprint(
    authority: Authority,
    certificates: Certificates,
    client: Client,
    names: tuple[str, ...],
    more: dict[str, object],
    expected: type[CertificateFailure],
    told: str,
) -> None:
    issued = authority.issue(*names, **more)  # type: ignore[arg-type]  # a row of the table
    async with _server(issued) as port:
        failure = await _failure(client, certificates.context(), port)
    assert type(failure) is expected
    assert failure.fingerprint == issued.fingerprint
    assert told in failure.detail
    assert issued.fingerprint in failure.detail


async def test_an_authority_that_the_system_does_not_know_is_not_trusted(authority: Authority, client: Client) -> None:
    async with _server(authority.issue("127.0.0.1")) as port:
        assert type(await _failure(client, Certificates().context(), port)) is CertificateUntrusted


async def test_the_operator_names_other_authorities_by_the_usual_variable(
    authority: Authority, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    async with _server(authority.issue("127.0.0.1")) as port:
        assert await client(Certificates().context(), port) == b"hello"


async def test_a_pinned_certificate_counts_whatever_it_says_and_no_other_does(
    authority: Authority, certificates: Certificates, client: Client
) -> None:
    pinned = authority.issue("ftp.other.example", days=(-9, -2), self_signed=True)
    good = authority.issue("127.0.0.1")
    context = certificates.context(("AA:" * 31 + "AA", pinned.fingerprint))
    async with _server(pinned) as port:
        assert await client(context, port) == b"hello"
    async with _server(good) as port:
        failure = await _failure(client, context, port)
    assert type(failure) is CertificateChanged
    assert failure.fingerprint == good.fingerprint
    assert pinned.fingerprint in failure.detail


@pytest.mark.parametrize("pin", [True, False])
async def test_tls_before_1_2_is_refused_also_where_the_certificate_is_pinned(
    authority: Authority, certificates: Certificates, client: Client, pin: bool
) -> None:
    def old(context: ssl.SSLContext) -> None:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1

    issued = authority.issue("127.0.0.1")
    async with _server(issued, old) as port:
        with pytest.raises(ssl.SSLError) as refused:
            await client(certificates.context((issued.fingerprint,) if pin else ()), port)
    assert type(translated(refused.value, "files.example")) is TlsRefused


async def test_a_server_without_tls_is_refused(certificates: Certificates, client: Client) -> None:
    async with _listening(lambda plain: plain.sendall(b"220 welcome to plain text\r\n")) as port:
        with pytest.raises(ssl.SSLError) as refused:
            await client(certificates.context(), port)
    assert type(translated(refused.value, "files.example")) is TlsRefused


async def test_a_connection_that_ends_in_the_handshake_may_be_tried_again(certificates: Certificates) -> None:
    assert type(translated(ssl.SSLEOFError(8, "EOF"), "files.example")) is ConnectionLost


def test_a_hostile_certificate_is_shown_by_its_fingerprint_alone() -> None:
    shown = Shown.of(b"\x30\x82no certificate\r\n\x1b[2J")
    assert len(shown.fingerprint) == 95
    assert (shown.names, shown.validity) == ("names that cannot be read", "dates that cannot be read")


async def test_hostile_names_are_escaped_and_few(authority: Authority) -> None:
    issued = authority.issue("a\x1b[2J\r\n.example", *(f"{n}.example" for n in range(50)))
    der = ssl.PEM_cert_to_DER_cert(Path(issued.path).read_text().partition("-----END PRIVATE KEY-----\n")[2])
    assert Shown.of(der).names == "a\\x1b[2J\\x0d\\x0a.example, 0.example, 1.example and 48 more"
