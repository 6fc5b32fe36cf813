"""The rate that refusals for rate teach. Arithmetic, given the time in seconds."""

from __future__ import annotations

import math
from bisect import bisect_right

from volcv_async.governor.pace import Pace

_SLOWEST = 1 / 120  # calls a second: the least that is ever learned
_GUESS = 1.0  # calls a second: the first lesson, where nothing was ever let in
_MOST_LEFT = 0.95  # of the rate after a refusal, as a share
_LEAST_LEFT = 0.7  # the same, though less seemed to fit: a window may be longer than it seems
_BLIND = 1.0  # seconds without departures after the first refusal: the window at least
_SLOW_REFUSAL = 5.0  # seconds that a refusal may take to come
_BOUND = 0.02  # seconds after its time that a call still left because of the rate: timers are late
_SMALLEST, _BIGGEST = 0.02, 1.0  # of the rate that is tried on top, as a share
_BOLDER = 4  # times as much is tried after a trial that went well; times less after one that failed
_WINDOWS = 3  # windows' worth of calls that a trial must survive: calls come early by chance, too
_RARER = 4  # times as many calls before the next trial, after one that failed
_LEAST = 4  # calls before the next trial at the least, after one that failed
_RAREST = 45  # calls at the most: a trial refused each time is 2.2 % of the calls
_SOONER = 8  # times fewer calls before the next trial, after one that went well


class Tempo:
    """The rate that refusals for rate teach beneath what is stated; before them nothing is held.

    A refusal tells what fits: what was let in lately. The first is believed; each that follows
    leaves 70 to 95 % of the rate. When enough calls left because of this rate, and not of anything
    else, a little more is tried. If three windows' worth of calls survive, that is the rate, and
    the next trial is sooner and bolder; if one is refused, the rate is what it was, and the next
    trial is later and shyer.

    Attributes:
        rate: What is learned, in calls a second; None if nothing is, or no less than is stated.
    """

    def __init__(self, most: float | None, burst: int = 1) -> None:
        """Begin with nothing learned.

        Args:
            most: The rate that is stated, in calls a second; None if none is.
            burst: Calls that may leave together.
        """
        self.rate: float | None = None
        self._most = math.inf if most is None else most
        self._least = min(_SLOWEST, _MOST_LEFT * self._most)
        self._burst = burst
        self._pace: Pace | None = None
        self._tried = 0.0  # the rate at which calls leave: what is learned, or tried
        self._left: list[float] = []  # what was not refused of the last second, and one before
        self._closed_until = -math.inf
        self._lesson = -math.inf  # when the last refusal came that taught something
        self._trial = math.inf  # when the trial began; infinite while there is none
        self._bound = 0  # calls since the last lesson or trial that left because of the rate
        self._patience = _LEAST  # such calls before the next trial
        self._step = _SMALLEST  # what the next trial adds, as a share

    def begin(self, rate: float | None) -> None:
        """Go on from a rate, such as one that was learned before; None forgets what is learned."""
        self._trial, self._bound = math.inf, 0
        if rate is None or rate >= self._most:
            self.rate = self._pace = None
            return
        self.rate = max(rate, self._least)
        self._go(self.rate)

    def earliest(self, now: float) -> float:
        """When the next call may leave; not after ``now`` if it may at once."""
        if self._pace is None:
            return self._closed_until
        return max(self._pace.earliest(now), self._closed_until)

    def leave(self, now: float) -> None:
        """Count a departure; it may begin a trial, or end one that went well."""
        self._left.append(now)
        long_ago = now - 1 - _SLOW_REFUSAL
        if self._left[len(self._left) // 2] <= long_ago:  # half of it is of no use but for one
            del self._left[: bisect_right(self._left, long_ago) - 1]
        if self.rate is not None and now - self.earliest(now) <= _BOUND:
            self._bound += 1
            self._try(self.rate, now)
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

    def refused(self, left: float, now: float) -> None:
        """Learn from a refusal, unless the call left before the last lesson."""
        self._forget(left)
        if left <= self._lesson:
            return
        self._lesson = now
        if left > self._trial:
            self._patience = min(max(self._patience * _RARER, _LEAST), _RAREST)
            self._step = max(self._step / _BOLDER, _SMALLEST)
            self.begin(self.rate)
        else:
            self._slow_down(left, now)

    def _slow_down(self, left: float, now: float) -> None:
        """Go on at what fits, after a pause of as long as one call takes at that rate."""
        first, asked = self.rate is None, self.rate or self._most
        fits = self._fitted(left) or (_GUESS if first else 0.0)
        least = self._least if first else max(self._least, _LEAST_LEFT * asked)
        rate = max(min(_MOST_LEFT * asked, fits), least)
        self._closed_until = now + max(1 / rate, _BLIND if first else 0.0)
        self.begin(rate)

    def _fitted(self, left: float) -> float:
        """What was let in before this one was refused, in calls a second; 0 if nothing was."""
        ages = [left - earlier for earlier in self._left if earlier <= left]
        recent = [age for age in ages if age < 1]
        before = [age for age in ages if age >= 1][-1:]
        with_one_before = len(before + recent) / max([*before, 1.0])
        return max(len(recent), with_one_before)

    def _try(self, rate: float, now: float) -> None:
        """Begin a trial when enough calls left because of the rate; end one that was survived."""
        if self._trial == math.inf and self._bound >= self._patience:
            self._trial, self._bound = now, 0
            self._go(min(rate * (1 + self._step), self._most))
        elif self._trial < math.inf and self._bound >= _WINDOWS * math.ceil(self._tried):
            self._patience //= _SOONER
            self._step = min(self._step * _BOLDER, _BIGGEST)
            self.begin(self._tried)

    def _go(self, rate: float) -> None:
        self._tried = rate
        if self._pace is None:
            self._pace = Pace(rate, self._burst)
        self._pace.set(rate)

    def _forget(self, left: float) -> None:
        if left in self._left:
            self._left.remove(left)
