"""Outages of all account groups: what is heard of each, and the probing while one is on.

``outage`` holds the arithmetic of one, ``probing`` the tasks; here the two meet what attempts tell.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import contextmanager
from functools import partial

from volcv_async.config import RetryPolicy
from volcv_async.errors import ConfigurationError, NotSentError, VolcvError
from volcv_async.events import Event, OutageBegan, OutageEnded, OutageProbed
from volcv_async.governor import Governor
from volcv_async.outage import Outage
from volcv_async.probing import Prober, Spells

_TELLING = 3  # failures in a row, met by several calls, that are no matter of one request


class Outages:
    """The outages of all governors.

    Args:
        names: The governors, and what to call the account of each.
        retry: How long to pause between probes.
        emit: Who is told what happens.
        ask: Probes the endpoints of a governor; tells whether any answers.
        probed: Called after each probe, since a call may leave now.

    Attributes:
        each: The outage of each governor.
    """

    def __init__(
        self,
        names: Mapping[Governor, str],
        retry: RetryPolicy,
        *,
        emit: Callable[[Event], None],
        ask: Callable[[Governor], Awaitable[bool]],
        probed: Callable[[], None],
    ) -> None:
        self.each = {governor: Outage(retry.pause, retry.longest_pause) for governor in names}
        self._names, self._emit = names, emit
        self._ask, self._probed = ask, probed
        self._used: set[Governor] = set()
        self.begin([])

    def begin(self, used: list[Governor]) -> None:
        """Begin anew, on the running loop, with those governors that have a session."""
        self._used = set(used)
        self._probers = {governor: Prober(partial(self._probe, governor)) for governor in self.each}
        self._queued = 0
        self._spells = Spells()
        for governor in used:
            self.each[governor].renewed()
        self._spells.note(on=self.dark)

    def set_aside(self, governor: Governor) -> None:
        """Ask no more about one that has no session left."""
        self._used.discard(governor)

    async def stop(self) -> None:
        """End all probing."""
        for prober in self._probers.values():
            await prober.stop()

    @property
    def ever_answered(self) -> bool:
        """Whether any call was ever answered."""
        return any(outage.ever_answered for outage in self.each.values())

    @property
    def dark(self) -> bool:
        """Whether all accounts that are in use are out."""
        return bool(self._used) and all(self.each[governor].on for governor in self._used)

    def excuses(self, in_flight: int) -> bool:
        """Whether answers that used to come are out, so that what is not sent is excused.

        That is so in an outage of any account, and just before one where it is no matter of one
        request alone.
        """
        telling = _TELLING if self._queued or in_flight else math.inf
        used = [self.each[governor] for governor in self._used]
        out = any(outage.on or outage.in_a_row >= telling for outage in used)
        return out and self.ever_answered

    async def outlasted(self, seconds: float) -> None:
        """Wait until one outage of all accounts has lasted so long, from now at the earliest."""
        await self._spells.outlasted(seconds)

    @contextmanager
    def waited_for(self) -> Generator[None]:
        """Count who waits for a turn, for whose sake probes are sent."""
        self._queued += 1
        self.attend()
        try:
            yield
        finally:
            self._queued -= 1
            self.attend()

    def attend(self) -> None:
        """Begin probing, or end it, as it is wanted now."""
        for governor, prober in self._probers.items():
            due = self.each[governor].next_probe < math.inf and governor in self._used
            prober.attend(wanted=self._queued > 0 and due)

    def hear(self, governor: Governor, number: int, error: VolcvError | None, now: float) -> bool:
        """Learn from how an attempt ended whether its account gives readable answers.

        Tells whether there is anything to ``note``: not of an answer among answers.
        """
        outage = self.each[governor]
        if error is None and outage.well:
            return False
        self._hear(governor, number, error, now)
        return True

    def _hear(self, governor: Governor, number: int, error: VolcvError | None, now: float) -> None:
        outage, name = self.each[governor], self._names[governor]
        if error is None or error.ending in {"answered", "rejected"}:
            if outage.answered(number):
                self._emit(OutageEnded(account=name))
        elif _is_mistake(error) and not self.ever_answered:
            return
        elif outage.silent(
            number,
            now,
            sent=error.ending != "not sent",
            replied=error.http_status is not None,
        ):
            self._emit(OutageBegan(account=name, in_a_row=outage.in_a_row))

    def note(self) -> None:
        """Note whether all are out now, for whoever waits for the end of that."""
        self._spells.note(on=self.dark)
        self.attend()

    async def _probe(self, governor: Governor) -> None:
        """Send the plain probe that is due next, and learn from it."""
        outage = self.each[governor]
        await asyncio.sleep(outage.next_probe - time.monotonic())
        answered = await self._ask(governor)
        now = time.monotonic()
        outage.probed(now, answered=answered)
        event = OutageProbed(
            account=self._names[governor],
            answered=answered,
            lasting=outage.lasting(now),
            next_probe=outage.next_probe - now,
            next_call=max(0.0, outage.earliest(0) - now),
        )
        self._emit(event)
        self._probed()


def _is_mistake(error: VolcvError) -> bool:
    """Tell whether this is likelier a wrong URL than an outage, where nothing ever answered."""
    return isinstance(error, NotSentError | ConfigurationError)
