"""The rate that refusals for rate teach. Arithmetic, given the time in seconds."""

from __future__ import annotations

import math
from bisect import bisect_right

from volcv_async.governor.pace import Pace

_SLOWEST = 1 / 120  # calls a second: the least that is ever learned
_CUT = 0.95  # what a refusal leaves of the rate at the most
_BLIND = 1.0  # seconds without departures after the first refusal: the window at least
_BOUND = 0.02  # seconds after its time that a call still left because of the rate: timers are late
_SMALLEST, _BIGGEST = 0.02, 1.0  # of the rate that is tried on top, as a share
_BOLDER = 2  # times as much is tried after a trial that went well
_SHYER = 4  # times less after a refusal
_STALE = True
_WINDOWS = 3  # windows' worth of calls that a trial must survive
_RARER = 4  # times as many calls before the next trial, after a refusal
_LEAST = 4  # calls before the next trial at the least, after a refusal
_RAREST = 45  # calls at the most: a trial refused each time is 2.2 % of the calls
_SOONER = 8  # times fewer calls before the next trial, after one that was let in


class Tempo:
    """The rate that refusals teach beneath what is stated; before the first it holds nothing back.

    A refusal tells what fits: what was let in lately. When enough calls left because of this rate,
    and not of anything else, a higher one is tried. If three windows' worth of calls survive, it is
    the new rate, and the next trial comes sooner and is twice as big; if one is refused, the rate
    is what it was, and the next trial comes later and is smaller.

    Attributes:
        most: What is stated, in calls a second, which the rate will never exceed; None if nothing.
        rate: What is learned, in calls a second; None if nothing.
    """

    def __init__(self, most: float | None, burst: int = 1) -> None:
        self.most = most
        self.rate: float | None = None
        self._ceiling = math.inf if most is None else most
        self._burst = burst
        self._pace: Pace | None = None  # at what is learned, or tried
        self._left: list[float] = []  # departures of late that were not refused
        self._closed_until = -math.inf
        self._lesson = -math.inf  # when the last refusal came
        self._failed = False
        self._trial: float | None = None  # when the trial began
        self._bound = 0  # calls since the last lesson or trial that left because of the rate
        self._patience = _LEAST  # such calls before the next trial
        self._step = _SMALLEST  # what the next trial adds, as a share

    def begin(self, rate: float | None) -> None:
        """Start from a rate that was learned before."""
        self._trial, self._bound = None, 0
        if rate is None or rate >= self._ceiling:
            self.rate = self._pace = None
            return
        self.rate = max(rate, min(_SLOWEST, self._ceiling))
        if self._pace is None:
            self._pace = Pace(self.rate, self._burst)
        self._pace.set(self.rate)

    def earliest(self, now: float) -> float:
        """When the next call may leave; not after ``now`` if it may at once."""
        spaced = self._pace.earliest(now) if self._pace else -math.inf
        return max(spaced, self._closed_until)

    def leave(self, now: float) -> None:
        """Count a departure, and begin or end a trial if it is time."""
        del self._left[: max(0, bisect_right(self._left, now - 1) - 1)]  # the last before is kept
        self._left.append(now)
        if self._pace and self.rate and now - self.earliest(now) <= _BOUND:
            self._bound_by(self._pace, self.rate, now)
        if self._pace:
            self._pace.leave(now)

    def undo(self, left: float) -> None:
        """Take back a departure that did not happen."""
        self._forget(left)
        if self._pace:
            self._pace.undo(left)

    def moved(self, left: float, really: float) -> None:
        """Correct a departure that took place later than it was granted."""
        if self._pace:
            self._pace.moved(left, really)

    def answered(self, left: float, now: float) -> None:
        """Learn from an answer that is no refusal."""

    def refused(self, left: float, now: float) -> None:
        """Learn from a refusal for rate."""
        self._forget(left)
        if left <= self._lesson:
            if _STALE and self.rate and not self._failed:
                self._slow_down(self.rate, left, now)
            return
        self._failed = self.rate is not None and self._trial is not None and left >= self._trial
        self._lesson = now
        if self._failed:
            self._patience = min(max(self._patience * _RARER, _LEAST), _RAREST)
            self._step = max(self._step / _SHYER, _SMALLEST)
            self.begin(self.rate)
        else:
            before = self._ceiling if self.rate is None else self.rate
            if self.rate is None:
                self._closed_until = now + _BLIND
            self._slow_down(_CUT * before, left, now)

    def _slow_down(self, rate: float, left: float, now: float) -> None:
        rate = max(min(rate, self._fitted(left)), min(_SLOWEST, self._ceiling * _CUT))
        self._closed_until = max(self._closed_until, now + 1 / rate)
        self.begin(rate)

    def _fitted(self, left: float) -> float:
        """What was let in when this one was not, in calls a second."""
        ages = [left - earlier for earlier in self._left if earlier <= left]
        recent = sum(age < 1 for age in ages)
        longer = len(ages) / ages[0] if ages and ages[0] >= 1 else 0.0
        return max(recent, longer) or 1.0

    def _bound_by(self, pace: Pace, rate: float, now: float) -> None:
        """Count a call that left because of this rate; begin a trial, or end one that went well."""
        self._bound += 1
        if self._trial is None and self._bound >= self._patience:
            self._trial, self._bound = now, 0
            pace.set(min(rate * (1 + self._step), self._ceiling))
        elif self._trial is not None and self._bound >= _WINDOWS * math.ceil(pace.rate):
            self._patience //= _SOONER
            self._step = min(self._step * _BOLDER, _BIGGEST)
            self.begin(pace.rate)

    def _forget(self, left: float) -> None:
        if left in self._left:
            self._left.remove(left)
