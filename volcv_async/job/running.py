"""A whole job: requests from a list, their outcomes into a folder.

The stream decides how many calls are under way. This room takes what it gives and has it written
down by a few threads, and takes no more while too much is unwritten. However a job ends, what was
made is on the disk before the end is told.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterable, Callable, Iterable
from pathlib import Path

import anyio
import anyio.to_thread
import attrs
from anyio.abc import TaskGroup

from volcv_async.client import Client
from volcv_async.config import Timeouts
from volcv_async.job.report import JobReport, Tally
from volcv_async.job.sink import Sink
from volcv_async.models import Request
from volcv_async.results import Outcome
from volcv_async.stream import OutcomeStream

_WRITERS = 6
"""Threads that write; about six do best."""

_UNWRITTEN = 16
"""Outcomes that may wait to be written; each may hold some megabytes of image."""


async def run(
    client: Client,
    requests: Iterable[Request] | AsyncIterable[Request],
    *,
    out: str | os.PathLike[str],
    concurrency: int | None = None,
    drain: float = 60.0,
    timeouts: Timeouts | None = None,
    on_outcome: Callable[[Outcome], None] | None = None,
) -> JobReport:
    """Send all requests of a list, and keep their images in a folder.

    The folder gets ``images/000012.png`` and so on, numbered as in the list from 0, with a row
    each in ``metadata.jsonl``; ``failed.jsonl`` and ``in_doubt.jsonl`` where there is something to
    say in them. An image is exactly as it came.

    When the source or the account ends the job with an error, or its task is cancelled, nothing new
    goes out; what is in flight is given ``drain`` seconds, and what was made is written down before
    the error goes on. A second cancellation cuts off what is in flight.

    Args:
        client: Who sends.
        requests: The list, which may be endless; it is read only as calls can go out.
        out: The folder. It is made if need be, and must hold no earlier run.
        concurrency: The window, as for ``Client.stream``.
        drain: Seconds that calls in flight are given when the job is ended early.
        timeouts: How long to wait, in seconds; None: as the client does, but without a deadline,
            since in a long job a request may well wait longer than one says.
        on_outcome: Called with every outcome once it is written down.

    Raises:
        ConfigurationError: The folder holds an earlier run, or the client cannot work as it is set
            up.
        AuthenticationError: No account's key is taken.
        NotSentError: Nothing was ever answered.
        OSError: Something cannot be written, such as on a full disk. What can still be written is.
    """
    folder = Path(out)
    tally = Tally()
    timeouts = timeouts or attrs.evolve(client.timeouts, deadline=None)
    outcomes = client.stream(requests, concurrency=concurrency, drain=drain, timeouts=timeouts)

    def note(outcome: Outcome) -> None:
        tally.add(outcome)
        if on_outcome is not None:
            on_outcome(outcome)

    with Sink(folder) as sink:
        ending = await carry(outcomes, sink, note)
        if ending is not None:
            raise ending
    return tally.report(folder)


async def carry(
    outcomes: OutcomeStream, sink: Sink, note: Callable[[Outcome], None]
) -> BaseException | None:
    """Carry all outcomes to the folder; give the error that ended it early, out of its group."""
    try:
        async with anyio.create_task_group() as writers:
            await _hand_over(outcomes, writers, _Writing(sink, note))
    except BaseExceptionGroup as group:
        return group.exceptions[0]
    return None


async def _hand_over(outcomes: OutcomeStream, writers: TaskGroup, writing: _Writing) -> None:
    try:
        async with outcomes:
            async for outcome in outcomes:
                writers.start_soon(writing.write, outcome)
                # Only now: an outcome that was taken must not be lost to a cancellation here.
                await writing.room.acquire()
    finally:
        for outcome in outcomes.leftover:
            writers.start_soon(writing.write, outcome)


class _Writing:
    """Writes outcomes in threads, a few at a time, whatever is cancelled around it."""

    def __init__(self, sink: Sink, note: Callable[[Outcome], None]) -> None:
        self._sink = sink
        self._note = note
        self._threads = anyio.CapacityLimiter(_WRITERS)
        self.room = asyncio.Semaphore(_UNWRITTEN)

    async def write(self, outcome: Outcome) -> None:
        with anyio.CancelScope(shield=True):
            kept = await anyio.to_thread.run_sync(self._sink.keep, outcome, limiter=self._threads)
            self._note(kept)
        self.room.release()
