"""The story of a folder's runs, as drawings: only of what the journal and the card hold.

Of each request it knows the last attempt: when that left, and how long its answer took.
"""

from __future__ import annotations

import json
import math
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median

import attrs

from volcv_async.bottleneck import NAMES
from volcv_async.errors import ConfigurationError
from volcv_async.job import database
from volcv_async.job.database import JOURNAL, JournalError
from volcv_async.job.drawings import Key, Line, bars, columns, time_span
from volcv_async.job.drawn_time import Clock, Span
from volcv_async.job.going_on import trip
from volcv_async.job.records import Entry, Records
from volcv_async.job.run_card import CARD

_WORTH = 0.001  # of all waiting, from where on a cause is drawn
_GENERATION = "generation, all sent"
_NINE_TENTHS = 0.9
_ENDLESS = 1e12  # more than any card says, in seconds or calls

_NOT_OURS = (
    *(OSError, ValueError, LookupError, TypeError, AttributeError),
    *(RecursionError, OverflowError),
)
"""What reading a card ends in, where there is none, or somebody has written into it."""


@attrs.define
class Facts:
    """What is known of the calls of a folder, each by its place in the arrays.

    Attributes:
        left: When the call left, as seconds since 1970.
        took: The seconds until its answer was there; NaN where nobody saw it come.
        good: 1 where it gave an image, 0 otherwise.
        refused: How many attempts went before it.
        causes: How many gave no image, by error and code.
    """

    left: array[float] = attrs.field(factory=lambda: array("d"))
    took: array[float] = attrs.field(factory=lambda: array("d"))
    good: array[int] = attrs.field(factory=lambda: array("b"))
    refused: array[int] = attrs.field(factory=lambda: array("l"))
    causes: Counter[str] = attrs.field(factory=Counter[str])

    def add(self, entry: Entry) -> None:
        """Add what the journal says of one request."""
        last = entry.rows[-1] if entry.rows else {}
        if entry.state in {"failed", "in doubt"}:
            code = last.get("code")
            self.causes[f"{last.get('error')}{'' if code is None else f' {code}'}"] += 1
        went = trip(entry)
        if went.sent is not None and entry.state != "pending":
            self.left.append(went.sent.timestamp())
            self.took.append(math.nan if went.seconds is None else went.seconds)
            self.good.append(entry.state == "done")
            self.refused.append(max(entry.attempts - 1, 0))

    def spans(self) -> Iterator[Span]:
        """Give when each call left and was back; of one that nobody saw come back, no time."""
        for left, took in zip(self.left, self.took, strict=True):
            yield left, left if math.isnan(took) else left + took

    def generations(self) -> Iterator[Span]:
        """Give when each call left that gave an image, and the seconds until it was there."""
        for left, took, good in zip(self.left, self.took, self.good, strict=True):
            if good and not math.isnan(took):
                yield left, took


@attrs.frozen
class Card:
    """What the card of the last run says for the drawings.

    Attributes:
        waited: The seconds of waiting, by cause.
        slots: From when on, in seconds since 1970, how many calls could be in flight.
    """

    waited: dict[str, float] = attrs.field(factory=dict[str, float])
    slots: list[tuple[float, int]] = attrs.field(factory=list[tuple[float, int]])

    @classmethod
    def of(cls, folder: Path) -> Card:
        """Read it; nothing is known where there is none, or somebody has written into it."""
        try:
            told = json.loads((folder / CARD).read_bytes())
            began = datetime.fromisoformat(told["began"]).timestamp()
            return cls.saying(told["figures"]["waited"], began, told.get("slots", ()))
        except _NOT_OURS:
            return cls()

    @classmethod
    def saying(
        cls,
        waited: Mapping[str, float],
        began: float,
        slots: Sequence[tuple[float, float]],
    ) -> Card:
        """Make one of what is written there; an older one has no slots.

        Raises:
            ValueError: A number is none that could be there.
        """
        return cls(
            {cause: _sound(seconds) for cause, seconds in waited.items()},
            [(began + _sound(seconds), int(_sound(number))) for seconds, number in slots],
        )


def _sound(written: float) -> float:
    """Take a number for what it says, if it can be so.

    Raises:
        ValueError: It cannot.
    """
    number = float(written)
    if not 0 <= number < _ENDLESS:
        raise ValueError(number)
    return number


def tell(folder: Path) -> list[str]:
    """Draw what is known of a folder's runs; nothing where its journal cannot be read.

    This blocks.
    """
    try:
        facts = _gather(folder)
    except (ConfigurationError, JournalError):
        return []
    return list(_draw(facts, Card.of(folder)))


def _gather(folder: Path) -> Facts:
    facts = Facts()
    with database.reading(folder / JOURNAL, untouched=True) as db:
        for entry in Records.over(db).entries():
            facts.add(entry)
    return facts


def _draw(facts: Facts, card: Card) -> Iterator[str]:
    if facts.left:
        clock = Clock.of(sorted(facts.spans()))
        yield _pace(facts, clock)
        if not all(map(math.isnan, facts.took)):
            yield _in_flight(facts, clock, card.slots)
        if any(True for _ in facts.generations()):
            yield _generations(facts, clock)
    if any(card.waited.values()):
        yield _waits(card.waited)
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
        f"{pauses} {'pause is' if pauses == 1 else 'pauses are'} cut out."
    )
    upper = Key("bad", "attempts refused or without an image")
    return columns("Images a second", about, clock.over, heights, upper=upper)


def _in_flight(facts: Facts, clock: Clock, slots: list[tuple[float, int]]) -> str:
    means = [0.0] * clock.parts
    for span in facts.spans():
        for part, share in clock.shares(span):
            means[part] += share
    unseen = sum(map(math.isnan, facts.took))
    about = (
        f"Calls in flight, each part of {time_span(clock.part_seconds)} by its mean, the busiest "
        f"{max(means):.3g}. {_said_of(slots)} Only the last attempt of a request counts; "
        f"{unseen:,} whose answer nobody saw are left out."
    )
    steps = [(clock.place(time), float(number)) for time, number in slots]
    line = Line(steps, f"limit of the last run: {_range(slots)}") if slots else None
    heights = [(mean, 0.0) for mean in means]
    upper = Key("bad", "")
    return columns("Calls in flight", about, clock.over, heights, upper=upper, line=line)


def _said_of(slots: list[tuple[float, int]]) -> str:
    """Say what is known of the limit, and of what time it is not."""
    if not slots:
        return "What the limit was is not known."
    changed = len(slots) - 1
    how = f"{_range(slots)}, and changed {changed:,} times as it was learned" if changed else ""
    return (
        f"The limit of the last run was {how or _range(slots)}; that of earlier runs is not known. "
        "Where it is learned, one call more is tried now and then."
    )


def _range(slots: list[tuple[float, int]]) -> str:
    numbers = [number for _, number in slots]
    least, most = min(numbers), max(numbers)
    return f"{most}" if least == most else f"{least} to {most}"


def _generations(facts: Facts, clock: Clock) -> str:
    parts: list[list[float]] = [[] for _ in range(clock.parts)]
    for left, took in facts.generations():
        parts[clock.part(left)].append(took)
    seconds = sorted(took for _, took in facts.generations())
    most = math.ceil(_NINE_TENTHS * len(seconds))
    usual = [median(part) if part else 0.0 for part in parts]
    slowest = [max(part, default=0.0) for part in parts]
    about = (
        f"Half of {len(seconds):,} images were there {median(seconds):.3g} s after their call "
        f"had left, nine in ten after {seconds[most - 1]:.3g} s, the last "
        f"after {seconds[-1]:.3g} s. Each part by its median and its slowest."
    )
    heights = [(low, high - low) for low, high in zip(usual, slowest, strict=True)]
    upper = Key("other", "the slowest, on the median")
    return columns("Seconds to an image", about, clock.over, heights, upper=upper)


def _waits(waited: dict[str, float]) -> str:
    names = {str(cause): name for cause, name in NAMES.items()} | {"latency": _GENERATION}
    lengths = {
        names.get(cause, cause): seconds
        for cause, seconds in sorted(waited.items(), key=lambda one: -one[1])
        if seconds > _WORTH * sum(waited.values())
    }
    waiting = sum(seconds for cause, seconds in waited.items() if cause != "latency")
    about = (
        f"The last run waited {time_span(waiting)} for a turn and the like, and "
        f"{time_span(waited.get('latency', 0.0))} with all sent for the provider to answer. "
        "While it waits for concurrency, every slot is generating."
    )
    title = "Waiting against generation, in the last run"
    return bars(title, about, lengths, " s", apart=_GENERATION)


def _causes(causes: Counter[str]) -> str:
    said = dict(causes.most_common(10))
    about = "; ".join(f"{name}: {number:,}" for name, number in said.items())
    return bars("Requests without an image, by cause", f"{about}.", said)
