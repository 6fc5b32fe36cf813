"""The time of a folder's runs as it is drawn: without its pauses, and in equal parts. Pure.

Times are seconds since 1970; seconds of the drawing count from its left edge.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import pairwise
from statistics import median

import attrs

from volcv_async.job.drawings import Over, time_span

_MOST_PARTS = 96  # that the time is drawn in
_CALLS = 6  # in each of them, if there are enough
_PAUSE = 10.0  # seconds without a call that are called a pause, at the least
_UNUSUAL = 20  # how much longer than usual a pause is
_DRAWN_PAUSE = 0.04  # of all sending, however long it was

Span = tuple[float, float]
"""When a call left, and when it was back."""


@attrs.frozen
class Stretch:
    """A time without a pause.

    Attributes:
        start: When its first call left.
        end: When the last of its calls was back.
        at: Where it begins in the drawing.
    """

    start: float
    end: float
    at: float

    def place(self, time: float) -> float:
        """Give the place of a time in the drawing; what is outside is moved to the nearer end."""
        return self.at + min(max(time, self.start), self.end) - self.start


@attrs.frozen
class Clock:
    """The time of sending: pauses are cut out of it, so that days of rest leave room.

    Attributes:
        stretches: What lies between the pauses.
        over: The time as it is drawn.
        parts: How many equal parts it is drawn in.
    """

    stretches: tuple[Stretch, ...]
    over: Over
    parts: int

    @classmethod
    def of(cls, spans: Sequence[Span]) -> Clock:
        """Find the pauses among calls, which are in the order in which they left."""
        found = list(_between_pauses(spans))
        gap = _DRAWN_PAUSE * max(sum(end - start for start, end in found), 1.0)
        stretches = [Stretch(*found[0], 0.0)]
        breaks: list[tuple[float, float, str]] = []
        for (_, ended), (start, end) in pairwise(found):
            at = stretches[-1].place(ended)
            breaks.append((at, gap, f"Nothing was under way for {time_span(start - ended)}."))
            stretches.append(Stretch(start, end, at + gap))
        whole = stretches[-1].place(stretches[-1].end)
        parts = min(max(len(spans) // _CALLS, 1), _MOST_PARTS)
        return cls(tuple(stretches), Over(seconds=max(whole, 1.0), breaks=breaks), parts)

    def place(self, time: float) -> float:
        """Give the place of a time in the drawing's seconds; what is in a pause is at its end."""
        found = bisect_left(self.stretches, time, key=lambda stretch: stretch.end)
        return self.stretches[min(found, len(self.stretches) - 1)].place(time)

    def part(self, time: float) -> int:
        """Give the part that a time is drawn in."""
        return min(int(self.place(time) / self.part_seconds), self.parts - 1)

    @property
    def part_seconds(self) -> float:
        """How long a part is."""
        return self.over.seconds / self.parts

    def shares(self, span: Span) -> Iterator[tuple[int, float]]:
        """Give each part that a call was under way in, and the share of the part that it was."""
        left, back = (self.place(time) / self.part_seconds for time in span)
        for part in range(int(left), min(int(back) + 1, self.parts)):
            yield part, min(back, part + 1) - max(left, part)


def _between_pauses(spans: Sequence[Span]) -> Iterator[Span]:
    """Give the beginning and the end of each stretch of calls between two pauses."""
    steps = [later - earlier for (earlier, _), (later, _) in pairwise(spans)]
    pause = max(_PAUSE, _UNUSUAL * median(steps)) if steps else _PAUSE
    start, end = spans[0]
    for left, back in spans:
        if left - end > pause:
            yield start, end
            start = left
        end = max(end, back)
    yield start, end
