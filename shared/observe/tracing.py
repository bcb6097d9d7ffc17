"""Traces: one from a file's arrival to its receipt, over the bus and the ledger. W3C Trace Context, level 1.

Off unless OTEL_EXPORTER_OTLP_ENDPOINT (or ..._TRACES_ENDPOINT) says where to send spans; all of OpenTelemetry's own
variables are then read by its SDK. The context travels as a `traceparent` in messages and in the ledger whether or not
spans are made, so that logs of all services can be joined by it. Spans carry identities and codes; what an exception
says is never recorded, since it may quote a row.
"""

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
FLUSH_MILLISECONDS = 5_000

_KINDS = {
    "inside": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "sends": SpanKind.PRODUCER,
    "hears": SpanKind.CONSUMER,
}
_PROPAGATOR = TraceContextTextMapPropagator()


def configure(service: str, worker: str) -> Callable[[], None]:
    """Send this process's spans from now on, if an exporter is configured; what sends the last of them at the end.

    What is returned blocks for up to FLUSH_MILLISECONDS. `service` is its short name, `worker` names this process.
    """
    if not any(os.environ.get(name) for name in ENDPOINT_VARIABLES):
        return lambda: None
    facts = {"service.name": f"tidegate-{service}", "service.namespace": "tidegate", "service.instance.id": worker}
    # OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES, where set, win over ours.
    resource = Resource.create(facts).merge(OTELResourceDetector().detect())
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)

    def finish() -> None:
        provider.force_flush(FLUSH_MILLISECONDS)
        provider.shutdown()

    return finish


@contextmanager
def span(name: str, *, parent: str | None = None, kind: str = "inside", **facts: str | int) -> Iterator[trace.Span]:
    """Do something as a span: below `parent` (a traceparent) where one is given, else below the present span.

    `kind` is inside, server, sends or hears. Facts become attributes under `tidegate.`: identities and closed lists
    only. An exception marks the span as failed with its code, or its class where it has none.
    """
    context = _PROPAGATOR.extract({"traceparent": parent}) if parent else None
    attributes: Mapping[str, str | int] = {f"tidegate.{fact}": value for fact, value in facts.items()}
    tracer = trace.get_tracer("tidegate")
    with tracer.start_as_current_span(
        name, context, _KINDS[kind], attributes, record_exception=False, set_status_on_exception=False
    ) as made:
        try:
            yield made
        except Exception as error:
            made.set_status(Status(StatusCode.ERROR, str(getattr(error, "code", type(error).__name__))))
            raise


def mark_failed(reason: str) -> None:
    """The present span did not do what it was for; `reason` is a code."""
    trace.get_current_span().set_status(Status(StatusCode.ERROR, reason))


def traceparent() -> str:
    """The present span's context, to be sent along; a new sampled one where spans are not made."""
    return _present() or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def within(given: str | None) -> str | None:
    """The present span's context if it belongs to the given trace, else the given one.

    So what a span tells of its own run hangs below it, and what it tells of another run stays in that one's trace.
    """
    present = _present()
    return present if given and present and present.split("-")[1] == given.split("-")[1] else given


def _present() -> str | None:
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent")
