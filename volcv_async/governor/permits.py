"""Permits of what several processes share, asked for one at a time, while somebody waits for one.

A quota lies in a store that all of them reach. When it cannot be reached, calls wait: nothing is
exceeded and nothing fails, and it is said once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol, TypeVar

from volcv_async.bottleneck import Cause
from volcv_async.errors import SlowDown

Given = TypeVar("Given")

_GRACE = 0.05  # seconds after which a permit that nobody took has lost its place in the window
_AGAIN = 0.5  # seconds between two tries to reach the store


class Quota(Protocol):
    """What several processes share: a rate, or calls in flight.

    Each method raises ``OSError`` when the store cannot be reached.
    """

    async def take(self) -> float:
        """Take one now: 0.0 if it was had, else the seconds after which to ask again."""
        ...

    async def give_back(self) -> None:
        """Give back one that was taken: its call is over, or did not go out."""
        ...

    async def close(self) -> None:
        """Give back all, and let go of the store."""
        ...


class Permits:
    """Gets permits, one of each quota at a time, for the calls of one account group.

    Args:
        quotas: What one permit is made of, in the order in which it is taken, and what calls are
            held up by while it is asked for.
        changed: Called when there is a permit, for somebody to use it at once, and when it is held
            up by something else.
        told: Called with the error when the store is lost, and with None when it is back.

    Attributes:
        ready: Whether there is a permit.
    """

    def __init__(
        self,
        quotas: Mapping[SlowDown, Quota],
        *,
        changed: Callable[[], None],
        told: Callable[[OSError | None], None],
    ) -> None:
        self._quotas = quotas
        self._changed, self._told = changed, told
        self._lost = False
        self._asking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self.ready = False
        self._asks_for: SlowDown = next(iter(quotas))

    @property
    def cause(self) -> Cause:
        """What calls are held up by while there is no permit."""
        return "store" if self._lost else self._asks_for

    def attend(self, *, wanted: bool) -> None:
        """Ask while a permit is wanted, and stop when it is not."""
        if wanted and self._asking is None and not self.ready:
            self._asking = self._start(self._ask())
            self._asking.add_done_callback(self._asked)
        elif not wanted and self._asking is not None:
            self._asking.cancel()

    def spend(self) -> None:
        """Use the permit for a call; ``over`` gives it back."""
        self.ready = False
        assert self._asking is not None  # noqa: S101 - it offers the permit
        self._asking.cancel()  # and waits no longer for somebody to take it

    def over(self) -> None:
        """Give back the permit of a call that is over."""
        self._start(self._give_back(self._quotas.values()))

    async def close(self) -> None:
        """Stop asking, give back what is held, and let go of the store."""
        self.attend(wanted=False)
        while self._tasks:
            await asyncio.wait(self._tasks)
        for quota in self._quotas.values():
            await quota.close()

    async def _ask(self) -> None:
        """Get one permit and offer it; one that nobody takes is given back."""
        held: list[Quota] = []
        try:
            while len(held) < len(self._quotas):
                await self._complete(held)
            self._tell(None)
            self.ready = True
            self._changed()
            if self.ready:
                await asyncio.sleep(_GRACE)
        finally:
            self._asks_for = next(iter(self._quotas))
            if self.ready or len(held) < len(self._quotas):
                self._start(self._give_back(held))
            self.ready = False

    async def _complete(self, held: list[Quota]) -> None:
        """Take of each quota; where a store is lost, give back what is held, and begin anew."""
        try:
            for asks_for, quota in self._quotas.items():
                self._asks_for = asks_for
                self._changed()
                await self._take(quota)
                held.append(quota)
        except OSError as error:
            self._tell(error)
            self._start(self._give_back(held.copy()))
            held.clear()
            await asyncio.sleep(_AGAIN)

    async def _take(self, quota: Quota) -> None:
        while (seconds := await self._whole(quota)) > 0:  # noqa: ASYNC110 - others free it
            await asyncio.sleep(seconds)

    async def _whole(self, quota: Quota) -> float:
        """Ask once; who is cancelled meanwhile gives back what comes of it."""
        asked = self._start(quota.take())
        try:
            return await asyncio.shield(asked)
        except asyncio.CancelledError:
            self._start(self._give_back_late(quota, asked))
            raise

    async def _give_back_late(self, quota: Quota, asked: asyncio.Task[float]) -> None:
        with suppress(OSError):
            seconds = await asked
            if seconds == 0:
                await quota.give_back()

    async def _give_back(self, quotas: Iterable[Quota]) -> None:
        """Give back what was taken; what cannot be given back runs out by itself."""
        for quota in quotas:
            try:
                await quota.give_back()
            except OSError as error:
                self._tell(error)

    def _tell(self, error: OSError | None) -> None:
        """Say once that a store is lost, and once that all are back: a whole permit was had."""
        if self._lost != (error is not None):
            self._lost = error is not None
            self._told(error)
            self._changed()

    def _asked(self, task: asyncio.Task[None]) -> None:
        self._asking = None
        if not task.cancelled():
            task.result()
        self._changed()

    def _start(self, work: Coroutine[Any, Any, Given]) -> asyncio.Task[Given]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
