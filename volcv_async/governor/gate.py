"""Where calls wait for their turn: the thin layer that waits, over the governors of all groups.

Slot and rate are granted together, at the moment of leaving, by the governor that can let a call
go soonest, as far as its own caution allows, and with a permit where its limits are shared.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import attrs

from volcv_async.bottleneck import Cause, Stopwatch
from volcv_async.governor.governor import Governor
from volcv_async.governor.line import Line, Model, Place
from volcv_async.governor.permits import Permits

_BY_TIME_ALONE = frozenset({"rate", "pause"})  # what no freed slot can shorten


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


@attrs.define(eq=False)
class Turn:
    """What a call was given at the gate.

    Attributes:
        governor: Whose slot and rate it took.
        model: For which model.
        left: When.
        number: Which of the governor's departures it is.
    """

    governor: Governor
    model: Model
    left: float
    number: int

    def departed(self, now: float) -> None:
        """Count the departure from now on, since the connection is only made now."""
        self.governor.departed(self.model, self.left, now)


@attrs.define(eq=False)
class _Waiter:
    """Who waits: for a turn, or only to know that a call could leave.

    Attributes:
        told: What it waits for; those who peek get None.
        peeks: Whether it takes nothing.
    """

    told: asyncio.Future[Turn | None]
    peeks: bool


class _Way(NamedTuple):
    """A way for somebody to leave: when, by which governor, and what holds it up until then."""

    when: float
    cause: Cause
    governor: Governor


class Gate:
    """Where calls wait for their turn: first come, first served among equals, repetitions first.

    Args:
        cautions: The governors, each with what else holds it back.
        permits: Of those whose limits are shared, where permits come from.
        clock: Gives the seconds of a clock that only goes forward.

    Attributes:
        in_flight: Calls under way, over all governors.
        watch: How long somebody waited here, and for what.
    """

    def __init__(
        self,
        cautions: Mapping[Governor, Caution],
        permits: Mapping[Governor, Permits] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cautions = cautions
        self._governors = list(cautions)  # those that are not closed
        self._permits = permits or {}
        self._clock = clock
        self._line: Line[_Waiter] = Line()
        self.in_flight = sum(governor.in_flight for governor in cautions)
        self._peeking = 0
        self._timer: asyncio.TimerHandle | None = None
        self._wakes = math.inf
        self._empty = asyncio.Event()
        self._due = False  # whether an update is to come in the loop's next step
        self._slots_matter = False  # whether anybody could go sooner if a slot were free
        self._idle = True  # whether nobody waited when this was last looked at
        self.watch = Stopwatch()

    @property
    def waiting(self) -> int:
        """Calls waiting for their turn."""
        return len(self._line) - self._peeking

    def number(self) -> int:
        """Give the number of one who comes now, as ``vacancy`` does."""
        return self._line.number()

    def could_leave(self, model: Model = None) -> bool:
        """Tell whether a call that came now would have a turn without waiting; take nothing."""
        return self._open(model, self._clock()) is not None

    def turn_now(self, model: Model = None) -> Turn | None:
        """Take what a call needs to leave at once; None where it would have to wait.

        It has to where limits are shared: a permit is asked for.
        """
        now = self._clock()
        governor = self._open(model, now)
        return None if governor is None else self._grant(model, governor, now)

    async def turn(
        self, model: Model = None, *, again: bool = False, number: int | None = None
    ) -> Turn:
        """Wait until a call may leave, and take what it needs. Give it back with ``over``.

        A cancelled call gives back its place, or what it was granted at that very moment.

        Args:
            model: The ``req_key`` of the request.
            again: Whether it went out before: it goes before new work.
            number: The place that ``vacancy`` gave, to wait where it would have.
        """
        place = self._join(model, again=again, number=number)
        told = place.item.told
        try:
            turn = await told
        except asyncio.CancelledError:
            if not told.cancelled() and told.exception() is None and (turn := told.result()):
                self.undo(turn)
            self._leave(place)
            raise
        assert turn is not None  # noqa: S101 - only those that peek get None
        return turn

    async def vacancy(self, model: Model = None) -> int:
        """Wait until a call that came now could leave at once, and take a number for it.

        Where limits are shared, it may yet have to wait for a permit.
        """
        place = self._join(model, peeks=True)
        try:
            await place.item.told
        finally:
            self._leave(place)
        return place.number

    def over(self, turn: Turn) -> None:
        """Free the slot of a call that is over.

        Others go a step later, so that what the call taught is learned before.
        """
        turn.governor.came_back(turn.model, turn.left, self._clock())
        self._release(turn)
        if self._slots_matter and self._line:
            self.update_soon()

    def undo(self, turn: Turn) -> None:
        """Give back what a call was granted that does not go out after all."""
        turn.governor.undo(turn.model, turn.left)
        self._cautions[turn.governor].undo(turn.number)
        self._release(turn)
        self.update_soon()

    def close(self, governor: Governor) -> None:
        """Let nothing leave by this governor any more."""
        self._governors.remove(governor)
        self.update()

    def turn_away(self, error: Callable[[], BaseException]) -> None:
        """Send away all who wait, each with an error of its own."""
        for place in self._line.everybody():
            self._dismiss(place)
            if not place.item.told.done():
                place.item.told.set_exception(error())
        self.update()

    async def emptied(self) -> None:
        """Wait until no call is under way."""
        while self.in_flight:
            self._empty.clear()
            await self._empty.wait()

    def update(self) -> None:
        """Let go whoever may go now; see to it that the next will be."""
        self._due = False
        if not self._line and self._idle and not self._permits:
            return
        now = self._clock()
        while (found := self._next(now)) is not None and found[1].when <= now:
            self._let_go(*found, now)
        self.watch.switch(None if found is None else found[1].cause, now)
        self._idle = found is None
        self._wake(math.inf if found is None else found[1].when, now)
        if self._permits:
            self._attend(now)

    def update_soon(self) -> None:
        """Do so a step later, so that what is known by then counts; once, however often asked."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._update_if_due)

    def _update_if_due(self) -> None:
        if self._due:
            self.update()

    def stop_timer(self) -> None:
        """Forget the timer, as at the end of a loop."""
        self._wake(math.inf, 0.0)

    # Who goes next

    def _open(self, model: Model, now: float) -> Governor | None:
        """Find a governor by which a call may leave at once, past nobody; they take turns."""
        if self._line or self._permits:
            return None
        if len(self._governors) == 1:
            (governor,) = self._governors
            return governor if self._held_up(governor, model, now)[0] <= now else None
        free = [one for one in self._governors if self._held_up(one, model, now)[0] <= now]
        return min(free, key=lambda one: one.left_last, default=None)

    def _next(self, now: float) -> tuple[Place[_Waiter], _Way] | None:
        """Find who can go first, and how; among those who can go now, who is first in line."""
        best: tuple[Place[_Waiter], _Way] | None = None
        self._slots_matter = len(self._governors) > 1
        for place in self._line.heads() if self._governors else ():
            way = self._way(place, now)
            self._slots_matter = self._slots_matter or way.cause not in _BY_TIME_ALONE
            if best is None or _is_before(place, way, *best, now):
                best = place, way
        return best

    def _way(self, place: Place[_Waiter], now: float) -> _Way:
        """Find the governor that can let a call go first; those equally soon take turns."""
        first, *others = self._governors
        best = self._by(first, place, now)
        for governor in others:
            way = self._by(governor, place, now)
            last = best.governor.left_last
            if (max(way.when, now), governor.left_last) < (max(best.when, now), last):
                best = way
        return best

    def _by(self, governor: Governor, place: Place[_Waiter], now: float) -> _Way:
        when, cause = self._held_up(governor, place.model, now)
        if self._permits and when <= now and not place.item.peeks:
            permits = self._permits.get(governor)
            if permits is not None and not permits.ready:
                return _Way(math.inf, permits.cause, governor)
        return _Way(when, cause, governor)

    def _held_up(self, governor: Governor, model: Model, now: float) -> tuple[float, Cause]:
        """When a call may leave as far as this process knows, and what holds it up."""
        when, cause = governor.held_up(model, now)
        held = self._cautions[governor].earliest(governor.in_flight)
        if held > max(when, now):
            return held, "outage"
        return when, cause

    def _let_go(self, place: Place[_Waiter], way: _Way, now: float) -> None:
        self._dismiss(place)
        told = place.item.told
        if not told.done():  # or it was cancelled, and has not run since
            told.set_result(
                None if place.item.peeks else self._grant(place.model, way.governor, now)
            )

    def _grant(self, model: Model, governor: Governor, now: float) -> Turn:
        governor.leave(model, now)
        self.in_flight += 1
        if governor in self._permits:
            self._permits[governor].spend()
        return Turn(governor, model, now, self._cautions[governor].leave(now))

    def _attend(self, now: float) -> None:
        """Have permits asked for where somebody could leave who had one, and nowhere else."""
        for governor, permits in self._permits.items():
            open_ = governor in self._governors
            permits.attend(
                wanted=open_
                and any(
                    not place.item.peeks and self._held_up(governor, place.model, now)[0] <= now
                    for place in self._line.heads()
                )
            )

    def _wake(self, when: float, now: float) -> None:
        """Set the timer for the next to leave, if it is not set so already."""
        if when == self._wakes:
            return
        self._wakes = when
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if when < math.inf:
            self._timer = asyncio.get_running_loop().call_later(when - now, self._woken)

    def _woken(self) -> None:
        self._wakes, self._timer = math.inf, None
        self.update()

    # Coming and going

    def _join(
        self,
        model: Model,
        *,
        again: bool = False,
        number: int | None = None,
        peeks: bool = False,
    ) -> Place[_Waiter]:
        waiter = _Waiter(asyncio.get_running_loop().create_future(), peeks)
        self._peeking += peeks
        place = self._line.join(waiter, model, again=again, number=number)
        if self._line.is_head(place):
            self.update()
        return place

    def _leave(self, place: Place[_Waiter]) -> None:
        """Leave the line; one that leaves it before its turn may have stood in another's way."""
        if not place.left:
            self._dismiss(place)
            self.update()

    def _dismiss(self, place: Place[_Waiter]) -> None:
        self._peeking -= place.item.peeks
        self._line.leave(place)

    def _release(self, turn: Turn) -> None:
        self.in_flight -= 1
        if turn.governor in self._permits:
            self._permits[turn.governor].over()
        if not self.in_flight:
            self._empty.set()


def _is_before(
    one: Place[_Waiter], way: _Way, other: Place[_Waiter], other_way: _Way, now: float
) -> bool:
    when, other_when = max(way.when, now), max(other_way.when, now)
    return one < other if when == other_when else when < other_when
