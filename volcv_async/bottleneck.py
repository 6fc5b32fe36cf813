"""What time is spent on waiting for: one thing at a time, and which of them limits.

    source ▶ │ rate · concurrency · pause · outage · store │ ▶ latency ▶ │ consumer · disk │

Arithmetic that is given the time, in seconds of any clock that only goes forward.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Literal

Cause = Literal[
    "rate", "concurrency", "pause", "outage", "store", "latency", "source", "consumer", "disk"
]
"""What holds things up.

* ``"rate"``: calls a second, as stated, learned or shared.
* ``"concurrency"``: calls in flight; all slots, or all places of a stream's window, are taken.
* ``"pause"``: the provider asked for one, by a ``Retry-After``.
* ``"outage"``: nothing answers, so that only probes go out.
* ``"store"``: the store of a limit that is shared with other processes cannot be reached.
* ``"latency"``: all there is to send is out, and the provider has yet to answer.
* ``"source"``: the next request is not there yet.
* ``"consumer"``: outcomes are not taken as fast as they come.
* ``"disk"``: the consumer is a job, and its disk does not write as fast as images come.
"""

NAMES: Mapping[Cause, str] = {
    "rate": "rate",
    "concurrency": "concurrency",
    "pause": "pauses that the provider asked for",
    "outage": "an outage",
    "store": "the store of a shared limit, which cannot be reached",
    "latency": "the provider's latency",
    "source": "the source",
    "consumer": "the consumer",
    "disk": "the disk",
}
"""Each as it stands behind "limited by"."""

_LATELY = 10.0  # seconds after which what was counts a third as much as what is


class Stopwatch:
    """Counts the seconds spent on each cause; at any time at most one is on."""

    def __init__(self) -> None:
        self._cause: Cause | None = None
        self._since = -math.inf
        self._seconds: Mapping[Cause, float] = {}

    @property
    def cause(self) -> Cause | None:
        """What is waited for now."""
        return self._cause

    def switch(self, cause: Cause | None, now: float) -> None:
        """From now on wait for this; None: for nothing."""
        if cause != self._cause:
            self._seconds = self.read(now)
            self._cause = cause
            self._since = now

    def read(self, now: float) -> Mapping[Cause, float]:
        """Give the seconds spent on each cause so far; the very same while nothing is on."""
        if self._cause is None:
            return self._seconds
        return total([self._seconds, {self._cause: now - self._since}])


class TimeSpent:
    """Seconds spent on each cause, in all and lately."""

    def __init__(self) -> None:
        self.total: dict[Cause, float] = {}
        self._recent: dict[Cause, float] = {}
        self._at = -math.inf

    def add(self, seconds: Mapping[Cause, float], now: float) -> None:
        """Add what was spent until now."""
        if not seconds:
            return
        faded = math.exp((self._at - now) / _LATELY)
        self._recent = {cause: spent * faded for cause, spent in self._recent.items()}
        self._at = now
        self.total = total([self.total, seconds])
        self._recent = total([self._recent, seconds])

    @property
    def lately(self) -> Cause | None:
        """What most time was spent on lately; None where nothing was waited for."""
        return most(self._recent)


def most(seconds: Mapping[Cause, float]) -> Cause | None:
    """Give the cause that most time was spent on; None where there is none."""
    return max(seconds, key=lambda cause: seconds[cause], default=None)


def total(some: Iterable[Mapping[Cause, float]]) -> dict[Cause, float]:
    """Add up what was spent on each cause."""
    spent: dict[Cause, float] = {}
    for seconds in some:
        for cause, more in seconds.items():
            spent[cause] = spent.get(cause, 0.0) + more
    return spent


def between(before: Mapping[Cause, float], after: Mapping[Cause, float]) -> dict[Cause, float]:
    """Give what was spent between two readings of a stopwatch."""
    if before is after:
        return {}
    spent: dict[Cause, float] = {
        cause: seconds - before.get(cause, 0.0) for cause, seconds in after.items()
    }
    return {cause: seconds for cause, seconds in spent.items() if seconds > 0}
