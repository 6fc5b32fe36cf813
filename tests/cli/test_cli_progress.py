"""How a job is doing: when a line is due, and what it says."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from volcv_async.bottleneck import Cause
from volcv_async.cli.progress import Lines, is_due, left, state
from volcv_async.errors import QuotaError, UnknownOutcomeError
from volcv_async.events import Statistics
from volcv_async.job import Tally
from volcv_async.models import GeneralV21
from volcv_async.results import Failed, InDoubt

REQUEST = GeneralV21(prompt="a red fox")
FAILED = Failed(index=0, request=REQUEST, attempts=1, error=QuotaError("Used up."))
IN_DOUBT = InDoubt(index=1, request=REQUEST, attempts=1, error=UnknownOutcomeError("?"))


@pytest.mark.parametrize(
    ("more", "seconds", "due"),
    [(100, 1.9, False), (49, 59.9, False), (50, 2.0, True), (1, 60.0, True)],
)
def test_a_plain_line_comes_now_and_then(more: int, seconds: float, *, due: bool) -> None:
    """Each 5 % of a list of 1,000, not within 2 seconds, and once a minute at least."""
    assert is_due(more, 1000, seconds) is due


def test_the_state_says_what_went_wrong_only_if_something_did() -> None:
    """A run without failures has a short line; at the end no time is left."""
    tally = Tally()
    assert state(tally, 2) == "0 of 2 · 0.0/s"
    tally.add(FAILED)
    assert " · 1 failed · " in state(tally, 2)
    assert state(tally, 2).endswith(" left")
    tally.add(IN_DOUBT)
    assert state(tally, 2).endswith(" · 1 failed · 1 in doubt")


def test_the_state_says_what_limits_it() -> None:
    """While there is something left, the line says what holds it up."""
    tally = Tally()
    tally.add(FAILED)
    now = Statistics(limited_by="latency", throughput=2.0)
    assert " · limited by the provider's latency · 1 failed · 0.5 s left" in state(tally, 2, now)
    tally.add(IN_DOUBT)
    assert "limited by" not in state(tally, 2, now)


@pytest.mark.parametrize(
    ("cause", "throughput", "seconds"),
    [
        ("rate", 5.0, 20.0),
        (None, 5.0, 20.0),
        ("rate", None, 1000.0),
        ("consumer", 5.0, 1000.0),
        ("outage", 5.0, None),
        ("pause", 5.0, None),
        ("store", 5.0, None),
    ],
)
def test_the_time_left_follows_from_the_limits(
    cause: Cause | None, throughput: float | None, seconds: float | None
) -> None:
    """What limits let through tells it; the past only where they do not; an outage nobody."""
    tally = Counted()
    assert left(tally, 101, Statistics(limited_by=cause, throughput=throughput)) == seconds
    assert left(tally, 1, Statistics(limited_by=cause, throughput=throughput)) in {0.0, None}


class Counted(Tally):
    """One outcome in ten seconds."""

    def __init__(self) -> None:
        super().__init__()
        self.completed = 1

    @property
    def seconds(self) -> float:
        return 10.0


def test_lines_are_printed_when_they_are_due() -> None:
    """An outcome within the first seconds is counted, and says nothing yet."""
    said = io.StringIO()
    shown = Lines(Console(file=said), 1000)
    with shown:
        shown.watch(Statistics)
        shown.show(FAILED)
        shown.look_again()
    assert said.getvalue() == ""
    assert shown.tally.failed == 1


def test_the_first_line_of_a_long_list_comes_soon() -> None:
    """Where 5 % are far away, the first line comes with an outcome all the same; the next later."""
    said = io.StringIO()
    shown = Lines(Console(file=said), 10_000)
    shown.tally = Counted()
    shown.watch(lambda: Statistics(limited_by="rate", throughput=2.0))
    for _ in range(3):
        shown.show(FAILED)
    line = "2 of 10,000 · 0.2/s · limited by rate · 1 failed · 83 min 19 s left"
    assert said.getvalue().splitlines() == [line]
    assert shown.client().throughput == 2.0
