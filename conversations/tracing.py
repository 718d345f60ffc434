"""Send traces to an OpenTelemetry collector, where OTEL_EXPORTER_OTLP_ENDPOINT names one. Otherwise nothing is loaded.

The provider is this module's own, not the global one of OpenTelemetry: libraries that trace by themselves would tell of
each request, and of what is in it.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from threading import Thread
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider

log = logging.getLogger(__name__)

# The conventions of the names, https://github.com/open-telemetry/semantic-conventions-genai, in development as a whole.
CONVENTIONS = "v0.1.0"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.45.0"  # of the conventions that those of v0.1.0 depend on
END_SEC = 3.0  # when the server stops, for what has not been sent
MAX_HEADER_BYTES = 512  # of `traceparent` the standard has 55
Kind = Literal["internal", "client", "server"]
Value = str | int | float | bool | Sequence[str]

_parent: ContextVar[Any] = ContextVar("trace_parent", default=None)


@dataclass(slots=True)
class Span:
    """A span to be sent. Times are seconds of the monotonic clock; `error` is a code, "" if all went well."""

    name: str
    began_at: float
    ended_at: float
    attributes: Mapping[str, Value]
    kind: Kind = "internal"
    error: str = ""
    events: Sequence[tuple[str, float]] = ()
    children: list["Span"] = field(default_factory=list)


def is_on() -> bool:
    """Return whether traces are sent."""
    return bool(settings.OTLP_ENDPOINT)


def continue_trace(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Make what this task does from now on part of the trace that the client names in the header `traceparent`."""
    if not is_on():
        return
    found = next((value for name, value in headers if name == b"traceparent"), b"")
    if 0 < len(found) <= MAX_HEADER_BYTES:
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        carrier = {"traceparent": found.decode("latin1")}
        _parent.set(TraceContextTextMapPropagator().extract(carrier))


def get_parent() -> Any:
    """Return the trace that this task continues, or None."""
    return _parent.get()


def export(root: Span, parent: Any = None) -> None:
    """Send a span with its children, without waiting. What a collector that is away cannot take is dropped."""
    from opentelemetry import trace
    from opentelemetry.context import Context

    offset_sec = time.time() - time.monotonic()
    try:
        _send(root, Context() if parent is None else parent, offset_sec, trace)
    except Exception:  # an error boundary: no call ends since it could not be told of
        log.exception("a trace could not be sent")


def _send(span: Span, context: "Context", offset_sec: float, trace: Any) -> None:
    def convert(at: float) -> int:
        return int((at + offset_sec) * 1e9)

    kind = trace.SpanKind[span.kind.upper()]
    sent = _get_tracer().start_span(
        span.name, context=context, kind=kind, attributes=dict(span.attributes), start_time=convert(span.began_at)
    )
    for name, at in span.events:
        sent.add_event(name, timestamp=convert(at))
    if span.error:
        sent.set_attribute("error.type", span.error)
        sent.set_status(trace.StatusCode.ERROR)
    inner = trace.set_span_in_context(sent, context)
    if sent.is_recording():
        for child in span.children:
            _send(child, inner, offset_sec, trace)
    sent.end(end_time=convert(span.ended_at))


@cache
def _get_provider() -> "TracerProvider":
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    resource = Resource.create()
    if str(resource.attributes["service.name"]).startswith("unknown_service"):  # neither variable names it
        resource = resource.merge(Resource({"service.name": "voiceproject"}))
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


@cache
def _get_tracer() -> Any:
    return _get_provider().get_tracer("voiceproject", schema_url=SCHEMA_URL)


async def end() -> None:
    """Send what waits, when the server stops, for at most END_SEC."""
    if not _get_provider.cache_info().currsize:
        return
    loop, is_sent = asyncio.get_running_loop(), asyncio.Event()

    def flush() -> None:
        _get_provider().force_flush()  # it heeds no time limit
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(is_sent.set)

    Thread(target=flush, name="traces", daemon=True).start()  # which does not keep the process
    try:
        async with asyncio.timeout(END_SEC):
            await is_sent.wait()
    except TimeoutError:
        log.warning("some traces were not sent: the collector does not answer")
