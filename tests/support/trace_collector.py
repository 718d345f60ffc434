"""A collector of traces: a real server that takes OTLP over HTTP, and reads it with the official classes."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.support.patience import PATIENCE_SEC, stretch


@dataclass(frozen=True)
class SentSpan:
    """A span as it came. Times are nanoseconds since 1970, ids hexadecimal digits."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    began_at: int
    ended_at: int
    attributes: dict[str, Any]
    events: list[str]
    is_error: bool
    resource: dict[str, Any]


@dataclass
class Collector:
    """`raw` is all that came, `spans` what was read of it."""

    url: str = ""
    raw: bytes = b""
    spans: list[SentSpan] = field(default_factory=list)
    came: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, is_it: Callable[[SentSpan], bool]) -> SentSpan:
        """Wait for a span."""
        with self.came:
            found: list[SentSpan] = []

            def look() -> bool:
                found[:] = [span for span in self.spans if is_it(span)]
                return bool(found)

            assert self.came.wait_for(look, stretch(PATIENCE_SEC)), [span.name for span in self.spans]
            return found[-1]

    def list_children(self, parent: SentSpan) -> list[SentSpan]:
        children = [span for span in self.spans if span.parent_id == parent.span_id]
        return sorted(children, key=lambda span: span.began_at)

    def take(self, body: bytes) -> None:
        asked = ExportTraceServiceRequest.FromString(body)
        with self.came:
            self.raw += body
            for group in asked.resource_spans:
                resource = read_attributes(group.resource.attributes)
                self.spans += [read_span(span, resource) for scope in group.scope_spans for span in scope.spans]
            self.came.notify_all()


def read_span(span: Any, resource: dict[str, Any]) -> SentSpan:
    return SentSpan(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        read_attributes(span.attributes),
        [event.name for event in span.events],
        span.status.code == span.status.STATUS_CODE_ERROR,
        resource,
    )


def read_attributes(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def run_trace_collector() -> Iterator[Collector]:
    """Run a collector in a thread."""
    collector = Collector()
    ready, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def take(request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        collector.take(await request.read())
        body = ExportTraceServiceResponse().SerializeToString()
        return web.Response(body=body, content_type="application/x-protobuf")

    async def serve() -> None:
        application = web.Application()
        application.router.add_post("/v1/traces", take)
        runner = web.AppRunner(application, shutdown_timeout=0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        ready.set()
        await stop.wait()
        await runner.cleanup()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(stretch(20))
    try:
        yield collector
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()
