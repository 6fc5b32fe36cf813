"""How a job is doing: its counts, and plain lines now and then; ``view`` draws for a terminal."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console

from volcv_async.bottleneck import NAMES, Cause
from volcv_async.events import Statistics
from volcv_async.job import BadRow, Tally, duration
from volcv_async.results import Outcome

_STEP = 0.05
_SELDOM = 60.0
_OFTEN = 2.0

# What is no matter of the account's limits: there the past says more of the time that is left.
_OURS: frozenset[Cause | None] = frozenset({"source", "consumer", "disk"})
_NEVER_ENDS: frozenset[Cause | None] = frozenset({"outage", "pause", "store"})

_NOTHING = Statistics()

Ask = Callable[[], Statistics]
"""Tells how the client stands now."""


class Display:
    """Counts outcomes as they come, and shows nothing; a context manager."""

    def __init__(self) -> None:
        self.tally = Tally()
        self._ask: Ask = Statistics

    def watch(self, ask: Ask) -> None:
        """Show from now on how the client stands, too."""
        self._ask = ask

    def client(self) -> Statistics:
        """Tell how the client stands."""
        return self._ask()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""

    def show(self, outcome: Outcome) -> None:
        """Count an outcome, and show it if it is time."""
        self.tally.add(outcome)

    def show_bad(self, row: BadRow) -> None:
        """Count a row of the list that is no request."""
        self.tally.add_bad(row.error)

    def look_again(self) -> None:
        """Show how things stand now, though no outcome came."""


class Lines(Display):
    """Plain lines, for a log: a first one soon, one each 5 % of the list, one a minute at least.

    None comes within 2 seconds of another, or of the beginning.
    """

    def __init__(self, console: Console, total: int) -> None:
        super().__init__()
        self._console = console
        self._total = total
        self._said = 0
        self._when = 0.0

    def show(self, outcome: Outcome) -> None:
        """Count an outcome, and say so if a line is due."""
        super().show(outcome)
        now = self.tally.seconds
        more = self._total if not self._said else self.tally.ended - self._said
        if is_due(more, self._total, now - self._when):
            self._console.print(state(self.tally, self._total, self.client()), soft_wrap=True)
            self._said, self._when = self.tally.ended, now


def is_due(more: int, total: int, seconds: float) -> bool:
    """Whether a line is due, so many outcomes and seconds after the last."""
    return seconds >= _SELDOM or (seconds >= _OFTEN and more >= total * _STEP)


def state(tally: Tally, total: int, now: Statistics = _NOTHING) -> str:
    """Say how far it is: ``480 of 1,632 · 1.9/s · limited by rate · 2 failed · 10 min left``."""
    said = [f"{tally.ended:,} of {total:,}", f"{pace(tally):.1f}/s"]
    if now.limited_by is not None and tally.ended < total:
        said.append(f"limited by {NAMES[now.limited_by]}")
    if tally.failed:
        said.append(f"{tally.failed:,} failed")
    if tally.in_doubt:
        said.append(f"{tally.in_doubt:,} in doubt")
    seconds = left(tally, total, now)
    if seconds:
        said.append(f"{duration(seconds)} left")
    return " · ".join(said)


def left(tally: Tally, total: int, now: Statistics) -> float | None:
    """Give the seconds that the rest will take; None where nobody can tell, 0 where none is left.

    They follow from what the limits let through. Only where something of ours is slower, the past
    has to tell.
    """
    rest = total - tally.ended
    if now.limited_by in _NEVER_ENDS:
        return None
    by_limits = None if now.limited_by in _OURS else now.throughput
    expected = by_limits or pace(tally)
    return rest / expected if expected else None


def pace(tally: Tally) -> float:
    """Give the outcomes a second so far."""
    return tally.ended / tally.seconds if tally.seconds else 0.0
