"""Where calls wait for their turn: the thin layer that waits, over the governors of all groups."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Protocol

import attrs

from volcv_async.governor.governor import Governor


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
