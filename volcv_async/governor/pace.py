"""A strict rate: evenly spaced departures, never more than a window allows. Arithmetic."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right, insort
from collections import deque
from contextlib import suppress

GUARD = 0.01
"""How far under the rate to go, as a share: the provider's clock is not ours, nor the way there."""

LATENESS = 0.005
"""Seconds that a timer may wake late without losing the interval."""

_LATELY = 30.0  # seconds over which departures are counted
_FEW = 64  # departures that are counted at the most


class Pace:
    """A strict rate: evenly spaced departures, and never more than a window allows.

    In any w seconds, w the longer of 1 s and 1/rate, at most ⌈rate · w⌉ calls leave, of which
    ``burst`` may leave together. A log of departures holds the window, so that burst and rate
    together never pass it; a spacing keeps them even.

    Attributes:
        rate: Calls a second.
    """

    def __init__(self, rate: float, burst: int = 1) -> None:
        self.set(rate)
        self._burst = burst
        self._next = -math.inf
        self._log: list[float] = []

    def set(self, rate: float) -> None:
        """Go on at another rate, in calls a second."""
        self.rate = rate
        self._interval = (1 + GUARD) / rate
        self._window = max(1.0, 1 / rate) * (1 + GUARD)
        self._most = math.ceil(rate * max(1.0, 1 / rate) - 1e-9)

    def earliest(self, now: float) -> float:  # noqa: ARG002 - as all that hold back are asked
        """When the next call may leave; not after ``now`` if it may at once."""
        spaced = self._next - (min(self._burst, self._most) - 1) * self._interval
        if len(self._log) < self._most:
            return spaced
        return max(spaced, self._log[-self._most] + self._window)

    def leave(self, now: float) -> None:
        """Count a departure. Waking a little late does not move the ones that follow."""
        self._next = max(self._next, now - LATENESS) + self._interval
        insort(self._log, now)
        if self._log[len(self._log) // 2] <= now - self._window:  # half of it is of no use
            del self._log[: bisect_right(self._log, now - self._window)]

    def moved(self, left: float, really: float) -> None:
        """Correct a departure that took place later than it was granted."""
        if self._remove(left):
            insort(self._log, really)

    def undo(self, left: float) -> None:
        """Take back a departure that did not happen, and its spacing if none has left since."""
        if self._remove(left) and (not self._log or self._log[-1] <= left):
            self._next -= self._interval

    def _remove(self, left: float) -> bool:
        """Take a departure out of the log; tell whether it was in there."""
        at = bisect_left(self._log, left)
        found = at < len(self._log) and self._log[at] == left
        if found:
            del self._log[at]
        return found


class Ramp:
    """A slow start after a rest: calls in flight and rate rise from one call to what is allowed.

    Both rise evenly over so many seconds. After a rest they rise anew: when nothing is in flight,
    and nothing has left for as long.

    Attributes:
        seconds: How long the rise takes; 0: there is none.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = self._last = -math.inf
        self._left = 0

    def earliest(self, now: float, in_flight: int, most: int, rate: float | None) -> float:
        """When the next call may leave, as far as the rise goes."""
        if not self.seconds or self._rested(now, in_flight):
            return -math.inf
        slot = self._began + self.seconds * min(1.0, in_flight / most)
        if rate is None:
            return slot
        risen = math.sqrt(2 * self.seconds * self._left / rate)
        return max(slot, self._began + min(risen, self.seconds))

    def leave(self, now: float, in_flight: int) -> None:
        """Count a departure, of one beside so many in flight."""
        if self._rested(now, in_flight):
            self._began, self._left = now, 0
        self._left += 1
        self._last = now

    def undo(self) -> None:
        """Take back a departure that did not happen."""
        self._left -= 1

    def _rested(self, now: float, in_flight: int) -> bool:
        return in_flight == 0 and now - self._last > self.seconds


class Meter:
    """How fast calls have left lately."""

    def __init__(self) -> None:
        self._left: deque[float] = deque(maxlen=_FEW)

    def leave(self, now: float) -> None:
        """Count a departure."""
        self._left.append(now)

    def undo(self, left: float) -> None:
        """Take back a departure that did not happen, if it is one of late."""
        with suppress(ValueError):
            self._left.remove(left)

    def rate(self, now: float) -> float:
        """Give the calls a second over the last 30 s, or the last 64 departures."""
        recent = [left for left in self._left if left > now - _LATELY]
        if len(recent) < 2 or now <= recent[0]:  # noqa: PLR2004 - one departure has no rate
            return 0.0
        return (len(recent) - 1) / (now - recent[0])
