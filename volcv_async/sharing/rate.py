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

_LONGEST = 2**40  # ms, which is 34 years: what any store can count


@attrs.frozen
class Window:
    """At most so many calls leave in any stretch of so many milliseconds."""

    calls: int
    milliseconds: int

    @property
    def seconds(self) -> float:
        """How long it is, in seconds."""
        return self.milliseconds / 1000

    def wait(self, milliseconds: float | None) -> float:
        """Give the seconds after which to ask again, whatever the clock of the store did."""
        return min(max(1.0, milliseconds or 0.0), self.milliseconds) / 1000


def window(rate: float) -> Window:
    """Give the window of a rate in calls a second: n calls, n / rate seconds and the guard."""
    calls = math.ceil(rate - 1e-9) or 1
    return Window(calls, math.ceil(min(calls / rate * (1 + GUARD) * 1000, _LONGEST)))


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
