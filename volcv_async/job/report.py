"""What a job came to: counts while it runs, and the report at its end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import attrs

from volcv_async.bottleneck import NAMES, Cause, most
from volcv_async.errors import VolcvError
from volcv_async.results import Completed, InDoubt, Outcome

_REASONS = 3
_WORTH = 0.05  # of the time, from where on a cause is named


@attrs.frozen(kw_only=True)
class JobReport:
    """What a job came to.

    Attributes:
        out: Its folder.
        completed: Requests that gave their image.
        failed: Requests that ended without one, for a known reason, and rows of the list that are
            none; rows of ``failed.jsonl``.
        in_doubt: Requests that may have been made and billed; rows of ``in_doubt.jsonl``.
        images: Images of completed requests; a request may give several.
        paid: Requests that were billed for certain: the completed ones, and those whose image was
            made and is not in hand.
        perhaps_paid: Calls of which nobody can tell whether they were billed, those included that
            were followed by another for the same request.
        before: Requests of the list that an earlier run has done.
        failed_before: Those that an earlier run has ended without an image, and this one left so.
        in_doubt_before: Those that an earlier run left in doubt, and this one did not send.
        seconds: How long it took.
        waited: Seconds of it that were spent on waiting, by what was waited for.
        reasons: Why requests gave no image, the commonest first, at most three: how often, and
            one of them in words.
        budget_reached: Whether a request of the list had to stay, because the budget of this run
            is used up. One that only was not sent again for that has failed, or is in doubt.
        bad_rows: How many of ``failed`` are rows of the list that are no requests.
    """

    out: Path
    completed: int
    failed: int
    in_doubt: int
    images: int
    paid: int
    perhaps_paid: int
    seconds: float
    before: int = 0
    failed_before: int = 0
    in_doubt_before: int = 0
    reasons: tuple[str, ...] = ()
    waited: Mapping[Cause, float] = attrs.field(factory=dict[Cause, float])
    budget_reached: bool = False
    bad_rows: int = 0

    @property
    def limited_by(self) -> Cause | None:
        """What most time was spent on waiting for; None where nothing was."""
        return most(self.waited)

    def time_line(self) -> str:
        """Say what the time was spent on: ``Limited by rate (96 %), …``; empty without waiting."""
        whole = max(self.seconds, sum(self.waited.values()))
        most_first = sorted(self.waited.items(), key=lambda one: -one[1])
        said = [
            f"{NAMES[cause]} ({100 * spent / whole:.0f} %)"
            for cause, spent in most_first
            if spent >= _WORTH * whole
        ]
        return f"Limited by {', '.join(said)}." if said else ""

    @property
    def all_done(self) -> bool:
        """Whether every request of the list has given its image, in this run or before."""
        return not self.some_failed and not self.budget_reached

    @property
    def some_failed(self) -> bool:
        """Whether any request of the list failed, or is in doubt, in this run or before."""
        return bool(self.failed + self.failed_before + self.in_doubt + self.in_doubt_before)

    def budget_line(self) -> str:
        """Say that the budget ended the run: ``The budget is used up: 97 paid, …``."""
        doubt = f" and {self.perhaps_paid:,} that may be billed" if self.perhaps_paid else ""
        return f"The budget is used up: {self.paid:,} paid{doubt}. What is left was not sent."

    def line(self) -> str:
        """Say it in one line."""
        pace = self.images / self.seconds if self.seconds > 0 else 0.0
        noun = "image" if self.images == 1 else "images"
        failed, in_doubt = self.failed + self.failed_before, self.in_doubt + self.in_doubt_before
        earlier = f"{self.before:,} done before, " if self.before else ""
        return (
            f"{self.images:,} {noun} in {duration(self.seconds)} ({pace:.1f}/s), {earlier}"
            f"{failed:,} failed, {in_doubt:,} in doubt → {self.out}"
        )


class Tally:
    """Counts outcomes as they come; the clock starts when it is made."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.completed = self.failed = self.in_doubt = self.bad_rows = 0
        self.images = self.paid = self.perhaps_paid = 0
        self._reasons: Counter[tuple[str, object]] = Counter()
        self._examples: dict[tuple[str, object], VolcvError] = {}

    @property
    def seconds(self) -> float:
        """Seconds since it was made."""
        return time.monotonic() - self._began

    @property
    def ended(self) -> int:
        """Outcomes of any kind."""
        return self.completed + self.failed + self.in_doubt

    def add(self, outcome: Outcome) -> None:
        """Count one."""
        match outcome:
            case Completed():
                self.completed += 1
                self.images += len(outcome.generation.images)
            case InDoubt():
                self.in_doubt += 1
            case _:
                self.failed += 1
        if not isinstance(outcome, Completed):
            self._add_reason(outcome.error)
        self.paid += outcome.billed == "yes"
        self.perhaps_paid += outcome.perhaps_billed + (outcome.billed == "unknown")

    def add_bad(self, error: VolcvError) -> None:
        """Count a row of the list that is no request."""
        self.failed += 1
        self.bad_rows += 1
        self._add_reason(error)

    def _add_reason(self, error: VolcvError) -> None:
        reason = (type(error).__name__, error.code)
        self._reasons[reason] += 1
        self._examples.setdefault(reason, error)

    def report(
        self,
        out: Path,
        kept: Mapping[str, int] | None = None,
        waited: Mapping[Cause, float] | None = None,
        *,
        budget_reached: bool = False,
    ) -> JobReport:
        """Give the counts as they stand.

        Args:
            out: The folder.
            kept: How many requests of the list this run had not to send, by their state.
            waited: The seconds spent on waiting, by what was waited for.
            budget_reached: Whether a request of the list had to stay because the budget is used
                up.
        """
        kept = kept or {}
        return JobReport(
            out=out,
            completed=self.completed,
            failed=self.failed,
            bad_rows=self.bad_rows,
            in_doubt=self.in_doubt,
            images=self.images,
            paid=self.paid,
            perhaps_paid=self.perhaps_paid,
            seconds=self.seconds,
            waited=dict(waited or {}),
            budget_reached=budget_reached,
            before=kept.get("done", 0),
            failed_before=kept.get("failed", 0),
            in_doubt_before=kept.get("in doubt", 0),
            reasons=tuple(
                f"{reason[0]}, {times:,} in all. One of them: {self._examples[reason]}"
                for reason, times in self._reasons.most_common(_REASONS)
            ),
        )


def duration(seconds: float) -> str:
    """Say a duration the way people do: ``4.2 s``, ``92 s``, ``12 min 5 s``, ``3 h 20 min``."""
    if seconds < 10:  # noqa: PLR2004 - below, tenths matter
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:  # noqa: PLR2004 - two minutes are still said in seconds
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:  # noqa: PLR2004 - two hours are still said in minutes
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"
