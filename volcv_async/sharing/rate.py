"""Calls a second that several processes keep together."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Protocol

import attrs

from volcv_async.sharing.absence import Absence

GUARD = 0.01
"""How much longer the window is than the rate asks for, as a share: calls need time to arrive."""

_PARTS = 10  # in which a window's calls leave, so that they do not come all at once
_HURRY = 0.9  # how long a part takes at the least, as a share: what came late is made up for
_LONGEST = 2**40  # ms, which is 34 years: what any store can count


@attrs.frozen
class Window:
    """At most so many calls leave in any stretch of so many milliseconds.

    Attributes:
        calls: How many.
        milliseconds: How long it is.
        part: A shorter window that holds as well; None: all may leave together.
    """

    calls: int
    milliseconds: int
    part: Window | None = None

    @property
    def seconds(self) -> float:
        """How long it is, in seconds."""
        return self.milliseconds / 1000

    @property
    def all(self) -> list[Window]:
        """All that hold, the shortest first."""
        return [self] if self.part is None else [*self.part.all, self]

    def wait(self, milliseconds: float | None) -> float:
        """Give the seconds after which to ask again, whatever the clock of the store did."""
        return min(max(1.0, milliseconds or 0.0), self.milliseconds) / 1000


def window(rate: float, burst: int = 1) -> Window:
    """Give the window of a rate in calls a second: n calls, n / rate seconds and the guard.

    A tenth of them, or a burst, may leave together, and no more before almost a tenth of the time
    is over: the more come at once, the more they come late, each by another time, and the more
    a second sees.
    """
    calls = math.ceil(rate - 1e-9) or 1
    milliseconds = math.ceil(min(calls / rate * (1 + GUARD) * 1000, _LONGEST))
    together = max(1, calls // _PARTS, burst)
    if together >= calls:
        return Window(calls, milliseconds)
    return Window(calls, milliseconds, Window(together, _part(milliseconds * together / calls)))


def _part(milliseconds: float) -> int:
    return max(1, int(milliseconds * _HURRY))


class RateStore(Protocol):
    """Where departures are counted."""

    async def put(self) -> float:
        """Count one that leaves now: 0.0 if it may, else the seconds after which to ask again.

        Raises:
            OSError: The store cannot be reached, or the connection to it was lost meanwhile.
        """
        ...

    async def close(self) -> None:
        """Let go of the store."""
        ...


class Rate:
    """A quota of calls a second. One at a time asks.

    Args:
        store: Where departures are counted.
        rest: Seconds without departures when a store that was lost is back: a window.
        clock: Seconds that only go forward.
    """

    def __init__(
        self, store: RateStore, rest: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._absence = Absence(rest, clock)

    async def take(self) -> float:
        """Take a departure: 0.0 if it was had, else the seconds after which to ask again.

        Raises:
            OSError: The store cannot be reached.
        """
        rest = self._absence.rest()
        if rest > 0:
            return rest
        try:
            seconds = await self._store.put()
        except OSError:
            self._absence.begins()
            raise
        return self._absence.rest() if self._absence.ends() else seconds

    async def give_back(self) -> None:
        """Do nothing: a departure that was taken counts, used or not."""

    async def close(self) -> None:
        """Let go of the store."""
        await self._store.close()
