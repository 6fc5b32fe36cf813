"""Trace calls with OpenTelemetry's own instrumentation of aiohttp."""

import asyncio

from opentelemetry.instrumentation.aiohttp_client import AioHttpClientInstrumentor
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from yarl import URL

import volcv_async as volcv

spans = InMemorySpanExporter()
tracers = TracerProvider()
tracers.add_span_processor(SimpleSpanProcessor(spans))


def without_query(url: URL) -> str:
    """The query of a picture's address lets whoever reads it have the picture."""
    return str(url.with_query(None))


async def main() -> None:
    request = volcv.GeneralV21(prompt="a secret", return_url=True)
    async with (
        volcv.gateway.LocalGateway(key="a-secret-key") as gateway,
        volcv.Client(gateway.account()) as client,
    ):
        with tracers.get_tracer("postcards").start_as_current_span("postcard"):
            await client.generate(request)


# Before a client is entered: it makes its sessions then.
AioHttpClientInstrumentor().instrument(tracer_provider=tracers, url_filter=without_query)
asyncio.run(main())
for span in spans.get_finished_spans():
    print("postcard > " if span.parent else "", span.name, " ", dict(span.attributes or {}), sep="")
told = "".join(span.to_json() for span in spans.get_finished_spans())
print("the key or the prompt is told:", "secret" in told)
