"""A client with all its limits on, over a real socket, that does the same in each run.

Where calls are counted, one is in flight at a time, and the event loop looks for what has come over
its sockets only when there is nothing else to do: so it does not matter when a reply comes.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import volcv_async as volcv
from benchmarks.calls.contenders import KEY, prompt

_RATE = 100_000.0  # far above what is reached, so that it is kept and never waited for

Batch: TypeAlias = Callable[[int], Awaitable[None]]
"""Makes so many requests."""


@asynccontextmanager
async def client(url: str, *, at_once: int) -> AsyncGenerator[Batch]:
    """Open a client; a batch is a stream over a generator of requests."""
    async with volcv.Client(
        volcv.Account(url, volcv.Bearer(KEY)),
        limits=volcv.Limits(rate=_RATE, concurrency=at_once),
        timeouts=volcv.Timeouts(deadline=600.0),
        reuse_connections=True,
        download=False,
    ) as opened:

        async def batch(calls: int) -> None:
            requests = (volcv.GeneralV21(prompt=prompt(nth)) for nth in range(calls))
            async with opened.stream(requests) as outcomes:
                async for outcome in outcomes:
                    outcome.unwrap()

        yield batch


class _Patient(selectors.EpollSelector):
    """Tells of sockets only when it is waited for, and not while there is other work."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return []
        return super().select(timeout)


def patient_loop() -> asyncio.AbstractEventLoop:
    """Make an event loop that does what there is to do before it looks at its sockets."""
    return asyncio.SelectorEventLoop(_Patient())
