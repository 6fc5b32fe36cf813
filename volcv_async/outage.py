"""What may go out while nothing answers: caution at first, then a held breath, then a way back.

The arithmetic is given the time, in seconds of any clock that only goes forward, and never waits.

* A *streak* is a row of attempts without a readable answer. While one is on, few calls are under
  way, so that no more than five are lost to it, or those that were out already when it began.
* Five in a row are an ``Outage``: nothing goes out but plain probes, which cost nothing, and now
  and then one paid call, alone.
* ``Recovery`` is the timetable of one outage: when to probe, and when to risk that call.

An answer says that the provider is well only if its call left after the streak had begun: an older
one says nothing of now. And it says so of its own account group only: each has an ``Outage``, so
that one that is dead is held back while the others go on.
"""

from __future__ import annotations

import math

_LONG = 2.5  # longest pauses before a paid call goes out without a sign of recovery
_LONGEST = 10.0  # where the doubling of that ends, in longest pauses


class Recovery:
    """When to look again in one outage: by plain probes, and by one paid call at a time.

    Pauses between probes double up to the longest. A probe that is answered after something had
    failed visibly (a probe, an attempt that could not be sent, or one that no reply came to) is a
    sign of recovery, and a paid call goes out at once. Where there is no such sign, because probes
    are always answered or never, or because a sign was wrong, it waits 2.5 times the longest pause,
    then twice as long, up to ten times. While nothing at all could be sent, paid calls cost nothing
    either, and are the probes themselves.

    Attributes:
        next_probe: When to send a plain probe; infinite while paid calls are the probes.
        next_call: When one paid call may go out.
    """

    def __init__(
        self, now: float, first: float, longest: float, *, free: bool, visibly: bool
    ) -> None:
        self._pause, self._longest = first, longest
        self._long = _LONG * longest
        self._free = free  # whether nothing was sent in this outage
        self._failed_visibly = visibly
        self._signs_count = True
        self._waits_long = not free
        self.next_probe = math.inf if free else now + self._grow()
        self.next_call = now + (self._grow() if free else self._long)

    def left(self, now: float) -> None:
        """Note that the paid call goes out; the next waits long, unless this one's end is told."""
        self.next_call = now + self._long

    def undone(self) -> None:
        """Note that the paid call did not go out after all; another may."""
        self.next_call = -math.inf

    def probed(self, now: float, *, answered: bool) -> None:
        """Learn from a plain probe."""
        self.next_probe = now + self._grow()
        if not answered:
            self._failed_visibly = True
        elif self._failed_visibly and self._signs_count:
            self.next_call = min(self.next_call, now)
            self._waits_long = False

    def not_sent(self, now: float, *, trial: bool) -> None:
        """Learn from an attempt that could not be sent; it cost nothing."""
        self._failed_visibly = True
        if trial:
            self._signs_count = True
            self.next_call = now + (self._grow() if self._free else self._long)

    def lost(self, now: float, *, trial: bool) -> None:
        """Learn from an attempt that is in doubt. Signs count for nothing after a wrong one."""
        if trial:
            self._signs_count = False
            if self._waits_long:
                self._long = min(2 * self._long, _LONGEST * self._longest)
        if trial or self._free:
            self._waits_long = True
            self.next_call = now + self._long
        if self._free:
            self._free = False
            self.next_probe = now + self._grow()

    def _grow(self) -> float:
        """Give the pause that is due, and double the next one."""
        pause = self._pause
        self._pause = min(2 * pause, self._longest)
        return pause


class Outage:
    """Whether one account group's answers are out, and what may leave to it.

    It begins with the fifth failure in a row.

    Attributes:
        in_a_row: Attempts without a readable answer since the last that had one.
        ever_answered: Whether any attempt ever had one.
    """

    IN_A_ROW = 5

    def __init__(self, pause: float, longest: float) -> None:
        self._first, self._longest = pause, longest
        self.in_a_row = 0
        self.ever_answered = False
        self._left = 0  # departures so far; each call is known by its number
        self._before_streak = self._before_outage = 0  # of those, how many before each began
        self._free = True  # whether nothing was sent in this streak
        self._began = math.inf
        self._recovery: Recovery | None = None

    @property
    def on(self) -> bool:
        """Whether nothing but probes goes out."""
        return self._recovery is not None

    @property
    def well(self) -> bool:
        """Whether an answer was ever readable, and no failure has come since the last that was."""
        return self.ever_answered and not self.in_a_row

    @property
    def next_probe(self) -> float:
        """When to send a plain probe; infinite where none is due."""
        return math.inf if self._recovery is None else self._recovery.next_probe

    def lasting(self, now: float) -> float:
        """Give the seconds for which the outage has been on."""
        return max(0.0, now - self._began)

    def earliest(self, in_flight: int) -> float:
        """When the next call may leave, as far as the outage goes."""
        if self._recovery is not None:
            return self._recovery.next_call if in_flight == 0 else math.inf
        cautious = self.in_a_row > 0 and in_flight >= self.IN_A_ROW - self.in_a_row
        return math.inf if cautious else -math.inf

    def leave(self, now: float) -> int:
        """Count a call that leaves, and give its number, by which it is known when it is back."""
        self._left += 1
        if self._recovery is not None:
            self._recovery.left(now)
        return self._left

    def undo(self, number: int) -> None:
        """Take back a call that did not go out after all."""
        if self._recovery is not None and number > self._before_outage:
            self._recovery.undone()

    def silent(self, number: int, now: float, *, sent: bool, replied: bool = False) -> bool:
        """Count an attempt without a readable answer; tell whether the outage begins with it.

        Args:
            number: Which departure it was.
            now: The time.
            sent: Whether any byte of it went out.
            replied: Whether any reply came, such as the page of a gateway that lost the provider.
        """
        if not self.in_a_row:
            self._begin_streak()
        self.in_a_row += 1
        self._free = self._free and not sent
        if self._recovery is None:
            return self._begin(now, visibly=not replied)
        learn = self._recovery.lost if sent else self._recovery.not_sent
        learn(now, trial=number > self._before_outage)
        return False

    def renewed(self) -> None:
        """Let one paid call go at once: whoever opens the pool again may know that it is over."""
        if self._recovery is not None:
            self._recovery.undone()

    def probed(self, now: float, *, answered: bool) -> None:
        """Learn from a plain probe, unless the outage ended meanwhile."""
        if self._recovery is not None:
            self._recovery.probed(now, answered=answered)

    def answered(self, number: int) -> bool:
        """Count a readable answer; tell whether an outage ends with it."""
        self.ever_answered = True
        if number <= self._before_streak:
            return False
        ended = self.on
        self.in_a_row, self._recovery, self._began = 0, None, math.inf
        return ended

    def _begin_streak(self) -> None:
        self._before_streak = self._left
        self._free = True

    def _begin(self, now: float, *, visibly: bool) -> bool:
        if self.in_a_row < self.IN_A_ROW:
            return False
        self._began, self._before_outage = now, self._left
        self._recovery = Recovery(now, self._first, self._longest, free=self._free, visibly=visibly)
        return True
