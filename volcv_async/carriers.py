"""Tasks that carry one call after another, so that not each call needs a task of its own.

There are as many as calls were ever under way at once. One that has nothing to carry waits to be
handed a call, the latest to come back being the next to go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from anyio.abc import TaskGroup

Load = TypeVar("Load")


class Carriers(Generic[Load]):
    """The tasks of one task group that carry loads.

    Args:
        see_through: Carries one load to its end.
    """

    def __init__(self, see_through: Callable[[Load], Awaitable[None]]) -> None:
        self._see_through = see_through
        self._idle: list[asyncio.Future[Load | None]] = []
        self._dismissed = False

    def carry(self, load: Load, group: TaskGroup) -> None:
        """Hand a load to a task that has none, or to a new one.

        A task that is cancelled before it began with its load does not carry it: that is left to
        whoever handed it over.
        """
        while self._idle:
            handed = self._idle.pop()
            if not handed.done():
                handed.set_result(load)
                return
        group.start_soon(self._go_on, load)

    def dismiss(self) -> None:
        """Let all of them end who have nothing to carry, now or later."""
        self._dismissed = True
        for handed in self._idle:
            if not handed.done():
                handed.set_result(None)

    async def _go_on(self, load: Load | None) -> None:
        while load is not None:
            await self._see_through(load)
            load = None  # what it holds is of no use while this waits
            if not self._dismissed:
                load = await self._next()

    async def _next(self) -> Load | None:
        handed: asyncio.Future[Load | None] = asyncio.get_running_loop().create_future()
        self._idle.append(handed)
        return await handed
