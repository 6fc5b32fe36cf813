"""How long a run will take at its limits, and what it costs: arithmetic alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs

from volcv_async.config import Limits
from volcv_async.events import Learned
from volcv_async.job.report import duration


@attrs.frozen
class Latency:
    """How long calls take.

    Attributes:
        mean: Seconds on average.
        longest: Seconds at the longest; so long it may take until the last of many is back.
    """

    mean: float
    longest: float

    def times(self, factor: float) -> Latency:
        """Give what is so many times as slow."""
        return Latency(factor * self.mean, factor * self.longest)


@attrs.define
class Took:
    """Adds up how long calls took."""

    calls: int = 0
    seconds: float = 0.0
    longest: float = 0.0

    def add(self, seconds: float) -> None:
        """Add one."""
        self.calls += 1
        self.seconds += seconds
        self.longest = max(self.longest, seconds)

    @property
    def latency(self) -> Latency | None:
        """How long they took; None before the first."""
        return Latency(self.seconds / self.calls, self.longest) if self.calls else None


DOCUMENTED = (Latency(2.0, 2.0), Latency(20.0, 20.0))
"""How long calls take, at the least and at the most, where nothing is known of it."""

_UNSTATED = (2, 16)  # calls in flight that a run begins with, and the most that it learns


@attrs.frozen(kw_only=True)
class Pace:
    """How quickly calls can leave and come back.

    Attributes:
        rate: Calls a second that may leave; None: no limit is known.
        slots: Calls in flight, at the least and at the most.
        latency: How long calls take, at the least and at the most.
    """

    rate: float | None
    slots: tuple[int, int]
    latency: tuple[Latency, Latency]

    def line(self) -> str:
        """Say it: ``at 5 calls a second and 16 in flight, if a call takes 2 to 20 s``."""
        rate = "" if self.rate is None else f"{self.rate:g} calls a second and "
        quick, slow = self.latency
        takes = _range(quick.mean, slow.longest)
        return f"at {rate}{_range(*self.slots)} in flight, if a call takes {takes} s"


def pace(
    limits: Limits,
    learned: Iterable[Learned] = (),
    *,
    latency: tuple[Latency, Latency] = DOCUMENTED,
) -> Pace:
    """Say how quickly calls will go: as stated, and no quicker than what refusals have taught.

    Args:
        limits: What is stated.
        learned: What was learned of the model at the account.
        latency: How long calls take, at the least and at the most.
    """
    lessons = list(learned)
    rates = [limits.calls_a_second, *(lesson.rate for lesson in lessons)]
    slots = [limits.slots, *(lesson.concurrency for lesson in lessons)]
    fewest = min((number for number in slots if number is not None), default=None)
    return Pace(
        rate=min((rate for rate in rates if rate is not None), default=None),
        slots=_UNSTATED if fewest is None else (fewest, fewest),
        latency=latency,
    )


def forecast(calls: int, at: Pace) -> tuple[float, float]:
    """Give the seconds that so many calls take, at the least and at the most."""
    (fewest, most), (quick, slow) = at.slots, at.latency
    return seconds(calls, at.rate, most, quick), seconds(calls, at.rate, fewest, slow)


def seconds(calls: int, rate: float | None, slots: int, latency: Latency) -> float:
    """Give the seconds that so many calls take.

    They leave evenly spaced; or, where calls take so long that all slots are busy, in turns. Then
    the last of them must come back.
    """
    if not calls:
        return 0.0
    spaced = (calls - 1) / rate if rate else 0.0
    turns = (math.ceil(calls / slots) - 1) * latency.mean
    return max(spaced, turns) + latency.longest


def time_line(calls: int, at: Pace) -> str:
    """Say how long so many calls take: ``22 s to 40 s at 5 calls a second …``."""
    least, most = map(duration, forecast(calls, at))
    return f"{least if least == most else f'{least} to {most}'} {at.line()}"


def _range(least: float, most: float) -> str:
    return f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
