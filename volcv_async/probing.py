"""What is done while an outage is on: somebody probes, and somebody may wait for its end.

``outage`` says when to probe; here is the task that does, for as long as it is wanted, and the
waiting for an outage of all accounts that has lasted too long.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


class Prober:
    """Probes again and again in a task of its own, while that is wanted; one at a time."""

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._current: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()  # the current one, and those that end

    def attend(self, *, wanted: bool) -> None:
        """Begin or end, as it is wanted now."""
        if wanted and self._current is None:
            self._current = asyncio.create_task(self._go_on(), name="volcv probe")
            self._tasks.add(self._current)
            self._current.add_done_callback(self._tasks.discard)
        elif not wanted and self._current is not None:
            self._current.cancel()
            self._current = None

    async def stop(self) -> None:
        """End, and wait for the end."""
        self.attend(wanted=False)
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _go_on(self) -> None:
        while True:
            await self._probe()


class Spells:
    """Outages of all accounts together, as something to wait for."""

    def __init__(self) -> None:
        self._began = asyncio.Event()
        self._end: asyncio.Future[None] | None = None

    def note(self, *, on: bool) -> None:
        """Note whether one is on now; saying the same again changes nothing."""
        if on and not self._began.is_set():
            self._end = asyncio.get_running_loop().create_future()
            self._began.set()
        elif not on and self._began.is_set():
            self._began.clear()
            assert self._end is not None  # noqa: S101 - one has begun
            self._end.set_result(None)

    async def outlasted(self, seconds: float) -> None:
        """Wait until one outage has lasted so long, counted from now at the earliest."""
        over: set[asyncio.Future[None]] | None = None
        while over is None or over:
            await self._began.wait()
            assert self._end is not None  # noqa: S101 - it has begun
            over, _ = await asyncio.wait({self._end}, timeout=seconds)
