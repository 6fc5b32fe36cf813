"""When a call may leave: a strict rate, a cap on calls in flight, and what refusals teach.

The arithmetic is given the time, in seconds of any clock that only goes forward, and never waits:

* ``Pace``: a strict rate, as a spacing and a log of departures.
* ``Room``: how many calls may be in flight.
* ``Governor``: both for one account group; a call that leaves takes of both together.

``Gate`` is the thin layer that waits, first come, first served, over the governors of all groups
and whatever else holds back the calls of one, such as an outage.
"""

from __future__ import annotations

import asyncio
import math
import time
from bisect import bisect_right, insort
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from volcv_async.config import Limits

MOST_UNSTATED = 16
"""Calls in flight at the most where the account states no limit."""

_GUARD = 0.01  # how far under the rate to go, as a share: the provider's clock is not ours
_LATENESS = 0.005  # seconds that a timer may wake late without losing the interval
_ENOUGH = 10  # connections after which the quickest of them says what is usual
_CUT = 0.93  # what a refusal for rate leaves of the rate
_CLIMB = 0.0025  # what each second without one adds to it, as a share
_UNLIMITED = 1e6  # calls a second that nobody makes
_BLIND_PAUSE = 1.0  # seconds without departures after a refusal for rate


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


class Room:
    """Calls in flight under a cap, and the cap that refusals teach beneath what is stated.

    A refusal tells the capacity: the calls still in flight. From there single calls are tried,
    ever faster after successes.
    """

    _FIRST = 2  # where an unstated limit starts
    _SLOWEST = 64  # successes between two trials, at the most

    def __init__(self, stated: int | None, *, adaptive: bool) -> None:
        self._most = stated or MOST_UNSTATED
        self._adaptive = adaptive
        self.cap = self._most if stated or not adaptive else self._FIRST
        self.in_flight = 0
        self._patience = 1
        self._successes = 0

    @property
    def most(self) -> int:
        """What the cap will never exceed."""
        return self._most

    def free(self) -> bool:
        """Tell whether one more may go out."""
        return self.in_flight < self.cap

    def refused(self) -> None:
        """Learn from a refusal of one that has just come back."""
        if self._adaptive:
            self.cap = max(1, min(self.cap, self.in_flight))
            self._patience = min(self._patience * 4, self._SLOWEST)
            self._successes = 0

    def succeeded(self) -> None:
        """Learn from an answer: after enough of them, try one more in flight."""
        self._successes += 1
        if self.cap < self._most and self._adaptive and self._successes >= self._patience:
            self.cap += 1
            self._successes = 0
            self._patience = max(1, self._patience // 2)


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


class Caution(Protocol):
    """What may hold back the calls of one governor besides its limits, as an outage does."""

    def earliest(self, in_flight: int) -> float:
        """When the governor's next call may leave; infinite while none may."""
        ...

    def leave(self, now: float) -> int:
        """Count a call that leaves, and give its number."""
        ...

    def undo(self, number: int) -> None:
        """Take back a call that did not go out after all."""
        ...


@attrs.frozen
class Turn:
    """What a call was given at the gate.

    Attributes:
        governor: Whose slot and rate it took.
        left: When.
        number: Which of the governor's departures it is.
    """

    governor: Governor
    left: float
    number: int


class Gate:
    """Where calls wait for their turn, first come, first served.

    Slot and rate are granted together, at the moment of leaving, by the governor that can let a
    call go soonest, as far as its own caution allows.
    """

    def __init__(
        self, cautions: Mapping[Governor, Caution], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cautions = cautions
        self._governors = list(cautions)  # those that are not closed
        self._clock = clock
        # Who waits, in order, and whether it only wants to know (see ``vacancy``).
        self._waiting: OrderedDict[asyncio.Future[Turn | None], bool] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None
        self._empty = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """Calls under way, over all governors."""
        return sum(governor.in_flight for governor in self._cautions)

    @property
    def waiting(self) -> int:
        """Calls waiting for their turn."""
        return sum(not peeks for peeks in self._waiting.values())

    async def turn(self) -> Turn:
        """Wait until a call may leave, and take what it needs. Give it back with ``over``.

        A cancelled call gives back its place, or what it was granted at that very moment.
        """
        place = self._queue(peeks=False)
        try:
            turn = await place
        except asyncio.CancelledError:
            turn = _granted(place)
            if turn is not None:
                self.undo(turn)
            raise
        finally:
            self._leave_queue(place)
        assert turn is not None  # noqa: S101 - only those that peek get None
        return turn

    async def vacancy(self) -> None:
        """Wait until a call that came now could leave at once; take nothing."""
        place = self._queue(peeks=True)
        try:
            await place
        finally:
            self._leave_queue(place)

    def over(self, turn: Turn) -> None:
        """Free the slot of a call that is over.

        Others go a step later, so that what the call taught is learned before.
        """
        turn.governor.came_back()
        asyncio.get_running_loop().call_soon(self.update)

    def undo(self, turn: Turn) -> None:
        """Give back what a call was granted that does not go out after all."""
        turn.governor.undo(turn.left)
        self._cautions[turn.governor].undo(turn.number)
        asyncio.get_running_loop().call_soon(self.update)

    def close(self, governor: Governor) -> None:
        """Let nothing leave by this governor any more."""
        self._governors.remove(governor)
        self.update()

    def turn_away(self, error: Callable[[], BaseException]) -> None:
        """Send away all who wait, each with an error of its own."""
        while self._anybody():
            place, _ = self._waiting.popitem(last=False)
            place.set_exception(error())

    async def emptied(self) -> None:
        """Wait until no call is under way."""
        while self.in_flight:
            self._empty.clear()
            await self._empty.wait()

    def update(self) -> None:
        """Let go whoever may go now, and set the timer for the next."""
        if not self.in_flight:
            self._empty.set()
        self.stop_timer()
        while self._governors and self._anybody():
            now = self._clock()
            when, governor = self._soonest(now)
            if when > now:
                self._set_timer(when - now)
                return
            place, peeks = self._waiting.popitem(last=False)
            place.set_result(None if peeks else self._let_go(governor, now))

    def stop_timer(self) -> None:
        """Forget the timer, as at the end of a loop."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _let_go(self, governor: Governor, now: float) -> Turn:
        governor.leave(now)
        return Turn(governor, now, self._cautions[governor].leave(now))

    def _soonest(self, now: float) -> tuple[float, Governor]:
        """Find who can let a call go first; those who are equally soon take turns."""
        times = [(self._earliest(one, now), one.left_last, one) for one in self._governors]
        soonest, _, governor = min(times, key=lambda found: (max(found[0], now), found[1]))
        return soonest, governor

    def _earliest(self, governor: Governor, now: float) -> float:
        held = self._cautions[governor].earliest(governor.in_flight)
        return max(held, governor.earliest(now))

    def _anybody(self) -> bool:
        """Tell whether anybody waits, forgetting who was cancelled and has not left yet."""
        while self._waiting:
            first = next(iter(self._waiting))
            if not first.done():
                return True
            del self._waiting[first]
        return False

    def _set_timer(self, seconds: float) -> None:
        if seconds < math.inf:
            self._timer = asyncio.get_running_loop().call_later(seconds, self.update)

    def _queue(self, *, peeks: bool) -> asyncio.Future[Turn | None]:
        place: asyncio.Future[Turn | None] = asyncio.get_running_loop().create_future()
        self._waiting[place] = peeks
        self.update()
        return place

    def _leave_queue(self, place: asyncio.Future[Turn | None]) -> None:
        self._waiting.pop(place, None)
        self.update()


def _granted(place: asyncio.Future[Turn | None]) -> Turn | None:
    """Give what a place was granted; None if nothing, or if it was turned away."""
    if not place.done() or place.cancelled() or place.exception() is not None:
        return None
    return place.result()
