"""How long a run will take at its limits: the arithmetic."""

from __future__ import annotations

import pytest

from volcv_async.config import Limits
from volcv_async.events import Learned
from volcv_async.job.forecast import Latency, Pace, Took, forecast, pace, seconds, time_line


def learned(rate: float | None = None, concurrency: int | None = None) -> Learned:
    return Learned(account="here", model="m", rate=rate, concurrency=concurrency)


@pytest.mark.parametrize(
    ("calls", "rate", "slots", "latency", "takes"),
    [
        (0, 5.0, 16, Latency(10.0, 10.0), 0.0),
        (1, 5.0, 16, Latency(10.0, 10.0), 10.0),
        (101, 5.0, 64, Latency(0.1, 0.1), 20.1),
        (101, 5.0, 64, Latency(10.0, 15.0), 35.0),
        (32, None, 16, Latency(10.0, 10.0), 20.0),
        (33, None, 16, Latency(10.0, 12.0), 32.0),
        (3600, 5.0, 10, Latency(10.0, 10.0), 3600.0),
    ],
)
def test_the_narrower_of_rate_and_slots_says_how_long_it_takes(
    calls: int, rate: float | None, slots: int, latency: Latency, takes: float
) -> None:
    """Calls leave evenly and the last must come back, or all slots are busy all the time."""
    assert seconds(calls, rate, slots, latency) == pytest.approx(takes)


def test_what_is_not_known_gives_a_range() -> None:
    """Slots that are yet to be learned and a latency nobody has seen span it."""
    at = pace(Limits(rate=5))
    assert (at.slots, at.latency) == ((2, 16), (Latency(2.0, 2.0), Latency(20.0, 20.0)))
    assert forecast(101, at) == (22.0, 1020.0)
    assert time_line(101, at) == (
        "22 s to 17 min at 5 calls a second and 2 to 16 in flight, if a call takes 2 to 20 s"
    )


def test_what_is_stated_and_what_was_learned_both_bind() -> None:
    """The smaller of the two counts, for rate and slots apart."""
    lessons = [learned(rate=2.5), learned(concurrency=3)]
    assert pace(Limits(rate=5, concurrency=2), lessons).rate == 2.5
    assert pace(Limits(rate=5, concurrency=2), lessons).slots == (2, 2)
    assert pace(Limits(), lessons).slots == (3, 3)
    assert pace(Limits()).rate is None


def test_what_is_known_is_said_as_one_number() -> None:
    """No range is said where both ends are the same."""
    at = Pace(rate=None, slots=(4, 4), latency=(Latency(0.5, 0.5), Latency(0.5, 0.5)))
    assert time_line(8, at) == "1.0 s at 4 in flight, if a call takes 0.5 s"


def test_what_calls_took_is_added_up() -> None:
    """The mean and the longest; nothing is known before the first."""
    took = Took()
    assert took.latency is None
    for seconds_of_one in (1.0, 4.0, 1.0):
        took.add(seconds_of_one)
    assert took.latency == Latency(2.0, 4.0)
