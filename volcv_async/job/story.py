"""The story of a folder's runs, as drawings: only of what the journal and the card hold.

The times are those at which the last attempt of each request left.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median

import attrs

from volcv_async.bottleneck import NAMES
from volcv_async.errors import ConfigurationError
from volcv_async.job import database
from volcv_async.job.database import JOURNAL, JournalError
from volcv_async.job.drawings import Over, bars, columns, time_span
from volcv_async.job.records import Entry, Records
from volcv_async.job.run_card import CARD

_MOST_PARTS = 96  # that the time is drawn in
_CALLS = 6  # in each of them, if there are enough
_PAUSE = 10.0  # seconds without a call that are called a pause, at the least
_UNUSUAL = 20  # how much longer than usual a pause is
_DRAWN_PAUSE = 0.04  # of all sending, however long it was
_WORTH = 0.001  # of all waiting, from where on a cause is drawn


@attrs.define
class Facts:
    """What is known of the calls of a folder, each by its place in the arrays.

    Attributes:
        left: When the call left, as seconds since 1970.
        good: 1 where it gave an image, 0 otherwise.
        refused: How many attempts went before it.
        causes: How many gave no image, by error and code.
    """

    left: array[float] = attrs.field(factory=lambda: array("d"))
    good: array[int] = attrs.field(factory=lambda: array("b"))
    refused: array[int] = attrs.field(factory=lambda: array("l"))
    causes: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, entry: Entry) -> None:
        """Add what the journal says of one request."""
        last = entry.rows[-1] if entry.rows else {}
        if entry.state in {"failed", "in doubt"}:
            code = last.get("code")
            self.causes[f"{last.get('error')}{'' if code is None else f' {code}'}"] += 1
        if entry.sent is not None and entry.state != "pending":
            self.left.append(entry.sent.timestamp())
            self.good.append(entry.state == "done")
            self.refused.append(max(entry.attempts - 1, 0))


@attrs.frozen
class Clock:
    """The time of sending: pauses are cut out of it, so that days of rest leave room.

    Attributes:
        pieces: When each stretch began, and where it begins in the drawing.
        over: The time as it is drawn.
        parts: How many equal parts it is drawn in.
    """

    pieces: tuple[tuple[float, float], ...]
    over: Over
    parts: int

    @classmethod
    def of(cls, times: list[float]) -> Clock:
        """Find the pauses among times, which are in order."""
        stretches = _stretches(times)
        gap = _DRAWN_PAUSE * max(sum(end - start for start, end in stretches), 1.0)
        pieces: list[tuple[float, float]] = []
        breaks: list[tuple[float, float, str]] = []
        at = 0.0
        for place, (start, end) in enumerate(stretches):
            if place:
                said = f"Nothing left for {time_span(start - stretches[place - 1][1])}."
                breaks.append((at, gap, said))
                at += gap
            pieces.append((start, at))
            at += end - start
        parts = min(max(len(times) // _CALLS, 1), _MOST_PARTS)
        return cls(tuple(pieces), Over(seconds=max(at, 1.0), breaks=breaks), parts)

    def place(self, time: float) -> float:
        """Give the place of a time of sending in the drawing's seconds."""
        found = bisect_right(self.pieces, time, key=lambda piece: piece[0])
        start, at = self.pieces[found - 1]
        return at + time - start

    def part(self, time: float) -> int:
        """Give the part that a time is drawn in."""
        return min(int(self.place(time) / self.over.seconds * self.parts), self.parts - 1)

    @property
    def part_seconds(self) -> float:
        """How long a part is."""
        return self.over.seconds / self.parts


def _stretches(times: list[float]) -> list[tuple[float, float]]:
    """Give the beginning and the end of each stretch of sending between two pauses."""
    steps = [later - earlier for earlier, later in pairwise(times)]
    pause = max(_PAUSE, _UNUSUAL * median(steps)) if steps else _PAUSE
    pauses = [(a, b) for a, b in pairwise(times) if b - a > pause]
    starts = [times[0], *(back for _, back in pauses)]
    return list(zip(starts, [*(last for last, _ in pauses), times[-1]], strict=True))


def tell(folder: Path) -> list[str]:
    """Draw what is known of a folder's runs; nothing where its journal cannot be read.

    This blocks.
    """
    try:
        facts = _gather(folder)
    except (ConfigurationError, JournalError):
        return []
    return list(_draw(facts, _waited(folder)))


def _gather(folder: Path) -> Facts:
    facts = Facts()
    with database.reading(folder / JOURNAL, untouched=True) as db:
        for entry in Records.over(db).entries():
            facts.add(entry)
    return facts


def _waited(folder: Path) -> dict[str, float]:
    """Give the seconds of waiting, by cause, that the card of the last run tells of."""
    try:
        told = json.loads((folder / CARD).read_bytes())["figures"]["waited"]
        return {cause: float(seconds) for cause, seconds in told.items()}
    # There is none, or somebody has written into it.
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _draw(facts: Facts, waited: dict[str, float]) -> Iterator[str]:
    if facts.left:
        clock = Clock.of(sorted(facts.left))
        yield _pace(facts, clock)
    if any(waited.values()):
        yield _waits(waited)
    if facts.causes:
        yield _causes(facts.causes)


def _pace(facts: Facts, clock: Clock) -> str:
    good, bad = [0] * clock.parts, [0] * clock.parts
    for left, is_good, refused in zip(facts.left, facts.good, facts.refused, strict=True):
        part = clock.part(left)
        good[part] += is_good
        bad[part] += refused + (not is_good)
    wide = clock.part_seconds
    heights = [(a / wide, b / wide) for a, b in zip(good, bad, strict=True)]
    pauses = len(clock.over.breaks)
    about = (
        f"{sum(good):,} calls gave an image, by when they left; {sum(bad):,} attempts gave none. "
        f"At most {max(a for a, _ in heights):.3g} images a second. "
        f"{pauses} {'pause' if pauses == 1 else 'pauses'} of more than ten seconds."
    )
    marks = "attempts refused or without an image"
    return columns("Images a second", about, clock.over, heights, marks)


def _waits(waited: dict[str, float]) -> str:
    names = {str(cause): name for cause, name in NAMES.items()} | {"latency": "generation"}
    lengths = {
        names.get(cause, cause): seconds
        for cause, seconds in sorted(waited.items(), key=lambda one: -one[1])
        if seconds > _WORTH * sum(waited.values())
    }
    waiting = sum(seconds for cause, seconds in waited.items() if cause != "latency")
    about = (
        f"The last run waited {time_span(waiting)} for a turn and the like, and "
        f"{time_span(waited.get('latency', 0.0))} with all sent for the provider to answer."
    )
    return bars("What the last run waited for", about, lengths, " s")


def _causes(causes: Counter[str]) -> str:
    said = dict(causes.most_common(10))
    about = "; ".join(f"{name}: {number:,}" for name, number in said.items())
    return bars("Requests without an image, by cause", f"{about}.", said)
