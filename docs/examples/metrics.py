"""Count calls for Prometheus, by what `on_event` tells."""

import asyncio

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

import volcv_async as volcv

registry = CollectorRegistry()  # leave it out, and the metrics go where prometheus_client serves
seconds = Histogram(
    "volcv_attempt_seconds",
    "From an attempt's turn to the end of its reply.",
    ["account", "model", "ending"],
    buckets=(1, 2, 5, 10, 20, 40, 80, 160),
    registry=registry,
)
in_flight = Gauge("volcv_in_flight", "Attempts under way.", ["account"], registry=registry)
errors = Counter(
    "volcv_errors", "By class and code.", ["account", "error", "code"], registry=registry
)
outage = Gauge("volcv_outage", "1 while only probes go there.", ["account"], registry=registry)


def count(event: volcv.Event) -> None:
    match event:
        case volcv.AttemptStarted(attempt=attempt):
            in_flight.labels(attempt.account).inc()
        case volcv.AttemptEnded(attempt=attempt, ending=ending, seconds=took, error=error):
            in_flight.labels(attempt.account).dec()
            model = type(attempt.request).__name__
            seconds.labels(attempt.account, model, ending).observe(took)
            if error is not None:
                code = str(error.code or error.http_status or "")
                errors.labels(attempt.account, type(error).__name__, code).inc()
        case volcv.OutageBegan(account=account) | volcv.OutageEnded(account=account):
            outage.labels(account).set(isinstance(event, volcv.OutageBegan))
        case _:
            pass


async def main() -> None:
    async with volcv.gateway.LocalGateway(faults=["rate_429"]) as gateway:
        account = gateway.account(group="studio")
        async with volcv.Client(account, on_event=count) as client:
            await client.generate_many([volcv.GeneralV21(prompt=p) for p in ("a fox", "a hare")])


asyncio.run(main())
for line in generate_latest(registry).decode().splitlines():
    if line.startswith(("volcv_attempt_seconds_count", "volcv_errors_total", "volcv_in_flight{")):
        print(line)
