"""What one account group may do now: its limits bind, and refusals bind further. Arithmetic."""

from __future__ import annotations

import math

from volcv_async.config import Limits
from volcv_async.governor.pace import Pace
from volcv_async.governor.room import Room

_ENOUGH = 10  # connections after which the quickest of them says what is usual
_CUT = 0.93  # what a refusal for rate leaves of the rate
_CLIMB = 0.0025  # what each second without one adds to it, as a share
_UNLIMITED = 1e6  # calls a second that nobody makes
_BLIND_PAUSE = 1.0  # seconds without departures after a refusal for rate


class Governor:
    """What one account group may do now. Its limits bind; refusals bind further.

    Attributes:
        limits: What is stated.
        room: Its calls in flight.
        left_last: When a call last left, in seconds of the clock that it is given.
    """

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.room = Room(limits.concurrency, adaptive=limits.adaptive)
        self._stated = Pace(limits.rate, limits.burst) if limits.rate else None
        self._learned: Pace | None = None
        self._seen = Pace(_UNLIMITED)  # what left lately, while no rate is known
        self._quickest = math.inf  # from turn to departure: a connection at its best, in seconds
        self._departed = 0
        self.left_last = -math.inf
        self._closed_until = -math.inf
        self._climbed = -math.inf

    @property
    def in_flight(self) -> int:
        """Calls under way."""
        return self.room.in_flight

    @property
    def _paces(self) -> list[Pace]:
        return [pace for pace in (self._stated, self._learned, self._seen) if pace]

    @property
    def rate(self) -> float | None:
        """The rate that binds now, in calls a second; None if none is known."""
        known = [pace.rate for pace in (self._stated, self._learned) if pace]
        return min(known, default=None)

    def earliest(self, now: float) -> float:
        """When the next call may leave; infinite while all slots are taken."""
        if not self.room.free():
            return math.inf
        self._climb(now)
        paces = (pace.earliest(now) for pace in (self._stated, self._learned) if pace)
        return max(self._closed_until, *paces, -math.inf)

    def leave(self, now: float) -> None:
        """Take a slot and a departure."""
        self.room.in_flight += 1
        self.left_last = now
        for pace in self._paces:
            pace.leave(now)

    def departed(self, left: float, really: float) -> None:
        """Count a departure from when it took place, once the connection was made.

        A connection that took longer than the quickest one brings its call closer to those that
        leave after it, and the provider counts arrivals.
        """
        self._quickest = min(self._quickest, really - left)
        self._departed += 1
        best = self._quickest if self._departed > _ENOUGH else 0.0
        for pace in self._paces:
            pace.moved(left, really - best)

    def undo(self, left: float) -> None:
        """Give back what a call took that did not go out after all."""
        self.room.in_flight -= 1
        for pace in self._paces:
            pace.undo(left)

    def came_back(self) -> None:
        """Free the slot of a call that is over."""
        self.room.in_flight -= 1

    def succeeded(self) -> None:
        """Learn from an answer."""
        self.room.succeeded()

    def refused_room(self) -> None:
        """Learn from a refusal for calls in flight; its slot is free already."""
        self.room.refused()

    def refused_rate(self, now: float) -> None:
        """Learn from a refusal for rate: a little under what was asked for.

        Where no rate is known, that is what left in the last second, and a second of silence
        follows it.
        """
        if not self.limits.adaptive:
            return
        if self._learned is not None:
            self._learned.set(self._learned.rate * _CUT)
        elif self.limits.rate is not None:
            self._learned = Pace(self.limits.rate * _CUT)
        else:
            self._learned = Pace(max(1, self._seen.within(1.0, now) - 1) * _CUT)
            self.pause_until(now + _BLIND_PAUSE)
        self._climbed = now

    def pause_until(self, when: float) -> None:
        """Let nothing leave before then, as a ``Retry-After`` asks."""
        self._closed_until = max(self._closed_until, when)

    def _climb(self, now: float) -> None:
        if self._learned is not None:
            most = self.limits.rate or _UNLIMITED
            grown = self._learned.rate * (1 + _CLIMB * (now - self._climbed))
            self._learned.set(min(grown, most))
            self._climbed = now
