"""The two ends of a stream's window: places for what is pulled, and what waits to be taken.

A place is taken before a request is pulled, and given back when its outcome is taken.
"""

from __future__ import annotations

import asyncio

from volcv_async.results import Outcome


class Window:
    """The places of a window: one for each request from its pulling to its outcome's taking."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiter: asyncio.Future[None] | None = None  # only the feeding takes places

    def take_now(self) -> bool:
        """Take a place, if one is free."""
        if self._free:
            self._free -= 1
            return True
        return False

    async def take(self) -> None:
        """Wait for a place, and take it."""
        while not self.take_now():
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter

    def release(self) -> None:
        """Give a place back."""
        self._free += 1
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


class Ready:
    """What is finished and not yet taken: as it came, or held back into the source's order.

    Attributes:
        available: Outcomes that may be taken now.
    """

    def __init__(self, *, ordered: bool) -> None:
        self.available = 0
        self._ordered = ordered
        self._queue: asyncio.Queue[Outcome | None] = asyncio.Queue()
        self._held: dict[int, Outcome | None] = {}
        self._next = 0

    def put(self, index: int, outcome: Outcome | None) -> None:
        """Add an outcome; None where there is nothing to give for its place."""
        if not self._ordered:
            self._give(outcome)
            return
        self._held[index] = outcome
        while self._next in self._held:
            self._give(self._held.pop(self._next))
            self._next += 1

    def _give(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._queue.put_nowait(outcome)
            self.available += 1

    def end(self) -> None:
        """Say that nothing more comes."""
        self._queue.put_nowait(None)

    async def take(self) -> Outcome | None:
        """Wait for the next; None, again and again, at the end."""
        outcome = await self._queue.get()
        if outcome is None:
            self.end()
        else:
            self.available -= 1
        return outcome

    def rest(self) -> list[Outcome]:
        """Take all there are, without waiting; the end stays."""
        rest = [self._queue.get_nowait() for _ in range(self._queue.qsize())]
        self.available = 0
        self.end()
        return [outcome for outcome in rest if outcome is not None]
