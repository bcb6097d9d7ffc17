"""A receiver of OTLP over HTTP, as a collector has one: takes spans in protobuf and keeps them for the test."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Received:
    """A span as it came over the wire; identities in hexadecimal."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    is_failed: bool
    attributes: dict[str, str]


class Receiver:
    """What was received so far, and where it is taken."""

    def __init__(self, port: int) -> None:
        self.endpoint = f"http://127.0.0.1:{port}"
        self._lock = Lock()
        self._spans: list[Received] = []
        self.bodies: list[bytes] = []
        """All requests as they came."""

    @property
    def spans(self) -> list[Received]:
        """All spans, in the order of their coming."""
        with self._lock:
            return list(self._spans)

    def take(self, body: bytes) -> None:
        """One request's worth of spans. Raises DecodeError for what is no OTLP."""
        request = ExportTraceServiceRequest.FromString(body)
        received = [
            Received(
                service=next(each.value.string_value for each in of.resource.attributes if each.key == "service.name"),
                name=span.name,
                trace_id=span.trace_id.hex(),
                span_id=span.span_id.hex(),
                parent_id=span.parent_span_id.hex(),
                is_failed=span.status.code == span.status.STATUS_CODE_ERROR,
                attributes={each.key: each.value.string_value or str(each.value) for each in span.attributes},
            )
            for of in request.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]
        with self._lock:
            self._spans += received
            self.bodies.append(body)


@contextmanager
def otlp_receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own while inside."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the name that the standard library calls
            assert self.path == "/v1/traces"
            assert self.headers["Content-Encoding"] in (None, "identity")
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(server.server_address[1])
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join(10)
