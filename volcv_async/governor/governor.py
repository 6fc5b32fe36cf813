"""What one account group may do now: what is stated binds it, what was learned a model. Arithmetic.

    stated, for the whole group      a rate (pace) · calls in flight · a ramp · pauses asked for
    learned, for each model beneath  a rate (tempo) · calls in flight (room)

A call that leaves takes of all of them together.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator

import attrs

from volcv_async.bottleneck import Cause
from volcv_async.config import Limits
from volcv_async.errors import SlowDown
from volcv_async.governor.line import Model
from volcv_async.governor.pace import Meter, Pace, Ramp
from volcv_async.governor.room import MOST_UNSTATED, Room
from volcv_async.governor.tempo import Tempo

_FIRST = 2  # calls in flight to start with, where no limit is stated
_ENOUGH = 10  # connections after which the quickest of them says what is usual
_JITTER = 0.1  # of a pause that was asked for, so that not all who were asked come back together
_OF_LATE = 60.0  # seconds before the last call within which a model counts as asked for
_PAUSE: Cause = "pause"
_AT_ONCE = 1e-4  # seconds: a hundredth of the guard, by which no departure is moved
_NEWEST = 0.1  # how much the latest answer counts in the usual latency, as a share


@attrs.define(eq=False)
class Lessons:
    """What refusals taught of one model.

    Attributes:
        room: How many calls may be in flight.
        tempo: How many may leave a second.
        left_last: When a call for it last left.
    """

    room: Room
    tempo: Tempo
    left_last: float = -math.inf


class Governor:
    """What one account group may do now.

    Attributes:
        limits: What is stated.
        most: Calls in flight that are never exceeded.
        in_flight: Calls under way.
        left_last: When a call last left, in seconds of the clock that it is given.
        latency: Seconds that an answered call takes, of late; None before the first.
    """

    def __init__(self, limits: Limits, *, draw: Callable[[], float] = random.random) -> None:
        self.limits = limits
        self.most = limits.slots or MOST_UNSTATED
        self.in_flight = 0
        self.left_last = -math.inf
        self.latency: float | None = None
        rate = limits.calls_a_second
        self._stated = Pace(rate, limits.burst) if rate else None
        self._adaptive = limits.adaptive
        self._lessons: dict[Model, Lessons] = {}
        self._ramp, self._meter = Ramp(limits.ramp), Meter()
        self._closed_until = -math.inf
        self._draw = draw
        self._quickest = math.inf  # from turn to departure: a connection at its best, in seconds
        self._departed = 0

    # What is allowed

    @property
    def slots(self) -> int:
        """Calls that may be in flight now."""
        first = _FIRST if self.limits.adaptive and self.limits.slots is None else self.most
        caps = [lessons.room.cap for lessons in self._asked_for()]
        return min(self.most, sum(caps) if caps else first)

    @property
    def rate(self) -> float | None:
        """The rate that binds now, in calls a second; None if none is known."""
        learned = [lessons.tempo.rate for lessons in self._asked_for()]
        known = [rate for rate in learned if rate is not None]
        whole = [sum(known)] if known and len(known) == len(learned) else []
        return min([*whole, self._stated.rate] if self._stated else whole, default=None)

    @property
    def throughput(self) -> float | None:
        """Calls a second that limits and latency let through now; None if nothing is known."""
        by_slots = [self.slots / self.latency] if self.latency else []
        by_rate = [] if self.rate is None else [self.rate]
        return min(by_slots + by_rate, default=None)

    def _asked_for(self) -> list[Lessons]:
        """Give the lessons of those models that calls leave for of late; of all, before any did."""
        every = list(self._lessons.values())
        late = [one for one in every if one.left_last >= self.left_last - _OF_LATE]
        return late if self.left_last > -math.inf else every

    def measured(self, now: float) -> float:
        """Give the calls a second that left lately."""
        return self._meter.rate(now)

    def held_up(self, model: Model, now: float) -> tuple[float, Cause]:
        """When the next call for a model may leave, and what holds it up until then.

        Not after ``now`` if it may leave at once; infinite while no slot is free.
        """
        if self.in_flight >= self.most:
            return math.inf, "concurrency"
        when, cause = self._closed_until, _PAUSE
        if self._ramp.seconds:
            risen = self._ramp.earliest(now, self.in_flight, self.slots, self.rate)
            if risen > when:
                when, cause = risen, "concurrency"
        if self._stated is not None and (spaced := self._stated.earliest(now)) > when:
            when, cause = spaced, "rate"
        if (lessons := self._lessons.get(model)) is not None:
            if (spaced := lessons.tempo.earliest(now)) > when:
                when, cause = spaced, "rate"
            if (free := lessons.room.earliest(now)) > when:
                when, cause = free, "concurrency"
        return when, cause

    # From departure to answer

    def leave(self, model: Model, now: float) -> None:
        """Take a slot and a departure."""
        if self._ramp.seconds:
            self._ramp.leave(now, self.in_flight)
        self.in_flight += 1
        self.left_last = now
        self._meter.leave(now)
        if self._stated is not None:
            self._stated.leave(now)
        if self._adaptive:
            lessons = self._lessons.get(model) or self._begun(model)
            lessons.room.leave(now)
            lessons.tempo.leave(now)
            lessons.left_last = now

    def departed(self, model: Model, left: float, really: float) -> None:
        """Count a departure from when it took place, once the connection was made.

        A connection that took longer than the quickest one brings its call closer to those that
        leave after it, and the provider counts arrivals.
        """
        took = really - left
        self._quickest = min(self._quickest, took)
        self._departed += 1
        late = took - self._quickest if self._departed > _ENOUGH else took
        if late > _AT_ONCE:
            for pace in self._paces(model):
                pace.moved(left, left + late)

    def undo(self, model: Model, left: float) -> None:
        """Give back what a call took that did not go out after all."""
        self.in_flight -= 1
        self._ramp.undo()
        self._meter.undo(left)
        for pace in self._paces(model):
            pace.undo(left)
        if model in self._lessons:
            self._lessons[model].room.undo(left)

    def came_back(self, model: Model, left: float, now: float) -> None:
        """Free the slot of a call that is over; how it ended is told after that."""
        self.in_flight -= 1
        if model in self._lessons:
            self._lessons[model].room.came_back(left, now)

    def _paces(self, model: Model) -> Iterator[Pace | Tempo]:
        if self._stated is not None:
            yield self._stated
        if model in self._lessons:
            yield self._lessons[model].tempo

    def forget(self) -> None:
        """Forget the calls under way: their loop is gone."""
        self.in_flight = 0
        for lessons in self._lessons.values():
            lessons.room.in_flight = 0

    # Learning

    def answered(self, model: Model, left: float, now: float) -> None:
        """Learn from an answer that is no refusal for pace; its slot is free already."""
        if model in self._lessons:
            self._lessons[model].room.answered(left, now)

    def made(self, seconds: float) -> None:
        """Learn how long a call takes that gives an image."""
        usual = seconds if self.latency is None else self.latency
        self.latency = usual + _NEWEST * (seconds - usual)

    def refused(self, model: Model, what: SlowDown, left: float, now: float) -> None:
        """Learn from a refusal for rate or for calls in flight; its slot is free already."""
        lessons = self._lessons.get(model)
        if lessons is not None:
            taught = lessons.room if what == "concurrency" else lessons.tempo
            taught.refused(left, now)

    def pause(self, seconds: float, now: float) -> bool:
        """Let nothing leave for so long, as a ``Retry-After`` asks, and up to a tenth longer.

        Tells whether that is news: not if as much was asked for before.
        """
        until = now + seconds * (1 + _JITTER * self._draw())
        news = now + seconds > self._closed_until
        self._closed_until = max(self._closed_until, until)
        return news

    def learned(self) -> Iterator[tuple[str, float | None, int | None]]:
        """Give what is learned: a model's ``req_key``, its rate and its cap, if any is."""
        for model, lessons in self._lessons.items():
            rate, cap = lessons.tempo.rate, lessons.room.learned
            if model is not None and (rate, cap) != (None, None):
                yield model, rate, cap

    def recall(self, model: str, rate: float | None, cap: int | None) -> None:
        """Begin with what was learned before, unless this model has lessons already."""
        if not self._adaptive or model in self._lessons:
            return
        lessons = self._begun(model)
        if cap is not None:
            lessons.room.begin(cap)
        if rate is not None:
            lessons.tempo.begin(rate)

    def _begun(self, model: Model) -> Lessons:
        """Begin the lessons of a model, with its first call."""
        stated = self.limits.slots
        lessons = self._lessons[model] = Lessons(
            Room(most=self.most, first=min(_FIRST, self.most) if stated is None else stated),
            Tempo(self.limits.calls_a_second, self.limits.burst),
        )
        return lessons
