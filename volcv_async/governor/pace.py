"""A strict rate: arithmetic that is given the time, in seconds of any clock that goes forward."""

from __future__ import annotations

import math
from bisect import bisect_right, insort

_GUARD = 0.01  # how far under the rate to go, as a share: the provider's clock is not ours
_LATENESS = 0.005  # seconds that a timer may wake late without losing the interval


class Pace:
    """A strict rate: evenly spaced departures, and never more than a window allows.

    In any w seconds, w the longer of 1 s and 1/rate, at most ⌈rate · w⌉ calls leave, of which
    ``burst`` may leave together.
    """

    def __init__(self, rate: float, burst: int = 1) -> None:
        self.set(rate)
        self._burst = burst
        self._next = -math.inf
        self._log: list[float] = []

    def set(self, rate: float) -> None:
        """Go on at another rate, in calls a second."""
        self.rate = rate
        self._interval = (1 + _GUARD) / rate
        self._window = max(1.0, 1 / rate) * (1 + _GUARD)
        self._most = math.ceil(rate * max(1.0, 1 / rate) - 1e-9)

    def earliest(self, now: float) -> float:
        """When the next call may leave; not after ``now`` if it may at once."""
        self._forget(now)
        spaced = self._next - (min(self._burst, self._most) - 1) * self._interval
        if len(self._log) < self._most:
            return spaced
        return max(spaced, self._log[-self._most] + self._window)

    def leave(self, now: float) -> None:
        """Count a departure. Waking a little late does not move the ones that follow."""
        self._forget(now)
        self._next = max(self._next, now - _LATENESS) + self._interval
        insort(self._log, now)

    def moved(self, left: float, really: float) -> None:
        """Correct a departure that took place later than it was granted."""
        if left in self._log:
            self._log.remove(left)
            insort(self._log, really)

    def undo(self, left: float) -> None:
        """Take back a departure that did not happen."""
        if left in self._log:
            self._log.remove(left)
            self._next -= self._interval

    def within(self, seconds: float, now: float) -> int:
        """How many left within the last seconds, at most those of the window."""
        return sum(left > now - seconds for left in self._log)

    def _forget(self, now: float) -> None:
        del self._log[: bisect_right(self._log, now - self._window)]
