"""This library with everything on: limits, deadline, strict decoding, picture check, outcomes."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import volcv_async as volcv
from benchmarks.calls.contenders import AT_ONCE, KEY, Batch, Target, prompt

_RATE = 100_000.0  # far above what is reached, so that it is kept and never waited for


@asynccontextmanager
async def stream(target: Target) -> AsyncGenerator[Batch]:
    """Open a client; a batch is a stream over a generator of requests."""
    async with volcv.Client(
        volcv.Account(target.endpoint, volcv.Bearer(KEY)),
        limits=volcv.Limits(rate=_RATE, concurrency=AT_ONCE),
        timeouts=volcv.Timeouts(deadline=600.0),
        reuse_connections=not target.fresh,
        download=False,
    ) as client:

        async def batch(calls: int) -> int:
            completed = 0
            requests = (volcv.GeneralV21(prompt=prompt(nth)) for nth in range(calls))
            async with client.stream(requests) as outcomes:
                async for outcome in outcomes:
                    completed += len(outcome.unwrap().images)
            return completed

        yield batch
