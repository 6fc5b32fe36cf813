"""How a job is doing: a bar on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from volcv_async.bottleneck import NAMES, Cause
from volcv_async.events import Statistics
from volcv_async.job import Tally, duration
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


class Display(Protocol):
    """What shows outcomes as they come; a context manager."""

    tally: Tally

    def watch(self, ask: Ask) -> None:
        """Show from now on how the client stands, too."""
        ...

    def client(self) -> Statistics:
        """Tell how the client stands."""
        ...

    def __enter__(self) -> Self:
        """Start to show."""
        ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the terminal as it was."""
        ...

    def show(self, outcome: Outcome) -> None:
        """Count an outcome, and show it if it is time."""
        ...


def display(console: Console, total: int) -> Display:
    """Choose what suits the console, for a list of so many prompts."""
    return Bar(console, total) if console.is_terminal else Lines(console, total)


class Bar:
    """A progress bar, which is gone when it is left."""

    def __init__(self, console: Console, total: int) -> None:
        self.tally = Tally()
        self._total = total
        self._ask: Ask = Statistics
        self._progress = Progress(
            BarColumn(bar_width=24),
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
        )
        self._task = self._progress.add_task(state(self.tally, total), total=total)

    def watch(self, ask: Ask) -> None:
        """Show from now on how the client stands, too."""
        self._ask = ask

    def client(self) -> Statistics:
        """Tell how the client stands."""
        return self._ask()

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def show(self, outcome: Outcome) -> None:
        """Count an outcome and move the bar."""
        self.tally.add(outcome)
        self._progress.update(
            self._task,
            completed=self.tally.ended,
            description=state(self.tally, self._total, self._ask()),
        )


class Lines:
    """Plain lines, for a log: a first one soon, one each 5 % of the list, one a minute at least.

    None comes within 2 seconds of another, or of the beginning.
    """

    def __init__(self, console: Console, total: int) -> None:
        self.tally = Tally()
        self._ask: Ask = Statistics
        self._console = console
        self._total = total
        self._said = 0
        self._when = 0.0

    def watch(self, ask: Ask) -> None:
        """Say from now on how the client stands, too."""
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
        """Nothing is left to clear away."""

    def show(self, outcome: Outcome) -> None:
        """Count an outcome, and say so if a line is due."""
        self.tally.add(outcome)
        now = self.tally.seconds
        more = self._total if not self._said else self.tally.ended - self._said
        if is_due(more, self._total, now - self._when):
            self._console.print(state(self.tally, self._total, self._ask()))
            self._said, self._when = self.tally.ended, now


def is_due(more: int, total: int, seconds: float) -> bool:
    """Whether a line is due, so many outcomes and seconds after the last."""
    return seconds >= _SELDOM or (seconds >= _OFTEN and more >= total * _STEP)


def state(tally: Tally, total: int, now: Statistics = _NOTHING) -> str:
    """Say how far it is: ``480 of 1,632 · 1.9/s · limited by rate · 2 failed · 10 min left``."""
    said = [f"{tally.ended:,} of {total:,}", f"{_pace(tally):.1f}/s"]
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
    pace = by_limits or _pace(tally)
    return rest / pace if pace else None


def _pace(tally: Tally) -> float:
    return tally.ended / tally.seconds if tally.seconds else 0.0
