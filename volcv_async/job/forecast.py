"""How long a run will take at its limits, and what it costs: arithmetic alone."""

from __future__ import annotations

import math
from collections.abc import Iterable

import attrs

from volcv_async.config import Limits
from volcv_async.events import Learned
from volcv_async.job.report import duration

DOCUMENTED = (2.0, 20.0)
"""Seconds that a call takes, at the least and at the most, where nothing is known of it."""

_UNSTATED = (2, 16)  # calls in flight that a run begins with, and the most that it learns


@attrs.frozen(kw_only=True)
class Pace:
    """How quickly calls can leave and come back.

    Attributes:
        rate: Calls a second that may leave; None: no limit is known.
        slots: Calls in flight, at the least and at the most.
        latency: Seconds that a call takes, at the least and at the most.
    """

    rate: float | None
    slots: tuple[int, int]
    latency: tuple[float, float]

    def line(self) -> str:
        """Say it: ``at 5 calls a second and 16 in flight, if a call takes 2 to 20 s``."""
        rate = "" if self.rate is None else f"{self.rate:g} calls a second and "
        slots, latency = _range(*self.slots), _range(*self.latency)
        return f"at {rate}{slots} in flight, if a call takes {latency} s"


def pace(
    limits: Limits,
    learned: Iterable[Learned] = (),
    *,
    latency: tuple[float, float] = DOCUMENTED,
) -> Pace:
    """Say how quickly calls will go: as stated, and no quicker than what refusals have taught.

    Args:
        limits: What is stated.
        learned: What was learned of the model at the account.
        latency: Seconds that a call takes, at the least and at the most.
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
    (fewest, most), (shortest, longest) = at.slots, at.latency
    return seconds(calls, at.rate, most, shortest), seconds(calls, at.rate, fewest, longest)


def seconds(calls: int, rate: float | None, slots: int, latency: float) -> float:
    """Give the seconds that so many calls take.

    They leave evenly spaced, and the last must come back; or, where a call takes so long that all
    slots are busy, they come and go in turns.
    """
    if not calls:
        return 0.0
    spaced = (calls - 1) / rate if rate else 0.0
    turns = math.ceil(calls / slots) * latency
    return max(spaced + latency, turns)


def time_line(calls: int, at: Pace) -> str:
    """Say how long so many calls take: ``22 s to 40 s at 5 calls a second …``."""
    least, most = map(duration, forecast(calls, at))
    return f"{least if least == most else f'{least} to {most}'} {at.line()}"


def _range(least: float, most: float) -> str:
    return f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
