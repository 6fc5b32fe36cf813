"""Calls in flight under a cap that refusals teach. Arithmetic, given the time in seconds."""

from __future__ import annotations

import math

MOST_UNSTATED = 16
"""Calls in flight at the most where the account states no limit."""

_KNOWN = 1.0  # seconds after which a call still out was let in: refusals take 36 to 116 ms
_RARER = 4  # times as many answers before the next trial, after a refusal
_LEAST = 2  # answers before the next trial at the least, after a refusal
_RAREST = 36  # answers at the most: a trial refused each time is 2.7 % of the calls
_SOONER = 8  # times fewer answers before the next trial, after one that was let in


class Room:
    """Calls in flight under a cap, and the cap that refusals for concurrency teach.

    A refusal tells the capacity: the calls still in flight become the cap. When the cap binds and
    enough answers have come, one call more is tried. It is let in if it is still out a second
    later, or if it is answered, or a call that left after it while it is out: then the cap is one
    higher, and the next trial comes after an eighth of the answers, soon at once. A refusal makes
    it four times as many; a trial that ends in any other way says nothing, and is made again.

    Attributes:
        most: What the cap will never exceed.
        cap: Calls in flight that are known to be let in.
        in_flight: Calls under way; one more than the cap while one is tried.
    """

    def __init__(self, most: int, first: int) -> None:
        self.most = most
        self.in_flight = 0
        self._first = first
        self._patience = 1  # answers since the last lesson or trial before the next trial
        self.begin(first)
        self._taught = False

    def begin(self, cap: int) -> None:
        """Start from a cap that was learned before."""
        self.cap = max(1, min(cap, self.most))
        self._taught = True
        self._answers = 0
        self._trial: float | None = None  # when the call left that is tried beyond the cap
        self._tried: float | None = None  # the same, once it is back and its end is not told yet
        self._lesson = -math.inf  # when the last refusal came

    @property
    def learned(self) -> int | None:
        """The cap, if a refusal or a trial has taught it; None where it is what it began with."""
        return self.cap if self._taught and self.cap != self._first else None

    def earliest(self, now: float) -> float:
        """When the next call may leave: -inf if at once, inf if only an answer can allow it."""
        if self.in_flight < self._limit:
            return -math.inf
        if self._trial is None:
            return -math.inf if self._may_try(self.cap, self._patience) else math.inf
        if not self._may_try(self.cap + 1, self._patience // _SOONER):
            return math.inf
        known = self._trial + _KNOWN
        return -math.inf if known <= now else known

    def leave(self, now: float) -> None:
        """Take a slot; beyond the cap, that is a trial."""
        self._settle(now)
        self.in_flight += 1
        if self.in_flight > self.cap and self._trial is None:
            self._trial, self._answers = now, 0

    def undo(self, left: float) -> None:
        """Give back the slot of a call that did not go out after all."""
        self.in_flight -= 1
        if left == self._trial:
            self._trial, self._answers = None, self._patience

    def came_back(self, left: float, now: float) -> None:
        """Free the slot of a call that is over; how it ended is told after that."""
        self._settle(now)
        self.in_flight -= 1
        if left == self._trial:
            self._trial, self._tried = None, left

    def answered(self, left: float, now: float) -> None:
        """Learn from an answer that is no refusal."""
        self._settle(now)
        self._answers += 1
        if left == self._tried or (self._trial is not None and left >= self._trial):
            self._let_in()

    def refused(self, left: float, now: float) -> None:
        """Learn from a refusal; its slot is free already."""
        self._settle(now)
        self.cap = max(1, min(self.cap, self.in_flight))
        self._trial, self._tried, self._answers, self._taught = None, None, 0, True
        if left > self._lesson:  # one that left before is the same lesson again
            self._patience = min(max(self._patience * _RARER, _LEAST), _RAREST)
            self._lesson = now

    @property
    def _limit(self) -> int:
        return self.cap + (self._trial is not None)

    def _may_try(self, cap: int, patience: int) -> bool:
        return self.in_flight == cap < self.most and self._answers >= patience

    def _settle(self, now: float) -> None:
        """Raise the cap if the call that is tried has been out for long enough."""
        if self._trial is not None and now >= self._trial + _KNOWN:
            self._let_in()

    def _let_in(self) -> None:
        self._trial, self._tried, self._taught = None, None, True
        self.cap += 1
        self._patience //= _SOONER
